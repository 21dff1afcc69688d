"""The support vector machine: derivatives, the projection, the lower level's solution."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.bilevel._polyhedron import project_slacks
from tiltyard.suites.bilevel.model import Model


@pytest.fixture(scope="module")
def problem():
    return registry().build("bilevel", "svm")


@pytest.mark.parametrize("rows", [None, torch.tensor([5, 0, 3])], ids=["all", "rows"])
def test_derivatives_are_those_of_automatic_differentiation(problem, rows):
    model = problem.model.on("cpu")
    rng = np.random.default_rng(0)
    x, y, v, u = (
        torch.from_numpy(rng.standard_normal(size))
        for size in (model.dim_x, model.dim_y, model.dim_y, model.inequalities)
    )
    for level in ("lower", "upper"):
        for oracle in (f"{level}_gradient_x", f"{level}_gradient_y", f"{level}_gradients"):
            expected = getattr(Model, oracle)(model, x, y, rows)
            torch.testing.assert_close(getattr(model, oracle)(x, y, rows), expected)
    for oracle in ("hessian_product", "cross_product"):
        expected = getattr(Model, oracle)(model, x, y, v, rows)
        torch.testing.assert_close(getattr(model, oracle)(x, y, v, rows), expected)
    expected = Model.constraint_products(model, x, y, u)
    torch.testing.assert_close(model.constraint_products(x, y, u), expected)


def test_the_start_is_feasible_and_separates(problem):
    model = problem.model.on("cpu")
    x, y = problem.start()
    assert float(model.constraints(x, y).max()) <= 1e-15
    assert problem.held_out(x.numpy(), y.numpy())["test_error"] < 0.15


def test_upper_level_is_smooth_at_no_weights(problem):
    model = problem.model.on("cpu")
    gradient = model.upper_gradient_y(model.x0, torch.zeros(model.dim_y).double(), None)
    assert gradient.isfinite().all()


# Values of few digits make ties and equal rows.
numbers = st.integers(-20, 20).map(lambda k: k / 4)


@st.composite
def projections(draw):
    n, d = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    return [
        torch.tensor(draw(st.lists(numbers, min_size=size, max_size=size))).double()
        for size in (n * d, d, n)
    ]


@settings(max_examples=200)
@given(parts=projections(), power=st.integers(-3, 3))
def test_projection_meets_its_optimality_conditions(parts, power):
    scale = 10.0**power
    p, slacks = scale * parts[1], scale * parts[2]
    A = parts[0].reshape(len(slacks), len(p))
    q, s = project_slacks(A, p, slacks)
    size = 1.0 + float(A.abs().max()) * (float(p.norm()) + float(slacks.norm()) + len(slacks))
    multipliers = s - slacks
    gap = A @ q + s - 1.0
    assert float(gap.min()) >= -1e-14 * size
    assert float(multipliers.min()) >= 0.0
    assert float((multipliers * gap).abs().max()) <= 1e-13 * size**2
    assert float((q - p - A.T @ multipliers).abs().max()) <= 1e-13 * size**2


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_projection_of_a_point_far_away(problem, scale):
    model = problem.model.on("cpu")
    rng = np.random.default_rng(0)
    y = torch.from_numpy(scale * rng.standard_normal(model.dim_y))
    _, near = model.project_joint(model.x0, y)
    assert float(model.constraints(model.x0, near).max()) <= 1e-10
    slacks = slice(len(y) - model.inequalities, None)
    multipliers = (near - y)[slacks]
    slope = near - y - torch.cat([model.margins.T @ multipliers, multipliers])
    assert float(slope.abs().max()) <= 1e-12 * scale


def test_projection_leaves_what_is_not_finite(problem):
    model = problem.model.on("cpu")
    y = torch.full((model.dim_y,), torch.nan, dtype=torch.float64)
    assert model.project_joint(model.x0, y)[1].isnan().all()


def test_no_mass_is_of_two_parts(problem):
    arrays = problem.model.arrays
    assert len(arrays["margins"]) == 285
    assert len(arrays["upper_margins"]) == 142
    assert len(problem.held_out.labels) == 142
    signs = arrays["margins"][:, -1:]
    plain = signs * arrays["margins"]
    np.testing.assert_allclose(plain[:, :-1].mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(plain[:, :-1].std(axis=0), 1.0, rtol=1e-12)


def test_a_users_file(tmp_path):
    file = tmp_path / "two"
    file.write_text("".join(f"{i % 2} 1:{i} 2:{i * i % 7}\n" for i in range(40)))
    problem = registry().build("bilevel", f"svm-libsvm[file={file}]")
    assert (problem.dim_x, problem.n_upper) == (20, 10)
    file.write_text("0 1:1\n1 1:2\n")
    with pytest.raises(TiltyardError, match="too few for two levels and a test"):
        registry().build("bilevel", f"svm-libsvm[file={file}]")
