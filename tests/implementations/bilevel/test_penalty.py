"""Known answers of the penalty and value-function methods."""

import importlib
import itertools

import numpy as np
import pytest
import torch

from tests.implementations.bilevel.written import Written
from tests.implementations.bilevel.written import problem as library
from tiltyard.implementations.bilevel import _active_set as sets
from tiltyard.implementations.bilevel import _penalty as penalty
from tiltyard.implementations.bilevel._lagrangian import Saddle
from tiltyard.implementations.bilevel._lv_hba import Scaling, Settings, State, step, whitening
from tiltyard.registry import registry
from tiltyard.run.driver import Run
from tiltyard.run.record import Status
from tiltyard.suite import Budget
from tiltyard.suites.bilevel import SUITE
from tiltyard.suites.bilevel._quadratic import FIELDS

SETTINGS = {
    "beta": 0.2,
    "gamma1": 10.0,
    "gamma2": 1.0,
    "p": 0.0,
    "radius": 1000.0,
    "scaling": Scaling(),
}


def method(name):
    return getattr(importlib.import_module(f"tiltyard.implementations.bilevel.{name}"), name)


def build(name):
    return registry().build("bilevel", name).on("cpu")


def answers(name, problem, count, seed=0, **parameters):
    made = method(name).function(problem, np.random.default_rng(seed), **parameters)
    return list(itertools.islice(made, count))


def coefficients(model):
    return [torch.tensor(model.arrays[f"mean_{name}"]) for name in FIELDS]


def closed_form(model):
    """Return y*(x)'s matrix and constant, and Phi's Hessian and its gradient at zero."""
    A, C, a, E, H, K, e, h = coefficients(model)
    S, s = -torch.linalg.solve(A, C.T), -torch.linalg.solve(A, a)
    hessian = H + K @ S + S.T @ K.T + S.T @ E @ S
    return S, s, hessian, h + K @ s + S.T @ (E @ s + e)


def test_bias_of_the_penalty_has_slope_one():
    problem = build("quad[samples=1]")
    _, _, hessian, constant = closed_form(problem.model)
    x, y = problem.start()
    exact, sigmas, errors = hessian @ x + constant, 10.0 ** np.arange(-4.0, -1.0), []
    for sigma in sigmas:
        rng = np.random.default_rng(0)
        pair = penalty.Pair(problem, x, y, rng)
        pair.upper = penalty.upper_bend(problem, x, y, rng)
        errors.append(float((pair.hypergradient(x, float(sigma), 600) - exact).norm()))
    slope = np.polyfit(np.log(sigmas), np.log(errors), 1)[0]
    assert 0.9 <= slope <= 1.1


def penalised_optimum(model, sigma):
    """Return the minimiser of F + (f - v) / sigma, by one linear solve."""
    A, C, a, E, H, K, e, h = coefficients(model)
    bent = A + sigma * E
    S, s = -torch.linalg.solve(bent, (C + sigma * K).T), -torch.linalg.solve(bent, a + sigma * e)
    T, t, *_ = closed_form(model)
    hessian = H + K @ S + C @ (S - T) / sigma
    return -torch.linalg.solve(hessian, h + K @ s + C @ (s - t) / sigma)


def test_optima_of_the_penalty_approach_the_problem_s_with_sigma():
    model = build("quad[samples=1]").model
    _, _, hessian, constant = closed_form(model)
    best = -torch.linalg.solve(hessian, constant)
    far, near = (float((penalised_optimum(model, s) - best).norm()) for s in (1e-3, 1e-4))
    assert near < 0.12 * far


@pytest.mark.parametrize("sigma", [1.0, 0.1])
def test_double_loop_converges_to_the_optimum_of_the_penalty(sigma):
    problem = build("quad[samples=1]")
    best = penalised_optimum(problem.model, sigma)
    last = answers("penalty_double_loop", problem, 200, sigma=sigma, decay=0.0, inner_steps=50)[-1]
    assert float((last["x"] - best).norm() / best.norm()) < 1e-4


