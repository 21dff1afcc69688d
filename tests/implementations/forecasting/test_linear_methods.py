"""Every linear method takes short series, gaps and both tracks, and sees the past alone."""

import importlib

import numpy as np
import pytest

from tiltyard.errors import Unsupported
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem

NAMES = ("ridge_linear", "dlinear", "nlinear", "rlinear", "fits", "sparse_tsf", "cyclenet")


def run(name, values, *, track="rolling", train=None, **parameters):
    """Run a method on series whose last 12 columns are for testing; return what it yields."""
    origin = values.shape[1] - 12
    one = ForecastProblem(
        panel=Panel(values=values, frequency="h"),
        track=track,
        horizon=6,
        season=12,
        origin=origin,
        windows=2,
        stride=6,
        train=origin - 12 if train is None else train,
    )
    module = importlib.import_module(f"tiltyard.implementations.forecasting.{name}")
    method = getattr(module, name)
    return next(method.function(one.on("cpu"), np.random.default_rng(0), **parameters))


def waves(series=3, length=120):
    rng = np.random.default_rng(0)
    t = np.arange(length)
    phase = rng.uniform(0, 12, (series, 1))
    made = np.sin(2 * np.pi * (t + phase) / 12) + 0.05 * rng.standard_normal((series, length))
    return made * 10.0 ** np.arange(series)[:, None] + 100.0


@pytest.mark.parametrize("name", ["ridge_linear", "nlinear", "sparse_tsf", "cyclenet"])
def test_gaps_and_unequal_starts(name):
    values = waves()
    values[0, :60] = np.nan
    values[1, 30:40] = np.nan
    values[2, -20:-14] = np.nan
    made = run(name, values, look_back=24)
    assert np.isfinite(made.point).all()
    assert (np.diff(made.quantiles, axis=2) >= 0.0).all()
    truth = np.stack([values[:, -12:-6], values[:, -6:]])
    error = np.abs(made.point - truth).mean(axis=(0, 2)) / 10.0 ** np.arange(3)
    assert error.max() < 0.7


@pytest.mark.parametrize("name", ["ridge_linear", "nlinear", "cyclenet"])
def test_point_alone_on_the_long_horizon_track(name):
    made = run(name, waves(), track="long-horizon", look_back=24)
    assert made.quantiles is None
    assert np.isfinite(made.point).all()
    assert made.notes["look-back"] == 24
    assert made.parameters > 0


@pytest.mark.parametrize("name", ["ridge_linear", "sparse_tsf", "cyclenet"])
def test_constant_and_short_series(name):
    values = np.ones((2, 30))
    values[1] = np.arange(30.0)
    made = run(name, values)
    np.testing.assert_allclose(made.point[:, 0], 1.0, atol=0.1)
    assert np.isfinite(made.quantiles).all()


@pytest.mark.parametrize("name", NAMES)
def test_no_window_is_unsupported(name):
    with pytest.raises(Unsupported, match="one window"):
        run(name, waves(length=18), train=1)
