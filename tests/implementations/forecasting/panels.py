"""Small forecasting problems: missing values, late series, constants, both tracks."""

import numpy as np

from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem


def made(values, *, horizon, season, windows=1, track="rolling", frequency="h", stride=None):
    """Return a problem whose test windows end with the values, validation one horizon before."""
    stride = stride or horizon
    origin = values.shape[1] - stride * (windows - 1) - horizon
    return ForecastProblem(
        panel=Panel(values=values, frequency=frequency),
        track=track,
        horizon=horizon,
        season=season,
        origin=origin,
        windows=windows,
        stride=stride,
        train=max(1, origin - horizon),
    )


def rolling(horizon=6, frequency="h"):
    """Return five series: a gap at the end, a constant, one that begins later, a jump, a line."""
    values = np.zeros((5, 12 + horizon))
    values[0, :12] = [*range(8), np.nan, np.nan, np.nan, np.nan]
    values[1] = 3.0
    values[2, :12] = np.nan
    values[3, 5:12] = 11.0
    values[4, :12] = np.arange(12.0)
    return made(values, horizon=horizon, season=4, frequency=frequency)


def long_horizon():
    """Return two series in five overlapping windows."""
    values = np.random.default_rng(0).standard_normal((2, 40))
    return made(values, horizon=4, season=4, windows=5, track="long-horizon", stride=1)


def cycles(series, length, season, *, horizon, windows=1, frequency="h", noise=0.1):
    """Return noisy sine waves."""
    rng = np.random.default_rng(1)
    wave = 10.0 + np.sin(2.0 * np.pi * np.arange(length) / season)
    values = wave + noise * rng.standard_normal((series, length))
    return made(values, horizon=horizon, season=season, windows=windows, frequency=frequency)
