"""Sequential quadratic programming against known optima and closed forms."""

import numpy as np
import pytest

from tests.implementations.constrained import general
from tiltyard.implementations.constrained.sqp import sqp
from tiltyard.suites.constrained.judge import ConstrainedJudge


@pytest.mark.parametrize("name", general.OPTIMA)
def test_it_finds_known_optima(name):
    build, optimum = general.OPTIMA[name]
    problem = build()
    answer, reason = general.finish(sqp, problem)
    judge = ConstrainedJudge(problem)
    metrics = judge.score(judge.accept(answer)).metrics
    assert reason == ""
    assert metrics["objective"] == pytest.approx(optimum, abs=1e-7)
    assert metrics["kkt"] <= 1e-8


@pytest.mark.parametrize("name", general.SOLVED)
def test_it_solves_edge_cases(name):
    problem, x = general.SOLVED[name]()
    answer, _ = general.finish(sqp, problem)
    np.testing.assert_allclose(answer["x"], x, atol=1e-6)


@pytest.mark.parametrize("n", [7, 301])
def test_it_projects_onto_a_subspace_at_once(n):
    problem, x = general.projection(n)
    answer, _ = general.finish(sqp, problem, limit=3)
    np.testing.assert_allclose(answer["x"], x, atol=1e-8)


def test_it_solves_a_quadratic_program_as_the_interior_point_method_does():
    from tiltyard.implementations.constrained.primal_dual_interior_point import (
        primal_dual_interior_point,
    )

    problem, _ = general.convex_qp(8, 5, 3)
    ours, _ = general.finish(sqp, problem)
    theirs, _ = general.finish(primal_dual_interior_point, problem)
    np.testing.assert_allclose(ours["x"], theirs["x"], atol=1e-6)


def test_it_proves_infeasibility():
    answer, reason = general.finish(sqp, general.infeasible())
    assert answer["claim"] == "infeasible"
    assert "infeasib" in reason


def test_it_stops_where_functions_are_not_finite():
    answer, reason = general.finish(sqp, general.not_finite())
    assert "not finite" in reason
    assert "claim" not in answer
