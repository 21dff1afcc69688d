"""What the adapters of statsforecast share: a model of each series, fitted anew at every window."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import pandas as pd

from tiltyard.implementations.forecasting._context import filled
from tiltyard.implementations.forecasting._simple import seasonal_naive
from tiltyard.suites.forecasting.forecasts import Forecasts
from tiltyard.suites.forecasting.panel import Array
from tiltyard.suites.forecasting.problem import ForecastProblem

_LEAST = 4
"""The fewest values that a model is fitted to."""


class Model(Protocol):
    """One of ``statsforecast.models``."""

    def forecast(self, y: Array, h: int, *, level: list[int]) -> dict[str, Any]:
        """Fit to y, (t,), and return ``mean``, and ``lo-`` and ``hi-`` of every level, (h,)."""


def look_back(m: int, seasons: int, values: int) -> int:
    """Return how many values a model is fitted to: seasons of m, and no fewer than ``values``.

    Years of hourly values take a model minutes that its last weeks serve as well.
    """
    return max(seasons * m, values)


def periods(problem: ForecastProblem, length: int) -> list[int]:
    """Return the seasons of which ``length`` values hold two: the problem's, a day and a week."""
    step = pd.tseries.frequencies.to_offset(problem.frequency)
    day = pd.Timedelta(days=1)
    found = {problem.season}
    if isinstance(step, pd.tseries.offsets.Tick) and pd.Timedelta(step) < day:
        per_day = day // pd.Timedelta(step)
        found |= {per_day, 7 * per_day}
    return sorted(m for m in found if 1 < m <= length // 2)


def roll(
    problem: ForecastProblem, make: Callable[[], Model], length: int, notes: dict[str, Any]
) -> Forecasts:
    """Forecast every series of every window with a new model; its fit is part of the inference.

    A series is what it holds of the last ``length`` values from its first one on, gaps filled with
    what came before. Quantiles are the ends of the model's prediction intervals, the median its
    mean, sorted where simulated ones cross. Where a series is constant or has fewer than four
    values, and where the model raises or gives NaN, the seasonal naive forecast takes its place;
    the notes count how often.

    Args:
        problem: of track rolling.
        make: returns a model.
        length: of the look-back.
        notes: for the certificate, beside the look-back and that count.
    """
    instead = 0

    def forecast(past: Array) -> tuple[Array, Array]:
        nonlocal instead
        recent = past[:, -length:]
        point, quantiles = seasonal_naive(past, problem.horizon, problem.season, problem.levels)
        for s, (series, complete) in enumerate(zip(recent, filled(recent), strict=True)):
            known = ~np.isnan(series)
            begun = complete[known.argmax() :] if known.any() else complete[:0]
            given = _forecast(make, begun, problem.horizon, problem.levels)
            if given is None:
                instead += 1
            else:
                point[s], quantiles[s] = given
        return point, quantiles

    made = problem.roll(forecast)
    made.notes |= {"look-back": length, "seasonal naive instead": instead, **notes}
    return made


def _forecast(
    make: Callable[[], Model], y: Array, horizon: int, levels: Sequence[float]
) -> tuple[Array, Array] | None:
    """Return the point (H,) and the quantiles (Q, H); None where the model gives none."""
    if len(y) < _LEAST or np.ptp(y) == 0.0:
        return None
    names = [_name(level) for level in levels]
    bands = sorted({int(name[3:]) for name in names if name != "mean"})
    try:
        with _alone():
            given = make().forecast(y=y, h=horizon, level=bands)
    except Exception:  # noqa: BLE001 - what the search of a model trips over has no common type
        return None
    point = np.asarray(given["mean"], dtype=np.float64)
    quantiles = np.sort([np.asarray(given[name], dtype=np.float64) for name in names], axis=0)
    if not (np.isfinite(point).all() and np.isfinite(quantiles).all()):
        return None
    return point, quantiles


def _name(level: float) -> str:
    """Return the key of a quantile: that of level 0.1 is the lower end of the 80 % interval."""
    band = round(200 * abs(level - 0.5))
    return f"{'lo' if level < 0.5 else 'hi'}-{band}" if band else "mean"


@contextmanager
def _alone() -> Iterator[None]:
    """Silence a model's search, and undo that intervals by simulation seed NumPy's global state."""
    state = np.random.get_state()  # noqa: NPY002 - it is the global state that must be kept
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002 - as above
