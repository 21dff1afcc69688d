"""The methods' own lower-level solver, against closed forms and against the judge's."""

import math

import numpy as np
import pytest
import torch

from tests.implementations.bilevel.written import Written, mirrlees, optimistic, problem
from tests.suites.bilevel.small import Coupled, Program, Squeezed, quadratic
from tiltyard.implementations.bilevel import _lower_solver
from tiltyard.implementations.bilevel._lower_solver import LowerSolver
from tiltyard.suites.bilevel._constrained_level import ConstrainedLevel


def solver(seen, **more):
    return LowerSolver(seen, np.random.default_rng(0), **{"tolerance": 1e-9, **more})


@pytest.mark.parametrize("seed", range(3))
def test_a_quadratic_level_by_one_linear_solve(seed):
    model = quadratic(seed)
    seen = problem(model, "deterministic")
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal(3))
    solved = solver(seen).solve(x)
    on = model.on("cpu")
    expected = torch.linalg.solve(on.mean_A, -(x @ on.mean_C + on.mean_a))
    torch.testing.assert_close(solved.y, expected, rtol=0, atol=1e-7)
    assert solved.value == pytest.approx(float(on.lower(x, solved.y, None)), rel=1e-15)
    assert solved.violation == 0.0


def test_a_box_by_hand():
    model = Written(
        lambda x, y: y.sum(),
        lambda x, y: ((y - x) ** 2).sum(),
        [0.0],
        [0.0, 0.0],
        y_lower=[-1, -9],
        y_upper=[1, 9],
    )
    solved = solver(problem(model)).solve(torch.tensor([5.0], dtype=torch.float64))
    np.testing.assert_allclose(solved.y, [1.0, 5.0], atol=1e-8)


@pytest.mark.parametrize("small", [60, 0], ids=["slsqp", "augmented"])
@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("box", [math.inf, 0.3])
def test_constraints_as_the_judge_solves_them(monkeypatch, small, bent, box):
    monkeypatch.setattr(_lower_solver, "SMALL", small)
    model = Program(bent=bent, box=box)
    seen = problem(model, "constrained")
    x = seen.start()[0]
    solved = solver(seen).solve(x)
    assert solved.violation <= 1e-7
    np.testing.assert_allclose(solved.y, ConstrainedLevel(model).solve(x).y, atol=1e-6)


@pytest.mark.parametrize("small", [60, 0], ids=["slsqp", "augmented"])
def test_an_infeasible_level_has_no_value(monkeypatch, small):
    monkeypatch.setattr(_lower_solver, "SMALL", small)
    solving = solver(problem(Squeezed(), "constrained"))
    empty = solving.solve(torch.tensor([0.5], dtype=torch.float64))
    assert empty.value == math.inf
    assert empty.violation > 0.1
    again = solving.solve(torch.tensor([3.0], dtype=torch.float64))
    np.testing.assert_allclose(again.y, [1.0], atol=1e-6)


@pytest.mark.parametrize("start", [-2.0, 0.0, 2.0])
def test_a_nonconvex_level_is_minimised_globally(start):
    seen = problem(mirrlees())
    solving = solver(seen)
    solving.solve(torch.tensor([start], dtype=torch.float64))
    for value, side in ((0.5, 1.0), (2.0, -1.0)):
        y = solving.solve(torch.tensor([value], dtype=torch.float64)).y
        assert abs(float(y[0]) - side) < 0.1


def test_of_several_solutions_the_one_with_the_smaller_upper_value():
    solved = solver(problem(optimistic())).solve(torch.tensor([2.0], dtype=torch.float64))
    np.testing.assert_allclose(solved.y, [2.0, 3.0], atol=1e-4)
    assert solved.value < 1e-12
    seen = problem(Coupled(), "constrained")
    x = torch.full((3,), -0.3, dtype=torch.float64)
    y = solver(seen).solve(x).y
    np.testing.assert_allclose(y, [0.7] * 3 + [-0.4] * 3, atol=1e-4)


def test_what_is_not_finite_is_no_solution():
    model = Written(lambda x, y: y.sum(), lambda x, y: torch.log(y - x).sum(), [0.0], [1.0])
    solved = solver(problem(model)).solve(torch.tensor([2.0], dtype=torch.float64))
    assert solved.value == math.inf


def test_every_evaluation_is_charged(monkeypatch):
    model = Program(bent=True)
    calls = {"lower": 0, "lower_gradient_y": 0, "constraints": 0, "constraint_products": 0}
    at = model.on("cpu")

    def counting(name, was):
        def counted(*given):
            calls[name] += 1
            return was(*given)

        return counted

    for name in calls:
        monkeypatch.setattr(at, name, counting(name, getattr(at, name)))
    seen = problem(model, "constrained")
    for name in calls:  # the problem's own checks asked, too
        calls[name] = 0
    solver(seen).solve(seen.start()[0])
    told = seen.ledger.oracles
    assert told == {
        "f": calls["lower"] - calls["lower_gradient_y"],  # its gradient is by differentiation
        "f_y": calls["lower_gradient_y"],
        "g": calls["constraints"] - calls["constraint_products"],
        "g_product": calls["constraint_products"],
    }
