"""The toys coupled by equations: projections, derivatives, closed forms; wrong projections."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.suites.bilevel.agreement import assert_derivatives
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.bilevel._affine import LinearLower, NearestLower
from tiltyard.suites.bilevel.problem import BilevelProblem


def nearest(n=6, m=4, seed=0):
    rng = np.random.default_rng(seed)
    H, A, B = rng.random((m, n)), rng.random((m, n)), rng.random((m // 2, n))
    return NearestLower(H, A, B, rng.random(n), rng.random(n)).on("cpu")


MODELS = {"llc": LinearLower(5).on("cpu"), "llsc": nearest()}


@pytest.mark.parametrize("name", MODELS)
def test_derivatives_are_those_of_automatic_differentiation(name):
    assert_derivatives(MODELS[name])


@given(
    seed=st.integers(0, 1000),
    n=st.integers(3, 12),
    size=st.sampled_from([1e-6, 1.0, 1e6]),
    name=st.sampled_from(["llc", "llsc"]),
)
def test_projection_is_the_nearest_feasible_point(seed, n, size, name):
    model = LinearLower(n).on("cpu") if name == "llc" else nearest(n, n - 1, seed)
    rng = np.random.default_rng(seed)
    x, y = (size * torch.from_numpy(rng.standard_normal(k)) for k in (model.dim_x, model.dim_y))
    near, far = model.project_joint(x, y)
    assert float(model.constraints(near, far).abs().max()) <= 1e-13 * n * size
    torch.testing.assert_close(model.project_x(near), near, rtol=1e-12, atol=1e-14 * size)
    # Normal to all feasible directions: other feasible points less this one.
    rest = torch.cat((x - near, y - far))
    other = model.project_joint(*(torch.from_numpy(rng.standard_normal(len(z))) for z in (x, y)))
    assert abs(float(rest @ torch.cat(other))) <= 1e-12 * n * size


def test_equations_that_repeat_are_projected_on_all_the_same():
    rng = np.random.default_rng(0)
    H, A, B = rng.random((3, 6)), rng.random((3, 6)), rng.random((2, 6))
    H[2], A[2] = H[0] + H[1], A[0] + A[1]
    model = NearestLower(H, A, np.vstack((B, B)), rng.random(6), rng.random(6)).on("cpu")
    x, y = model.project_joint(torch.ones(6).double(), torch.ones(6).double())
    assert float(model.constraints(x, y).abs().max()) <= 1e-14
    np.testing.assert_allclose(B @ x.numpy(), 0.0, atol=1e-14)


def test_llc_has_the_optimum_of_its_docstring():
    problem = registry().build("bilevel", "llc[n=20]")
    model, e = problem.model.on("cpu"), torch.ones(20).double()
    x, y = -0.3 * e, torch.cat((0.7 * e, -0.4 * e))
    assert float(model.upper(x, y, None)) == pytest.approx(1.0, rel=1e-14)
    assert float(model.constraints(x, y).abs().max()) <= 1e-13
    # A multiplier of -1 makes y a solution of the lower level, and (x, u, v) moves along
    # solutions, u = x + dx and e'v = -2 e'x - n, without a first-order change of F.
    slope = model.lower_gradient_y(x, y, None)
    in_y = model.constraint_products(x, y, -torch.ones(1).double())[1]
    torch.testing.assert_close(slope, -in_y)
    in_x, in_y = model.upper_gradients(x, y, None)
    in_u, in_v = in_y.split(20)
    torch.testing.assert_close(in_v, in_v.mean() * e)
    torch.testing.assert_close(in_x + in_u - 2.0 * in_v, torch.zeros(20).double())
    assert (problem.facts["lower_convexity"], problem.facts["lower_unique"]) == ("convex", False)
    assert model.slope_norm == pytest.approx(np.sqrt(40.0))


def test_llsc_has_its_lower_level_in_computed():
    problem = registry().build("bilevel", "llsc[n=20,m=15]")
    model = problem.model.on("cpu")
    A, H = model.arrays["A"], model.arrays["H"]
    x, y = problem.start()
    assert float(model.constraints(x, y).abs().max()) <= 1e-12
    z = x.numpy()
    inverse = np.linalg.pinv(A)
    best = torch.from_numpy(z - inverse @ (A @ z + H @ z))
    assert float(model.constraints(x, best).abs().max()) <= 1e-11
    rest = model.lower_gradient_y(x, best, None).numpy()
    np.testing.assert_allclose(rest, inverse @ (A @ rest), atol=1e-10)
    assert model.slope_norm == pytest.approx(np.linalg.norm(A, 2))
    assert problem.facts["upper_set"] == "affine"


@pytest.mark.parametrize("name", ["llc[n=0]", "llsc[n=5,m=5]", "llsc[n=5,m=0]"])
def test_sizes_that_make_no_problem_are_refused(name):
    with pytest.raises(TiltyardError, match=r"must be|is below"):
        registry().build("bilevel", name)


class Shifted(LinearLower):
    """Leaves every point where it is, feasible or not."""

    def project_joint(self, x, y):
        return x, y


class Shrinking(LinearLower):
    """Projects, and then goes on inside the set."""

    def project_joint(self, x, y):
        near, far = super().project_joint(x, y)
        return 0.5 * near, 0.5 * far


class Oblique(LinearLower):
    """Moves v alone, onto the equation but not to the nearest point."""

    def project_joint(self, x, y):
        far = y.clone()
        far[self.dim_x :] -= self.constraints(x, y) / self.dim_x
        return x, far


class Capped(LinearLower):
    """Projects onto an interval where X is the whole space, and its end is not the nearest."""

    def project_x(self, x):
        return x.clamp(min=2.0 if float(x.max()) > 0.5 else -9.0)


class Moving(LinearLower):
    """Moves points of X, the whole space."""

    def project_x(self, x):
        return 0.5 * x


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Shifted(3), "leaves a violation"),
        (Shrinking(3), "project_joint moves a point"),
        (Oblique(3), "project_joint gives a point that is not the nearest"),
        (Capped(3), "project_x gives a point that is not the nearest"),
        (Moving(3), "project_x moves a point"),
    ],
    ids=["infeasible", "not idempotent", "oblique", "far", "of x"],
)
def test_wrong_projections_are_refused(model, reason):
    with pytest.raises(TiltyardError, match=reason):
        BilevelProblem(model=model, track="constrained")
