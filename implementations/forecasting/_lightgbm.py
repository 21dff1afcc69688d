"""Boosted trees of lags, shared by all series, that forecast one step after the other."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.target_transforms import Differences, LocalStandardScaler

from tiltyard.implementations.forecasting._context import context
from tiltyard.implementations.forecasting._intervals import ResidualQuantiles, context_scales
from tiltyard.suites.forecasting.panel import Array
from tiltyard.suites.forecasting.problem import ForecastProblem

_CYCLES = (
    ("minute", pd.Timedelta(hours=1)),
    ("hour", pd.Timedelta(days=1)),
    ("day_of_week", pd.Timedelta(weeks=1)),
    ("month", pd.Timedelta(days=365)),
)
"""Features of the calendar, each with the time after which it repeats."""

_WINDOWS = 4
"""The most validation windows."""


class Trees:
    """LightGBM on lags, rolling means and the calendar, through mlforecast.

    Lags are 1, 2, 3, one and two seasons and the week of hourly or finer values; means those of the
    last season and of the one before. Each series is standardised, and differenced over a season if
    asked for. The calendar's features are those that change and repeat in the look-back.

    Args:
        problem: gives H, the season and the times.
        length: values of each series to look back, to fit and to forecast; more where lags need it.
        difference: whether to forecast differences over a season.
        settings: of LightGBM.
    """

    def __init__(
        self,
        problem: ForecastProblem,
        *,
        length: int,
        difference: bool,
        settings: dict[str, Any],
    ) -> None:
        self._problem, m = problem, problem.season
        lags = {1, 2, 3, m, 2 * m}
        step = pd.tseries.frequencies.to_offset(problem.frequency)
        if isinstance(step, pd.tseries.offsets.Tick):
            week = pd.Timedelta(weeks=1) // pd.Timedelta(step)
            lags |= {week} if 0 < 2 * week <= length else set()
        longest = max(lags) + m
        self._least = longest + m * difference + 2
        self._length = max(length, self._least)
        dates = problem.times(0, 2)[0]
        apart = pd.Timedelta(dates[1] - dates[0])
        calendar = [
            name for name, cycle in _CYCLES if apart < cycle and 2 * cycle <= apart * self._length
        ]
        self._model = MLForecast(
            {"y": lightgbm.LGBMRegressor(**settings)},
            freq=problem.frequency,
            lags=sorted(lags),
            lag_transforms={lag: [RollingMean(m)] for lag in sorted({1, m})} if m > 1 else {},
            date_features=calendar,
            target_transforms=[*([Differences([m])] if difference else []), LocalStandardScaler()],
        )

    def fit(self, past: Array) -> None:
        """Fit to the past, (S, t), NaN where a value is missing."""
        with _quiet():
            self._model.fit(self._frame(past), static_features=[])

    def __call__(self, past: Array) -> Array:
        """Return the forecast, (S, H), of values after the past, (S, t); a constant goes on."""
        horizon = self._problem.horizon
        with _quiet():
            given = self._model.predict(horizon, new_df=self._frame(past))
        made: Array = given["y"].to_numpy(dtype=np.float64).reshape(len(past), horizon)
        recent = context(past, self._length)
        still = np.ptp(recent, axis=1) == 0.0
        # Standardised, it has no scale that a forecast could be taken back to.
        return np.where(still[:, None], recent[:, -1:], made)

    @property
    def parameters(self) -> int:
        """Leaves' values and splits' thresholds."""
        model: Any = self._model.models_["y"]
        trees = model.booster_.dump_model()["tree_info"]
        return sum(2 * tree["num_leaves"] - 1 for tree in trees)

    def _frame(self, past: Array) -> pd.DataFrame:
        """Return the look-back in long format, each series from its first value on.

        One shorter than the lags need is preceded by its first value.
        """
        t = past.shape[1]
        begun = (~np.isnan(past)).argmax(axis=1) - (t - self._length)
        start = np.clip(begun, 0, self._length - self._least)
        keep = np.arange(self._length) >= start[:, None]
        series = np.broadcast_to(np.arange(len(past))[:, None], keep.shape)
        return pd.DataFrame(
            {
                "unique_id": series[keep],
                "ds": self._problem.times(t - self._length, t)[keep],
                "y": context(past, self._length)[keep],
            }
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what mlforecast still asks of pandas."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


class Spread:
    """Quantiles about the trees' forecasts, from their residuals on validation windows.

    Args:
        problem: gives the levels and the season.
        length: values over which a series' scale is taken.
    """

    def __init__(self, problem: ForecastProblem, length: int) -> None:
        self._season, self._length = problem.season, length
        self._quantiles = ResidualQuantiles(problem.levels)

    def scales(self, past: Array) -> Array:
        """Return the mean absolute seasonal difference of each series, (S,)."""
        return context_scales(context(past, min(self._length, past.shape[1])), self._season)

    def fit(self, residuals: list[Array], scales: list[Array]) -> None:
        """Take (S, H) residuals and (S,) scales of each validation window, if there is any."""
        if residuals:
            self._quantiles.fit(np.concatenate(residuals), np.concatenate(scales))

    def __call__(self, point: Array, past: Array) -> Array:
        """Return the quantiles, (S, levels, H), about a forecast (S, H)."""
        return self._quantiles(point, self.scales(past))


def chosen(
    problem: ForecastProblem, length: int, settings: dict[str, Any]
) -> tuple[Trees, Spread, bool]:
    """Return the trees of all of the history, their quantiles, and whether they difference.

    Validation windows are the last ones of the history that do not overlap, four at most; both
    variants are fitted to what precedes them. Without room for one the trees do not difference, and
    all quantiles are the point forecast.

    Args:
        problem: with its history.
        length: of the look-back.
        settings: of LightGBM.
    """
    history, horizon = problem.history, problem.horizon
    room = max(problem.origin - problem.train, horizon) if problem.origin > horizon else 0
    cuts = [problem.origin - k * horizon for k in range(min(room // horizon, _WINDOWS), 0, -1)]
    tried: list[tuple[float, bool, Spread]] = []
    for difference in (False, True):
        spread = Spread(problem, length)
        residuals, scales = [], []
        if cuts:
            trees = Trees(problem, length=length, difference=difference, settings=settings)
            trees.fit(history[:, : cuts[0]])
            for cut in cuts:
                past = history[:, :cut]
                residuals.append(history[:, cut : cut + horizon] - trees(past))
                scales.append(spread.scales(past))
        spread.fit(residuals, scales)
        tried.append((_error(residuals, scales), difference, spread))
    _, difference, spread = min(tried, key=lambda one: one[0])
    trees = Trees(problem, length=length, difference=difference, settings=settings)
    trees.fit(history)
    return trees, spread, difference


def _error(residuals: list[Array], scales: list[Array]) -> float:
    """Return the mean absolute residual in units of the scales; 0 where there is none."""
    relative = [
        np.abs(residual[scale > 0.0] / scale[scale > 0.0, None])
        for residual, scale in zip(residuals, scales, strict=True)
    ]
    known = np.concatenate([part[np.isfinite(part)] for part in relative] or [np.empty(0)])
    return float(known.mean()) if known.size else 0.0
