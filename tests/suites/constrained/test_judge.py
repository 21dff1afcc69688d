"""The judge of the constrained suite: known points, claims and answers that are none."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.suites.constrained.conftest import dense_problem
from tiltyard.errors import InvalidAnswer, NonFiniteAnswer
from tiltyard.suites.constrained import reference as references
from tiltyard.suites.constrained._residuals import Point
from tiltyard.suites.constrained.judge import ConstrainedJudge
from tiltyard.suites.constrained.problem import ConstrainedProblem
from tiltyard.suites.constrained.reference import Reference


def judged(problem, answer):
    judge = ConstrainedJudge(problem)
    return judge.score(judge.accept(answer))


def reference_of(problem, value, x=None, **changes):
    """Return a verified reference of a problem."""
    model = problem.model
    made = Reference(
        name="p[]",
        n=model.n,
        m=model.m,
        kind="verified",
        value=value,
        kkt=0.0,
        violation=0.0,
        multiplier_sum=1.0,
        solvers=("one 1", "two 2"),
        provenance="solved by hand",
        fingerprint=references.fingerprint(model),
        x=x,
    )
    return replace(made, **changes)


@pytest.fixture
def know(monkeypatch):
    """Return what makes references known to judges."""

    def make_known(*known):
        table = {}
        for one in known:
            table.setdefault((one.n, one.m), []).append(one)
        monkeypatch.setattr(references, "_by_size", lambda: table)

    return make_known


def test_a_kkt_point_proves_itself_with_and_without_multipliers(program):
    problem, solution = program
    for answer in (solution, solution["x"], {"x": solution["x"], "y": solution["y"]}):
        verdict = judged(problem, answer)
        assert verdict.metrics["gap"] < 1e-12
        assert verdict.sound
        assert math.isnan(verdict.metrics["excess"])
    assert judged(problem, solution).certificate["multipliers"] == "method"
    assert judged(problem, solution["x"]).certificate["multipliers"] == "least squares"
    assert judged(problem, solution["x"]).certificate["largest_multiplier"] == pytest.approx(1.5)


def test_every_residual_sees_its_own_fault(make):
    # min x1^2 + x2^2 with x1 + x2 >= 2, x1 <= 5: (1, 1), y = -2.
    problem = make(
        lambda x: x @ x,
        lambda x: 2.0 * x,
        [0.0, 0.0],
        c=lambda x: [x.sum()],
        J=lambda _: [[1.0, 1.0]],
        upper=[5.0, np.inf],
        c_lower=[2.0],
        c_upper=[np.inf],
    )
    right = judged(problem, {"x": [1, 1], "y": [-2.0], "z": [0.0, 0.0]})
    assert right.metrics["kkt"] == 0.0
    point = ConstrainedJudge(problem)._model
    at = Point(point, np.array([1.0, 1.0]))
    wrong = at.residuals("method", at.pull(np.array([2.0])), np.array([2.0]), np.zeros(2))
    assert (wrong.stationarity, wrong.dual, wrong.scale) == (4.0 / 2.0, 1.0, 2.0)
    lazy = at.residuals("method", at.pull(np.array([-2.0])), np.array([-2.0]), np.array([1.0, 0]))
    assert (lazy.stationarity, lazy.complementarity) == (0.5, 4.0 / 2.0)
    outside = judged(problem, [0.0, 1.0])
    assert outside.metrics["violation"] == 1.0
    assert outside.metrics["primal"] == 0.5


def test_wrong_multipliers_are_replaced_by_better_ones(program):
    problem, solution = program
    verdict = judged(problem, {**solution, "y": -solution["y"]})
    assert verdict.certificate["multipliers"] == "least squares"
    assert verdict.metrics["gap"] < 1e-12


def test_a_vector_of_the_left_null_space_does_not_hide_a_residual(make):
    # The equation is given twice, so y + t (1, -1) explains a point as well as y does.
    problem = make(
        lambda x: x @ x,
        lambda x: 2.0 * x,
        [0.0, 0.0],
        c=lambda x: [x.sum() - 2.0] * 2,
        J=lambda _: [[1.0, 1.0]] * 2,
        c_lower=[0.0, 0.0],
        c_upper=[0.0, 0.0],
    )
    assert judged(problem, [1.0, 1.0]).metrics["gap"] < 1e-14
    verdict = judged(problem, {"x": [1.5, 0.5], "y": [1e14, -1e14], "z": [0, 0]})
    assert verdict.metrics["gap"] > 1e-4


def test_a_local_solution_is_no_solution(make, know):
    # f = x^4/4 - x^2/2 + x/10 has minima near -1.047 (global) and 0.9456 (local).
    problem = make(lambda x: (x**4 / 4 - x**2 / 2 + x / 10).sum(), lambda x: x**3 - x + 0.1, [2.0])
    roots = np.sort(np.roots([1.0, 0.0, -1.0, 0.1]).real)
    best, local = roots[:1], roots[2:]
    f = problem.model.objective
    know(reference_of(problem, f(best)))
    here = judged(problem, local)
    assert here.metrics["kkt"] < 1e-12
    assert here.metrics["gap"] == here.metrics["excess"] == pytest.approx(f(local) - f(best))
    assert judged(problem, best).metrics["gap"] < 1e-12
    know(reference_of(problem, f(local)))
    found = judged(problem, best)
    assert found.metrics["gap"] < 1e-12
    assert found.metrics["excess"] == 0.0
    assert found.certificate["improves_reference"] == pytest.approx(f(local) - f(best))
    assert "improves_reference" not in judged(problem, local).certificate


def cusp(make):
    """Return HS13, whose solution (1, 0) satisfies no constraint qualification."""
    return make(
        lambda x: (x[0] - 2.0) ** 2 + x[1] ** 2,
        lambda x: 2.0 * (x - [2.0, 0.0]),
        [-2.0, -2.0],
        c=lambda x: [(1.0 - x[0]) ** 3 - x[1]],
        J=lambda x: [[-3.0 * (1.0 - x[0]) ** 2, -1.0]],
        lower=0.0,
        c_lower=[0.0],
        c_upper=[np.inf],
    )


def test_without_a_constraint_qualification_the_verdict_is_finite_and_no_better(make, know):
    problem = cusp(make)
    know(reference_of(problem, 1.0))
    at = judged(problem, [1.0, 0.0])
    assert at.metrics["excess"] == 0.0
    assert at.metrics["gap"] == pytest.approx(1.0)
    # A violation of 8e-9 lowers f by 4e-3: the multipliers say that this is no improvement.
    beyond = judged(problem, [1.002, 0.0])
    assert beyond.metrics["violation"] < 1e-8
    assert beyond.metrics["objective"] < 1.0 - 3e-3
    assert "improves_reference" not in beyond.certificate


def test_wrong_claims_are_unsound(program, make, know):
    problem, solution = program
    x = solution["x"]
    assert judged(problem, {"x": x, "claim": "solved"}).sound
    far = judged(problem, {"x": x + 1.0, "claim": "solved"})
    assert not far.sound
    assert "violation" in far.reason
    # Nobody knows a feasible point yet, so the claim stands and is noted.
    claimed = judged(problem, {"x": x + 1.0, "claim": "infeasible"})
    assert claimed.sound
    assert claimed.certificate["claim"] == "infeasible"
    assert "answer" in judged(problem, {"x": x, "claim": "infeasible"}).reason
    know(reference_of(problem, 0.0, x))
    assert "reference" in judged(problem, {"x": x + 1.0, "claim": "infeasible"}).reason
    know(reference_of(problem, 0.0, x + 1.0))  # a stored point that is not feasible proves nothing
    assert judged(problem, {"x": x + 1.0, "claim": "infeasible"}).sound
    unbounded = make(lambda x: x.sum(), lambda x: np.ones(1), [0.0], upper=0.0)
    assert judged(unbounded, {"x": [-1e11], "claim": "unbounded"}).sound
    assert not judged(unbounded, {"x": [-1e9], "claim": "unbounded"}).sound
    assert "x0" in judged(unbounded, {"x": [1.0], "claim": "infeasible"}).reason


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        [],
        {},
        [1.0] * 5,
        [[0.0] * 6],
        [1j] * 6,
        [True] * 6,
        {"y": [0.0] * 3},
        {"x": [0.0] * 6, "w": 1},
        {"x": [0.0] * 6, 3: 1},
        {"x": [0.0] * 6, "y": [0.0] * 2},
        {"x": [0.0] * 6, "y": None},
        {"x": [0.0] * 6, "claim": "optimal"},
        {"x": [0.0] * 6, "claim": 1},
        ([0.0] * 6, [0.0] * 3),
    ],
)
def test_what_is_no_answer_is_refused(program, answer):
    with pytest.raises(InvalidAnswer):
        ConstrainedJudge(program[0]).accept(answer)


@pytest.mark.parametrize("key", ["x", "y", "z"])
def test_nan_is_refused_as_such(program, key):
    problem, solution = program
    bad = {**solution, key: np.full(len(solution[key]), np.nan)}
    with pytest.raises(NonFiniteAnswer, match=key):
        ConstrainedJudge(problem).accept(bad)


def test_answers_are_copied_whatever_holds_them_and_survive_a_file(program):
    problem, solution = program
    judge = ConstrainedJudge(problem)
    tensors = {key: torch.from_numpy(value.copy()) for key, value in solution.items()}
    for given_answer in (solution, tensors, {key: list(v) for key, v in solution.items()}):
        accepted = judge.accept({**given_answer, "claim": "solved"})
        for key, value in solution.items():
            assert np.array_equal(accepted[key], value)
            assert not np.shares_memory(accepted[key], value)
        file = io.BytesIO()
        np.savez(file, **accepted)
        file.seek(0)
        stored = dict(np.load(file, allow_pickle=False))
        assert judge.score(stored).metrics["gap"] == judge.score(accepted).metrics["gap"]


def test_a_point_without_values_has_an_infinite_gap(make):
    problem = make(lambda x: np.log(x).sum(), lambda x: 1.0 / x, [1.0])
    with np.errstate(all="ignore"):
        verdict = judged(problem, [0.0])
    assert verdict.metrics["gap"] == math.inf


def test_missing_derivatives_are_differences_and_said_to_be(program):
    problem, solution = program
    model = problem.model
    model.provides = frozenset()
    verdict = judged(ConstrainedProblem(model), solution["x"])
    assert verdict.metrics["gap"] < 1e-9
    assert verdict.certificate["derivatives"].startswith("finite differences")


def test_a_system_of_equations_is_measured_by_its_violation(make):
    problem = make(
        lambda _: 0.0,
        np.zeros_like,
        [3.0],
        c=lambda x: x**2,
        J=lambda x: [2.0 * x],
        c_lower=[4.0],
        c_upper=[4.0],
    )
    problem = ConstrainedProblem(problem.model, has_objective=False)
    assert ConstrainedJudge(problem).reference()["kind"] == "definition"
    assert judged(problem, [2.0]).metrics["gap"] == 0.0
    assert judged(problem, [3.0]).metrics["gap"] == pytest.approx(5.0 / 4.0)


@given(st.floats(-6, 6), st.floats(-6, 6))
def test_units_of_the_objective_and_of_an_equation_do_not_matter_at_a_solution(first, second):
    a, b = 10.0**first, 10.0**second
    problem = dense_problem(
        lambda x: a * (x @ x),
        lambda x: 2.0 * a * x,
        [0.0, 0.0],
        c=lambda x: [b * (x.sum() - 2.0)],
        J=lambda _: [[b, b]],
        c_lower=[0.0],
        c_upper=[0.0],
    )
    verdict = judged(problem, [1.0, 1.0])
    assert verdict.metrics["gap"] < 1e-14
