"""The seasonal naive forecast that the judge compares with; it shares no code with any method."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from tiltyard.suites.forecasting.panel import Array


def filled(values: Array) -> Array:
    """Return a copy, (S, T), in which a missing value is what came before it.

    Before a series' first value, it is that one; a series without any is 0.
    """
    known = ~np.isnan(values)
    column = np.where(known, np.arange(values.shape[1]), 0)
    np.maximum.accumulate(column, axis=1, out=column)
    column = np.maximum(column, known.argmax(axis=1)[:, None])
    return np.nan_to_num(np.take_along_axis(values, column, axis=1), nan=0.0)


def seasonal_naive(season_before: Array, horizon: int) -> Array:
    """Repeat the last season, (..., horizon).

    Args:
        season_before: (..., m), the last values of the past, without gaps.
        horizon: values to forecast.
    """
    repeated: Array = season_before[..., np.arange(horizon) % season_before.shape[-1]]
    return repeated


def seasonal_naive_quantiles(
    point: Array, rms: Array, season: int, levels: tuple[float, ...]
) -> Array:
    """Return normal quantiles around the seasonal naive forecast, (..., Q, H).

    Their standard deviation is the root mean squared seasonal difference of the past, times the
    root of how many seasons ahead a value is (Hyndman and Athanasopoulos, Forecasting: Principles
    and Practice, 3rd ed., table 5.2); ``statsforecast.models.SeasonalNaive`` gives the same ones.

    Args:
        point: (..., H) forecasts.
        rms: (...) root mean squared seasonal differences; NaN, where there are none, counts as 0.
        season: values in a season.
        levels: of the quantiles.
    """
    ahead = np.sqrt(np.arange(point.shape[-1]) // season + 1.0)
    deviation = np.nan_to_num(rms, nan=0.0)[..., None] * ahead
    z = np.array([NormalDist().inv_cdf(level) for level in levels])
    quantiles: Array = point[..., None, :] + z[:, None] * deviation[..., None, :]
    return quantiles
