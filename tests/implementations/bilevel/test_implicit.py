"""Implicit and iterative differentiation: closed forms, dense solves, autograd, oracle counts."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.implementations.bilevel.written import Written
from tests.suites.bilevel.small import Ridge, problem, quadratic
from tiltyard.implementations.bilevel import _implicit, _rounds
from tiltyard.implementations.bilevel._implicit import (
    Curvature,
    SecantStep,
    conjugate_gradients,
    gradient_steps,
    neumann,
    unrolled_gradient,
)
from tiltyard.implementations.bilevel._lower_lbfgs import LowerLBFGS
from tiltyard.implementations.bilevel.aid_cg import aid_cg
from tiltyard.implementations.bilevel.aid_neumann import aid_neumann
from tiltyard.implementations.bilevel.hoag import hoag
from tiltyard.implementations.bilevel.hypergradient_aid_cg import hypergradient_aid_cg
from tiltyard.implementations.bilevel.hypergradient_aid_neumann import hypergradient_aid_neumann
from tiltyard.implementations.bilevel.hypergradient_itd import hypergradient_itd
from tiltyard.implementations.bilevel.implicit_lbfgs import implicit_lbfgs
from tiltyard.implementations.bilevel.itd import itd
from tiltyard.implementations.bilevel.maid import maid
from tiltyard.suites.bilevel.least_squares import maid_quad
from tiltyard.suites.bilevel.quadratic import quad

EXACT = [
    (aid_cg, {}),
    (aid_neumann, {}),
    (itd, {"inner": 150}),
    (implicit_lbfgs, {}),
    (hoag, {}),
    (hoag, {"schedule": "quadratic"}),
    (hoag, {"schedule": "cubic"}),
    (maid, {}),
]
TRACK = [hypergradient_aid_cg, hypergradient_aid_neumann, hypergradient_itd]


def slope(model):
    """Return the gradient of Phi as a function of x, from dense solves."""
    on = model.on("cpu")
    A, C, a, E, H, K, e, h = (getattr(on, f"mean_{name}") for name in "ACaEHKeh")
    S, s = -torch.linalg.solve(A, C.T), -torch.linalg.solve(A, a)

    def gradient(x):
        y = S @ x + s
        return H @ x + K @ y + h + S.T @ (E @ y + K.T @ x + e)

    return gradient


def answers(method, seen, **parameters):
    return method.function(seen, np.random.default_rng(0), **parameters)


@pytest.mark.parametrize(("method", "parameters"), EXACT)
def test_exact_methods_reach_1e_8_on_the_quadratic(method, parameters):
    seen = quad.build(np.random.default_rng(3), samples=1, conditioning=10).on("cpu")
    gradient = slope(seen.model)
    norms = (float(gradient(a["x"]).norm()) for a in answers(method, seen, **parameters))
    assert any(norm <= 1e-8 for norm in itertools.islice(norms, 700))


def test_the_least_squares_problem_of_maid():
    # Small enough for a gradient of 1e-8 to be above rounding: |Phi| is a few thousands.
    seen = maid_quad.build(np.random.default_rng(0), n=100, m=3).on("cpu")
    gradient = slope(seen.model)
    *_, answer = answers(implicit_lbfgs, seen, tolerance=1e-13)
    assert float(gradient(answer["x"]).norm()) <= 1e-8


@pytest.mark.parametrize("method", [aid_cg, aid_neumann, itd, hoag, maid, implicit_lbfgs])
def test_a_box_binds(method):
    # f = |y - x|^2 / 2 and F = |y - 3|^2 / 2: the nearest point of [-1, 1] to 3 is 1.
    model = Written(
        lambda x, y: 0.5 * (y - 3.0).square().sum(),
        lambda x, y: 0.5 * (y - x).square().sum(),
        [0.0, 0.5],
        [0.0, 0.0],
        x_lower=-1.0,
        x_upper=1.0,
    )
    type(model).curvature = lambda self, x: (1.0, 1.0)
    try:
        seen = problem(model).on("cpu")
        given = [a["x"] for a in itertools.islice(answers(method, seen), 60)]
    finally:
        del type(model).curvature
    assert all(float(x.abs().max()) <= 1.0 for x in given)
    np.testing.assert_allclose(given[-1], [1.0, 1.0], atol=1e-6)


@pytest.mark.parametrize("method", [aid_cg, aid_neumann, hoag, implicit_lbfgs])
def test_without_stated_curvature(method):
    seen = problem(Ridge()).on("cpu")
    reference = problem(Ridge()).on("cpu")
    *_, best = answers(implicit_lbfgs, reference)
    *_, answer = itertools.islice(answers(method, seen), 150)
    np.testing.assert_allclose(answer["x"], best["x"], atol=1e-4)


def test_first_answer_is_the_start():
    for method, parameters in EXACT:
        seen = problem(quadratic()).on("cpu")
        first = next(answers(method, seen, **parameters))
        torch.testing.assert_close(first["x"], seen.start()[0], rtol=0, atol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12), st.floats(1.0, 1e4))
def test_cg_and_neumann_against_a_dense_solve(seed, n, condition):
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.standard_normal((n, n)))
    H = torch.from_numpy((basis * np.logspace(-math.log10(condition), 0, n)) @ basis.T)
    b = torch.from_numpy(rng.standard_normal(n))
    expected = torch.linalg.solve(H, b)
    start = torch.from_numpy(rng.standard_normal(n))
    q, left = conjugate_gradients(lambda v: H @ v, b, start, iterations=20 * n)
    scale = condition * float(b.norm() + start.norm())
    assert float((H @ q - b).norm()) <= 1e-9 * scale
    assert float((left - (b - H @ q)).norm()) <= 1e-10 * scale
    terms = 7
    total = sum(torch.linalg.matrix_power(torch.eye(n) - 0.9 * H, j) @ b for j in range(terms))
    series = neumann(lambda v: H @ v, b, 0.0 * b, step=0.9, terms=terms)
    torch.testing.assert_close(series, 0.9 * total)
    near = neumann(lambda v: H @ v, b, expected, step=0.9, terms=5)
    torch.testing.assert_close(near, expected, rtol=1e-9, atol=1e-9 * condition)


def test_cg_ends_at_rounding():
    n = 200
    basis, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))
    H = torch.from_numpy((basis * np.logspace(-2, 0, n)) @ basis.T)
    b = torch.ones(n, dtype=torch.float64)
    products = []
    q, _ = conjugate_gradients(
        lambda v: products.append(1) or H @ v, b, 0.0 * b, iterations=100_000
    )
    assert len(products) < 1000
    assert float((H @ q - b).norm()) < 1e-11


def test_cg_stops_where_the_matrix_is_not_definite():
    H = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))
    b = torch.tensor([0.0, 1.0], dtype=torch.float64)
    q, left = conjugate_gradients(lambda v: H @ v, b, 0.0 * b, iterations=5)
    assert not q.any()
    torch.testing.assert_close(left, b)


@pytest.mark.parametrize("truncate", [0, 3])
def test_itd_equals_automatic_differentiation_of_the_loop(truncate):
    model = Ridge()
    seen = problem(model).on("cpu")
    on = model.on("cpu")
    x, y0 = torch.tensor([-1.0], dtype=torch.float64), seen.start()[1] + 0.3
    y, steps = gradient_steps(seen, Curvature(seen), x, y0, 8)
    found = unrolled_gradient(seen, x, y, steps[-truncate:])
    w = x.clone().requires_grad_()
    z = steps[-truncate:][0][0]
    for _, step in steps[-truncate:]:
        inside = z if z.requires_grad else z.clone().requires_grad_()
        (down,) = torch.autograd.grad(on.lower(w, inside, None), inside, create_graph=True)
        z = inside - step * down
    (expected,) = torch.autograd.grad(on.upper(w, z, None), w)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_estimated_steps_back_off():
    model = Written(
        lambda x, y: y.sum(),
        lambda x, y: (torch.cosh(y) + 0.0 * x.sum()).sum(),
        [0.0],
        [0.0, 0.0],
    )
    seen = problem(model).on("cpu")
    curvature = Curvature(seen)
    x = seen.start()[0]
    assert curvature.at(x, torch.zeros(2, dtype=torch.float64)) == pytest.approx((0.0, 1.1))
    y, _ = gradient_steps(seen, curvature, x, torch.full((2,), 4.0, dtype=torch.float64), 400)
    assert float(y.abs().max()) < 1e-6


def test_lower_lbfgs_against_newton_and_its_charge():
    seen = problem(Ridge()).on("cpu")
    x = torch.tensor([-2.0], dtype=torch.float64)
    solver = LowerLBFGS(seen, seen.start()[1] + 5.0)
    y = solver.solve(x, 1e-12)
    assert float(seen.lower_gradient_y(x, y).norm()) == float(solver.residual.norm()) <= 1e-12
    assert set(seen.ledger.oracles) == {"f_y"}
    before = seen.ledger.oracles["f_y"]
    solver.solve(x, 1e-12)
    assert seen.ledger.oracles["f_y"] == before + seen.n_lower


def test_lower_lbfgs_ends_where_nothing_is_finite_or_exact():
    seen = problem(Ridge()).on("cpu")
    broken = LowerLBFGS(seen, torch.full((4,), math.nan, dtype=torch.float64))
    assert broken.solve(seen.start()[0], 1e-9).isnan().all()
    best = LowerLBFGS(seen, seen.start()[1]).solve(seen.start()[0], 0.0)
    assert float(seen.lower_gradient_y(seen.start()[0], best).norm()) < 1e-14


@pytest.mark.parametrize(
    ("method", "parameters", "told"),
    [
        (aid_cg, {"inner": 4, "linear": 3}, {"f_y": 8, "hvp": 7, "F_y": 2, "F_x": 2, "cross": 2}),
        (aid_neumann, {"inner": 4, "linear": 3}, {"f_y": 8, "hvp": 5, "cross": 2}),
        (aid_neumann, {"inner": 4, "linear": 3, "warm_start": False}, {"f_y": 8, "hvp": 4}),
        (itd, {"inner": 5}, {"f_y": 10, "hvp": 8, "cross": 10, "F_x": 2, "F_y": 2}),
        (itd, {"inner": 5, "truncate": 2}, {"f_y": 10, "hvp": 2, "cross": 4}),
    ],
)
def test_oracle_counts_of_two_rounds(method, parameters, told):
    seen = problem(quadratic()).on("cpu")
    list(itertools.islice(answers(method, seen, **parameters), 3))
    assert {name: seen.ledger.oracles[name] for name in told} == told


def test_secant_step_stands_still_at_a_stationary_point():
    seen = problem(quadratic()).on("cpu")
    x = seen.start()[0]
    assert SecantStep(seen, 1.0)(x, 0.0 * x) is x


def test_totals_grow():
    assert list(itertools.islice(_rounds.totals(2.0), 5)) == [1, 2, 4, 8, 16]
    assert list(itertools.islice(_rounds.totals(1.1), 5)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("method", TRACK)
@pytest.mark.parametrize("parameters", [{}, {"accelerated": True}, {"warm_start": False}])
def test_hypergradients_tend_to_the_closed_form(method, parameters):
    if not set(parameters) <= set(method.parameters):
        pytest.skip("none of its parameters")
    seen = problem(quadratic(), "hypergradient").on("cpu")
    exact = slope(seen.model)(seen.start()[0])
    errors = [
        float((a["hypergradient"] - exact).norm() / exact.norm())
        for a in itertools.islice(answers(method, seen, **parameters), 11)
    ]
    assert errors[0] == 1.0
    assert errors[-1] < 1e-10


@pytest.mark.parametrize("method", TRACK)
def test_no_inner_step_is_taken_twice(method):
    seen = problem(quadratic(), "hypergradient").on("cpu")
    list(itertools.islice(answers(method, seen), 6))
    assert seen.ledger.oracles["f_y"] == 16


def test_itd_ends_before_memory_does(monkeypatch):
    monkeypatch.setattr(_rounds, "UNROLLED", 4)
    seen = problem(quadratic(), "hypergradient").on("cpu")
    assert len(list(answers(hypergradient_itd, seen))) == 1 + 3


def test_power_iteration_of_a_flat_level():
    model = Written(lambda x, y: y.sum(), lambda x, y: (x.sum() + y).sum(), [0.0], [0.0])
    assert _implicit.Curvature(problem(model).on("cpu")).at(*model_start()) == (0.0, 1.0)


def model_start():
    return torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
