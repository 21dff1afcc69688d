"""The closed form is least squares, in the units that each normalisation stands for."""

import numpy as np
import pytest

from tiltyard.implementations.forecasting._closed_form import (
    NORMALISATIONS,
    LinearMap,
    Moments,
    functional,
    unit,
)
from tiltyard.implementations.forecasting._pooled import validation_loss
from tiltyard.implementations.forecasting._ridge import chosen
from tiltyard.implementations.forecasting._windows import split
from tiltyard.implementations.forecasting.ridge_linear import ridge_linear
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem


def problem(values, *, track="long-horizon", horizon=3):
    origin = values.shape[1] - 2 * horizon
    return ForecastProblem(
        panel=Panel(values=values, frequency="h"),
        track=track,
        horizon=horizon,
        season=4,
        origin=origin,
        windows=2,
        stride=horizon,
        train=origin - 20,
    )


def walk(seed=0, series=2, length=120):
    rng = np.random.default_rng(seed)
    return 5.0 + np.cumsum(rng.standard_normal((series, length)), axis=1)


@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_moments_give_least_squares(normalisation):
    windows = split(problem(walk()), 6).train
    x, y = windows.take(slice(None))
    level = (x @ functional(normalisation, 6))[:, None]
    design = np.hstack([x - level, unit(normalisation, x)[:, None]])
    expected = design @ np.linalg.lstsq(design, y - level)[0] + level
    normal = Moments(windows).normalised(normalisation)
    _, W, c = next(normal.path((1e-13,)))
    found = LinearMap(normalisation, W, c)(x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert normal.squared_error(W, c) == pytest.approx(((found - y) ** 2).sum(), rel=1e-8)


def test_penalty_is_ridge():
    windows = split(problem(walk()), 6).train
    x, y = windows.take(slice(None))
    normal = Moments(windows).normalised("none")
    _, W, c = next(normal.path((0.1,)))
    xc = x - x.mean(axis=0)
    A = xc.T @ xc
    expected = np.linalg.solve(A + 0.1 * np.trace(A) / 6 * np.eye(6), xc.T @ (y - y.mean(axis=0)))
    np.testing.assert_allclose(W, expected, rtol=1e-8)
    np.testing.assert_allclose(c, y.mean(axis=0) - W.T @ x.mean(axis=0), rtol=1e-8)


def test_windows_of_no_spread_do_no_harm():
    values = walk()
    values[0, 30:60] = values[0, 30]
    one = problem(values)
    best = chosen(one, [6], ["revin"], [1e-6, 1e-3])
    assert best.loss < 10.0 * validation_loss(
        one, best.data.validation, lambda x: x[:, -1:] + np.zeros(3)
    )
    constant = best.map(np.full((1, 6), 7.0))
    np.testing.assert_allclose(constant, 7.0)


def test_choice_does_not_see_what_comes_after_history():
    values = walk()
    changed = values.copy()
    changed[:, -6:] += 1e3
    one, other = (
        chosen(problem(v), [4, 6], NORMALISATIONS, [1e-3, 1.0]) for v in (values, changed)
    )
    assert one.loss == other.loss
    np.testing.assert_array_equal(one.map.weights, other.map.weights)


def test_noiseless_linear_recurrence_is_forecast_exactly():
    t = np.arange(400)
    values = np.stack([np.sin(2 * np.pi * t / 12), 3 + np.cos(2 * np.pi * t / 12 + 1)])
    one = problem(values, track="rolling", horizon=6)
    made = next(ridge_linear.function(one.on("cpu"), np.random.default_rng(0)))
    np.testing.assert_allclose(made.point[0], values[:, -12:-6], atol=1e-3)
    assert made.quantiles.shape == (2, 2, 9, 6)
    assert made.notes["look-back"] in {96, 192, 336}