@pytest.mark.parametrize("gamma", [1.0, 10.0])
def test_value_gap_descent_converges_to_the_optimum_of_the_penalty(gamma):
    problem = build("quad[samples=1]")
    best = penalised_optimum(problem.model, 1.0 / gamma)
    last = answers("pbgd", problem, 1000, gamma=gamma)[-1]
    assert float((last["x"] - best).norm() / best.norm()) < 1e-3


@pytest.mark.parametrize("name", ["bome", "lv_hba"])
def test_steps_that_grow_without_bound_are_recorded_as_divergence(name):
    problem = build("quad[samples=1]")
    run = Run(
        SUITE,
        method(name),
        problem,
        SUITE.judge(problem),
        budget=Budget(iterations=500),
        report=lambda _: None,
    )
    with np.errstate(all="ignore"):
        outcome = run.drive(np.random.default_rng(0), {"step": 1e3})
    assert outcome.status is Status.DIVERGED


def test_the_optimum_of_llc_is_stationary_for_a_large_penalty():
    problem, n = build("llc[n=10]"), 10
    one = torch.ones(n, dtype=torch.float64)
    x, y = -0.3 * one, torch.cat((0.7 * one, -0.4 * one))
    multiplier = -torch.ones(1, dtype=torch.float64)  # of f_v + lambda e = 0
    start = State(x, y, y, multiplier, multiplier)
    moves = []
    for c in (1e2, 1e4, 1e6):
        state = step(problem, start, Settings(alpha=0.2, eta=0.2, c=c, **SETTINGS), 0)
        assert torch.allclose(state.theta, y, atol=1e-14)
        assert torch.allclose(state.lam, multiplier, atol=1e-14)
        moves.append(float((state.x - x).norm() + (state.y - y).norm()))
    assert moves[1] == pytest.approx(1e-2 * moves[0])
    assert moves[2] == pytest.approx(1e-4 * moves[0])


@pytest.mark.parametrize("n", [10, 100])
def test_lv_hba_stays_near_the_optimum_of_llc(n):
    errors = [
        float((answer["x"] + 0.3).norm() / (0.3 * n**0.5))
        for answer in answers("lv_hba", build(f"llc[n={n}]"), 2500)[2000::10]
    ]
    assert max(errors) <= 1e-3


def test_the_released_constants_diverge_on_llc():
    made = answers("lv_hba_released", build("llc[n=100]"), 4000)
    errors = [float((answer["x"] + 0.3).norm() / 3.0) for answer in made]
    assert errors[-1] > 10.0 * errors[0]
    assert errors[-1] > 10.0 * min(errors)


def test_lv_hba_answers_on_the_constraints():
    problem = build("llsc")
    for answer in answers("lv_hba", problem, 20)[1:]:
        assert float(problem.constraints(answer["x"], answer["y"]).abs().max()) < 1e-9
        assert torch.allclose(problem.project_x(answer["x"]), answer["x"], atol=1e-9)


def test_whitened_equations_have_orthonormal_derivatives():
    problem = build("llsc")
    scaling = whitening(problem, *problem.start(), 1.0)
    A = torch.tensor(problem.model.arrays["A"])
    image = scaling.W @ A
    assert torch.allclose(image @ image.T, torch.eye(len(A), dtype=A.dtype), atol=1e-9)
    x, y = problem.start()
    multipliers = torch.linspace(-1.0, 1.0, len(A), dtype=A.dtype)
    g = problem.constraints(x, y + 1.0)
    assert float(scaling.scaled(g) @ multipliers) == pytest.approx(
        float(g @ scaling.unscaled(multipliers))
    )


def test_multipliers_of_inequalities_stay_nonnegative():
    problem = build("svm")
    x, y = problem.start()
    lam = x.new_zeros(int(problem.facts["inequalities"]))
    state = State(x, y, y, lam, lam)
    for k in range(5):
        state = step(problem, state, Settings(alpha=0.01, eta=0.01, c=10.0, **SETTINGS), k)
        assert bool((state.lam >= 0).all())
        assert bool((state.z >= 0).all())


