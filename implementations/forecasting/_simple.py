"""Naive, seasonal naive and drift forecasts, with normal prediction intervals.

Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, 5.2 and 5.5. The
standard deviation of the residuals is their root mean square, as in statsforecast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tiltyard.implementations.forecasting._context import context
from tiltyard.suites.forecasting.panel import Array


def naive(past: Array, horizon: int, levels: Sequence[float]) -> Any:
    """Carry the last known value forward; the error grows with the root of the steps since then.

    Args:
        past: (S, t), NaN where a value is missing.
        horizon: H.
        levels: of the quantiles; may be empty.

    Returns:
        The point forecast (S, H), and with levels the quantiles (S, Q, H).
    """
    point = np.repeat(context(past, 1), horizon, axis=1)
    if not len(levels):
        return point
    _, last = _ends(past)
    sigma = _root_mean_square(past[:, 1:] - past[:, :-1])
    return point, normal(point, sigma[:, None] * np.sqrt(_steps(past, last, horizon)), levels)


def seasonal_naive(past: Array, horizon: int, m: int, levels: Sequence[float]) -> Any:
    """Repeat the last season; the error grows with the root of the seasons ahead.

    Args:
        past: (S, t), NaN where a value is missing.
        horizon: H.
        m: values in a season.
        levels: of the quantiles; may be empty.

    Returns:
        The point forecast (S, H), and with levels the quantiles (S, Q, H).
    """
    step = np.arange(horizon)
    point = context(past, m)[:, step % m]
    if not len(levels):
        return point
    sigma = _root_mean_square(past[:, m:] - past[:, :-m])
    return point, normal(point, sigma[:, None] * np.sqrt(step // m + 1.0), levels)


def drift(past: Array, horizon: int, levels: Sequence[float]) -> Any:
    """Extend the line through the first and the last known value.

    Args:
        past: (S, t), NaN where a value is missing.
        horizon: H.
        levels: of the quantiles; may be empty.

    Returns:
        The point forecast (S, H), and with levels the quantiles (S, Q, H).
    """
    first, last = _ends(past)
    begin, end = (np.take_along_axis(past, i[:, None], axis=1) for i in (first, last))
    span = np.maximum(last - first, 1)[:, None]
    slope = np.nan_to_num((end - begin) / span)
    steps = _steps(past, last, horizon)
    point = np.nan_to_num(end) + slope * steps
    if not len(levels):
        return point
    sigma = _root_mean_square(past[:, 1:] - past[:, :-1] - slope)
    return point, normal(point, sigma[:, None] * np.sqrt(steps * (1 + steps / span)), levels)


def normal(point: Array, sigma: Array, levels: Sequence[float]) -> Array:
    """Return quantiles (S, Q, H) of normal distributions with means and deviations (S, H)."""
    z = ndtri(np.asarray(levels, dtype=np.float64))
    made: Array = point[:, None, :] + z[:, None] * sigma[:, None, :]
    return made


def _root_mean_square(residuals: Array) -> Array:
    """Return that of each row's known values, (S,); 0 where there is none."""
    known = np.isfinite(residuals)
    square: Array = np.where(known, residuals, 0.0) ** 2
    made: Array = np.sqrt(square.sum(axis=1) / np.maximum(known.sum(axis=1), 1))
    return made


def _steps(past: Array, last: NDArray[np.intp], horizon: int) -> Array:
    """Return how far each time to forecast is from the last known value, (S, H)."""
    late = past.shape[1] - 1 - last
    made: Array = late[:, None] + np.arange(1.0, horizon + 1.0)
    return made


def _ends(past: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the columns of each series' first and last known value, (S,) each."""
    series, t = past.shape
    if not np.isnan(past[:, [0, -1]]).any():  # nearly always: thousands of windows ask
        return np.zeros(series, np.intp), np.full(series, t - 1, np.intp)
    known = ~np.isnan(past)
    return known.argmax(axis=1), t - 1 - known[:, ::-1].argmax(axis=1)
