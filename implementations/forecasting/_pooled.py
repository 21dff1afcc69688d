"""From one map of all series, in scaled units, to the forecasts of a panel with their quantiles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.forecasting._intervals import ResidualQuantiles, context_scales
from tiltyard.implementations.forecasting._windows import Split, Windows
from tiltyard.suites.forecasting.problem import Forecaster, ForecastProblem

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

Predict = Callable[[Array], Array]
"""Takes contexts, (N, L) in scaled units and without gaps; returns forecasts, (N, H)."""

PlacedPredict = Callable[[Array, Indices, Indices], Array]
"""Also takes the series of each context, (N,), and the column of the history that it begins with,
(N,), which is negative where a context begins before the history."""

_RESIDUALS = 1 << 14
"""Validation windows whose residuals are kept; of more, evenly spaced ones."""


def forecaster(
    problem: ForecastProblem, data: Split, predict: Predict, held_out: Predict | None = None
) -> Forecaster:
    """Return what ``problem.roll`` takes: point forecasts, and quantiles where they are asked for.

    Args:
        problem: says which quantiles.
        data: the windows and units of the model.
        predict: the model.
        held_out: the same model, not fitted to the validation windows, whose residuals there give
            the quantiles; ``predict`` itself if None.
    """
    return _assembled(
        problem,
        data,
        lambda x, _now: predict(x),
        lambda _windows, x: (held_out or predict)(x),
    )


def placed_forecaster(problem: ForecastProblem, data: Split, predict: PlacedPredict) -> Forecaster:
    """Return the same for a model that must know which series it sees, and when."""
    rows, L = np.arange(problem.series), data.look_back
    return _assembled(
        problem,
        data,
        lambda x, now: predict(x, rows, np.full(len(rows), now - L)),
        lambda windows, x: predict(x, windows.rows, windows.starts - L),
    )


def _assembled(
    problem: ForecastProblem,
    data: Split,
    ahead: Callable[[Array, int], Array],
    behind: Callable[[Windows, Array], Array],
) -> Forecaster:
    """Return a forecaster from a model's forecasts of the next values, and of validation windows.

    Args:
        problem: says which quantiles.
        data: the windows and units of the model.
        ahead: takes contexts and the column that comes after them.
        behind: takes windows and their contexts.
    """
    if not problem.levels:
        return lambda past: data.scaling.back(ahead(data.contexts(past), past.shape[1]))
    windows = data.validation.thinned(_RESIDUALS)
    x, y = windows.take(slice(None))
    quantiles = ResidualQuantiles(problem.levels)
    quantiles.fit(y - behind(windows, x), context_scales(x, problem.season))

    def forecast(past: Array) -> tuple[Array, Array]:
        scaled = data.contexts(past)
        point = ahead(scaled, past.shape[1])
        spread = quantiles(point, context_scales(scaled, problem.season))
        return data.scaling.back(point), data.scaling.back(spread)

    return forecast


def validation_loss(problem: ForecastProblem, windows: Windows, predict: Predict) -> float:
    """Return the mean error in scaled units that methods choose by: the track's own.

    Squared on the long-horizon track; absolute on the rolling track, whose MASE it is.
    """
    power = 2 if problem.track == "long-horizon" else 1
    total = sum(float((np.abs(predict(x) - y) ** power).sum()) for x, y in windows.blocks())
    return total / (len(windows) * problem.horizon)
