"""Optima by formulas are stationary, and nothing better is found by searching."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.bilevel.small import Ridge, problem, quadratic
from tiltyard.suites.bilevel._affine import LinearLower, NearestLower
from tiltyard.suites.bilevel._formulas import optimum
from tiltyard.suites.bilevel._judge import BilevelJudge
from tiltyard.suites.bilevel._quadratic import Quadratic
from tiltyard.suites.bilevel._ways import Landscape, lbfgs

sizes = st.integers(1, 8)


def nearest(seed, n=6, m=3):
    rng = np.random.default_rng(seed)
    A, H, B = rng.random((m, n)), rng.random((m, n)), rng.random((m // 2, n))
    return NearestLower(H, A, B, rng.random(n), rng.random(n))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), dim_x=sizes, dim_y=sizes)
def test_quadratic_is_least(seed, dim_x, dim_y):
    model = quadratic(seed, dim_x, dim_y)
    best, _, _ = optimum(model)
    A, C, a, E, H, K, e, h = (model.arrays[f"mean_{name}"] for name in "ACaEHKeh")

    def phi(x):
        y = -np.linalg.solve(A, x @ C + a)
        return 0.5 * y @ E @ y + e @ y + 0.5 * x @ H @ x + x @ K @ y + h @ x

    for x in best + np.random.default_rng(seed).standard_normal((5, dim_x)):
        assert phi(x) > phi(best)


def test_no_formula_without_convexity():
    model = quadratic()
    data = {name: model.arrays[name] for name in ("A", "C", "a", "E", "H", "K", "e", "h")}
    assert optimum(Quadratic({**data, "H": -100.0 * data["H"]}, np.zeros(3), np.zeros(4))) is None


def test_no_formula_within_bounds():
    model = quadratic()
    model.arrays["x_lower"] = np.zeros(3)
    assert optimum(model) is None
    assert optimum(Ridge()) is None


@pytest.mark.parametrize("n", [1, 2, 30])
def test_linear_lower_is_feasible_and_least(n):
    judge = BilevelJudge(problem(LinearLower(n), "constrained"))
    x, y, _ = optimum(judge._model)
    metrics = judge.score(judge.accept({"x": x, "y": y})).metrics
    assert metrics["gap"] <= 1e-12
    assert metrics["objective"] == pytest.approx(0.05 * n)
    # Of the lower level's solutions at another x, the best v is x less its mean excess.
    for t in np.linspace(-1.0, 1.0, 9):
        other = np.full(n, t)
        u, v = other + 1.0, other - (3.0 * t + 1.0)
        verdict = judge.score(judge.accept({"x": other, "y": np.concatenate([u, v])}))
        assert verdict.metrics["lower_gap"] <= 1e-12
        assert verdict.metrics["objective"] >= 0.05 * n - 1e-12


@pytest.mark.parametrize("seed", range(3))
def test_nearest_lower_is_stationary_and_least(seed):
    model = nearest(seed)
    judge = BilevelJudge(problem(model, "constrained"))
    x, y, _ = optimum(model)
    metrics = judge.score(judge.accept({"x": x, "y": y})).metrics
    assert metrics["gap"] <= 1e-12
    assert metrics["gradient"] <= 1e-12
    landscape = Landscape(model)
    rng = np.random.default_rng(seed)
    ends = [lbfgs(landscape, rng.standard_normal(len(landscape.z0))).value for _ in range(4)]
    assert metrics["objective"] <= min(ends) + 1e-10
    assert metrics["objective"] == pytest.approx(min(ends), abs=1e-8)
