"""The augmented Lagrangian method against known optima, on NumPy arrays and on torch tensors."""

import numpy as np
import pytest
import torch

from tests.implementations.constrained import general
from tiltyard.implementations.constrained import _augmented_lagrangian
from tiltyard.implementations.constrained.augmented_lagrangian import augmented_lagrangian
from tiltyard.suites.constrained.judge import ConstrainedJudge

INNER = ["lbfgs", "newton_cg"]


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("name", general.OPTIMA)
def test_it_finds_known_optima(name, inner):
    build, optimum = general.OPTIMA[name]
    problem = build()
    answer, _ = general.finish(augmented_lagrangian, problem, limit=5000, inner=inner)
    judge = ConstrainedJudge(problem)
    metrics = judge.score(judge.accept(answer)).metrics
    assert metrics["objective"] == pytest.approx(optimum, abs=1e-5)
    assert metrics["kkt"] <= 1e-6


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("name", general.SOLVED)
def test_it_solves_edge_cases(name, inner):
    problem, x = general.SOLVED[name]()
    answer, _ = general.finish(augmented_lagrangian, problem, limit=5000, inner=inner)
    np.testing.assert_allclose(answer["x"], x, atol=1e-5)


def test_it_gives_up_on_an_infeasible_problem():
    answer, reason = general.finish(augmented_lagrangian, general.infeasible(), limit=10_000)
    assert reason
    assert "claim" not in answer


def test_it_stops_where_functions_are_not_finite():
    _, reason = general.finish(augmented_lagrangian, general.not_finite())
    assert "not finite" in reason


@pytest.mark.parametrize("inner", INNER)
def test_the_same_code_runs_on_tensors(inner, monkeypatch):
    problem = general.hs71()
    exact, _ = general.finish(augmented_lagrangian, problem, limit=5000, inner=inner)
    tensors = problem.on("cpu")
    tensors._at = problem.model.on("cpu")  # what a CUDA device's oracles are, on the CPU

    class Space(_augmented_lagrangian.AugmentedLagrangian):
        def __init__(self, given):
            given.device = "cpu:0"  # any name but "cpu" asks for tensors
            super().__init__(given)

    monkeypatch.setattr(_augmented_lagrangian, "AugmentedLagrangian", Space)
    monkeypatch.setattr(problem, "on", lambda _: tensors)
    answer, _ = general.finish(augmented_lagrangian, problem, limit=5000, inner=inner)
    assert isinstance(answer["x"], torch.Tensor)
    np.testing.assert_allclose(answer["x"].numpy(), exact["x"], atol=1e-6)