COSTS = {
    # Oracle calls between two answers, on problems of one sample.
    ("lv_hba", "llc[n=10]"): {
        "F_x": 1, "F_y": 1, "f_x": 2, "f_y": 2, "g": 1, "g_product": 2, "projection": 1
    },
    ("penalty_double_loop", "quad[samples=1]"): {"F_x": 1, "F_y": 20, "f_x": 2, "f_y": 40},
    ("penalty_single_loop", "quad[samples=1]"): {"F_x": 2, "F_y": 2, "f_x": 4, "f_y": 4},
    ("bome", "quad[samples=1]"): {"F_x": 1, "F_y": 1, "f_x": 2, "f_y": 11},
    ("pbgd", "quad[samples=1]"): {"F_x": 1, "F_y": 1, "f_x": 2, "f_y": 11},
    ("blocc", "llsc"): {"F_x": 1, "F_y": 100, "f_x": 2, "f_y": 200, "g": 40, "g_product": 202},
}  # fmt: skip


@pytest.mark.parametrize("case", COSTS, ids="-".join)
def test_a_round_charges_what_the_formulas_ask_for(case):
    name, target = case
    problem = build(target)
    made = method(name).function(problem, np.random.default_rng(0))
    for _ in range(3):
        next(made)
    before = dict(problem.ledger.oracles)
    next(made)
    spent = {key: n - before.get(key, 0) for key, n in problem.ledger.oracles.items()}
    assert {key: n for key, n in spent.items() if n} == COSTS[case]


def test_barrier_is_that_of_the_paper():
    slope, gap = torch.tensor([1.0, 2.0]), torch.tensor([3.0, -1.0])
    # |gap|^2 = 10, <slope, gap> = 1: lambda = (0.5 * 10 - 1) / 10.
    assert torch.allclose(penalty.barrier(slope, gap, 0.5), slope + 0.4 * gap)
    # <slope, 2 gap> = 2 is above a twentieth of |2 gap|^2: F's descent lowers q enough.
    assert torch.equal(penalty.barrier(slope, 2 * gap, 0.04), slope)
    assert torch.equal(penalty.barrier(slope, 0 * gap, 0.5), slope)


def plan():
    """F = |y - Bx|^2 / 2 + ... under y_0 + y_1 <= x_0 (active), y_2 <= 50 (not)."""
    B = torch.tensor([[1.0, 0.5], [-0.5, 2.0], [0.3, -1.0]], dtype=torch.float64)
    return Written(
        lambda x, y: (y * y).sum() + x @ x + y[0] * x[1],
        lambda x, y: 0.5 * ((y - B @ x) ** 2).sum() + 0.5 * y[0] ** 2 + 0.2 * y[0] * y[1],
        [1.0, 2.0],
        [0.0, 0.0, 0.0],
        g=lambda x, y: torch.stack((y[0] + y[1] - x[0], y[2] - 50.0)),
        convexity="strong",
    )


def lower_solution(model, x):
    """Solve the lower level of ``plan`` at its active set by one linear system."""
    y = torch.zeros(3, dtype=torch.float64)
    H = torch.autograd.functional.hessian(lambda u: model.lower(x, u, None), y)
    c = -model.lower_gradient_y(x, y, None)
    A = torch.tensor([[1.0, 1.0, 0.0]], dtype=torch.float64)
    top = torch.cat((torch.cat((H, A.T), 1), torch.cat((A, torch.zeros(1, 1)), 1)))
    found = torch.linalg.solve(top, torch.cat((c, x[:1])))
    return found[:3], float(found[3])


def test_gradient_at_an_active_set_matches_differences():
    model = plan()
    problem = library(model)
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    y, multiplier = lower_solution(model, x)
    assert multiplier > 0.1
    rows = sets.rows_at(problem, x, y)
    assert sets.undecided(rows, problem.lower_gradient_y(x, y), 1e-6) == ([0], [])
    found = sets.gradient(problem, (x, y), rows, [0])
    for i, unit in enumerate(torch.eye(2, dtype=torch.float64)):
        ends = [x + s * 1e-5 * unit for s in (1, -1)]
        up, down = (problem.upper(end, lower_solution(model, end)[0]) for end in ends)
        assert float(found[i]) == pytest.approx((up - down) / 2e-5, rel=1e-7)


def test_undecided_constraints_give_every_gradient():
    assert sets.subsets([4, 7]) == [[], [4], [7], [4, 7]]
    assert len(sets.subsets(list(range(9)))) == 2
    a, b = torch.tensor([1.0, 1.0]), torch.tensor([1.0, -1.0])
    assert torch.allclose(sets.shortest([a, b]), torch.tensor([1.0, 0.0]))
    assert torch.allclose(sets.shortest([a, 3 * a]), a)
    assert float(sets.shortest([a, -2 * a]).norm()) < 1e-6


def test_gam_solves_a_small_program():
    last = answers("gam", library(plan()), 60)[-1]
    x = torch.zeros(2, dtype=torch.float64)
    y, _ = lower_solution(plan(), x)
    # Phi is a positive quadratic of x on the active piece, so it is least at x = 0.
    assert float(y.norm()) < 1e-12
    assert float(last["x"].norm()) < 1e-3


def test_gradient_of_the_value_function_matches_the_closed_form():
    model = plan()
    problem = library(model)
    x = torch.tensor([1.0, 2.0], dtype=torch.float64)
    _, y = problem.start()
    saddle = Saddle(problem, y, 0.0, 1.0)
    saddle.settle(x, (100, 10), (0.4, 0.4))
    exact, multiplier = lower_solution(model, x)
    assert torch.allclose(saddle.y, exact, atol=1e-8)
    assert float(saddle.multipliers[0]) == pytest.approx(multiplier, abs=1e-8)
    slope = saddle.slope_x(x)
    for i, unit in enumerate(torch.eye(2, dtype=torch.float64)):
        ends = [x + s * 1e-5 * unit for s in (1, -1)]
        up, down = (problem.lower(end, lower_solution(model, end)[0]) for end in ends)
        assert float(slope[i]) == pytest.approx((up - down) / 2e-5, rel=1e-6)


def boxed():
    """F = |y - x|^2 with y in [-1, 0.5], F = |y - 1|^2 + |x|^2 / 10 with x in [-2, 2]."""
    return Written(
        lambda x, y: ((y - 1.0) ** 2).sum() + 0.1 * (x @ x),
        lambda x, y: 0.5 * ((y - x) ** 2).sum(),
        [2.0, -2.0],
        [0.0, 0.0],
        x_lower=-2.0,
        x_upper=2.0,
        y_lower=-1.0,
        y_upper=0.5,
    )


@pytest.mark.parametrize("name", ["penalty_double_loop", "penalty_single_loop", "pbgd", "lv_hba"])
def test_iterates_stay_in_their_sets(name):
    problem = library(boxed())
    for answer in answers(name, problem, 60):
        assert torch.equal(problem.project_x(answer["x"]), answer["x"])
        assert torch.equal(problem.project_y(answer["y"]), answer["y"])


@pytest.mark.parametrize("name", ["penalty_single_loop", "lv_hba", "blocc", "penalty_double_loop"])
def test_equal_seeds_give_equal_answers(name):
    target = "llsc" if name in ("lv_hba", "blocc") else "quad[samples=256]"
    ends = [answers(name, build(target), 6, seed)[-1]["x"] for seed in (1, 1, 2)]
    assert torch.equal(ends[0], ends[1])
    if name == "penalty_single_loop":
        assert not torch.equal(ends[0], ends[2])


def test_powers_find_the_largest_eigenvalue():
    H = torch.diag(torch.tensor([3.0, 0.1, -0.2], dtype=torch.float64))
    zero, rng = torch.zeros(3, dtype=torch.float64), np.random.default_rng(0)
    assert penalty.bend(lambda u: H @ u, zero, rng) == pytest.approx(3.0, rel=1e-6)
    assert penalty.bend(lambda u: u * 0.0 + 1.0, zero, rng) == 0.0
    problem = build("llc[n=10]")
    assert penalty.constraint_norm(problem, *problem.start(), rng) == pytest.approx(20**0.5)


@pytest.mark.parametrize(
    ("name", "target", "trait"),
    [
        ("lv_hba", "pbgd-toy", "lower_convexity"),
        ("bome", "llc[n=10]", "constraints"),
        ("penalty_double_loop", "svm", "constraints"),
        ("blocc", "llc[n=10]", "lower_unique"),
        ("gam", "llc[n=10]", "lower_unique"),
    ],
)
def test_unsupported_names_the_missing_trait(name, target, trait):
    assert trait in method(name).unsupported(build(target), "cpu")
