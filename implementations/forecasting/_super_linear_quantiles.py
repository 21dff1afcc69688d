"""Quantiles from a model's own past errors, on each series and over all of them.

Split conformal prediction (Vovk, Gammerman & Shafer 2005) with a normalised score (Papadopoulos et
al. 2002): errors of earlier forecasts, each over its series' scale and the growth of errors with
the step ahead, are one sample; its quantiles times the scales are put around the forecast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tiltyard.implementations.forecasting._super_linear_shape import LOOK_BACK

Array = NDArray[np.float64]

WINDOWS = 8
"""Earlier forecasts of each series that are looked at."""

_PRIOR = 8
"""Forecasts that a normal distribution of the errors counts as: one series has few of its own."""

_NORMAL_MEAN = 0.7978845608028654
"""Mean absolute value of a standard normal variable, sqrt(2 / pi)."""

_MOST = 20_000_000
"""Errors that are kept."""

_SAMPLE = 1_000_000
"""Errors that quantiles are taken of."""


class PastErrors:
    """Puts quantiles around forecasts, by the errors of forecasts before them.

    The first errors are of backtests on the history; each window that is forecast then replaces the
    oldest of them when its values have become the past.
    """

    def __init__(
        self,
        forecast: Callable[[Array], Array],
        history: Array,
        levels: Sequence[float],
        profile: NDArray[np.floating[Any]],
    ) -> None:
        """Backtest on the history.

        Args:
            forecast: of a past (S, t), the next H values of each series, (S, H).
            history: (S, T), NaN where a value is missing or a series has not begun.
            levels: ascending, between 0 and 1.
            profile: (levels, n), the quantiles at each step ahead in units of the window's standard
                deviation, for series on which nothing can be backtested; those of a normal
                distribution if empty.
        """
        self._forecast, self._levels = forecast, np.asarray(levels, np.float64)
        self._profile = profile.astype(np.float64) if profile.size else ndtri(self._levels)[:, None]
        self._errors, self._spread = self._backtest(history), _spread(history)
        self._last: tuple[int, Array] | None = None

    def __call__(self, past: Array) -> tuple[Array, Array]:
        """Return the forecast (S, H) and its quantiles (S, levels, H), which never cross."""
        if self._last is not None:
            self._learn(past, *self._last)
        point = self._forecast(past)
        self._last = past.shape[1], point
        return point, point[:, None, :] + self._offsets(_spread(past), point.shape[1])

    def size(self) -> float:
        """Return the mean absolute error so far, in standard deviations of the history's end.

        It is the mean over series, infinite where there are no errors.
        """
        spread = np.where(self._spread > 0.0, self._spread, np.nan)
        sizes = _mean(np.abs(self._errors), axis=(1, 2)) / spread
        return float(np.mean(sizes[np.isfinite(sizes)])) if np.isfinite(sizes).any() else np.inf

    def _backtest(self, history: Array) -> Array:
        """Return errors, (S, windows, H), newest first; NaN where a series is too short.

        A series of more than 512 values is forecast from as many, any other from half of its own.
        """
        series, length = history.shape
        known = length - np.argmax(~np.isnan(history), axis=1)
        horizon = self._forecast(history[:1]).shape[1]
        need = np.where(known >= LOOK_BACK + horizon, LOOK_BACK, np.maximum(known // 2, 2))
        windows = min(max(_MOST // (series * horizon), 1), WINDOWS)
        room = np.median(known - need) - horizon
        stride = int(np.clip(room // max(windows - 1, 1), 1, horizon))
        made = []
        for origin in range(length - horizon, 0, -stride)[:windows]:
            rows = known - (length - origin) >= need
            if not rows.any():
                break
            errors = np.full((series, horizon), np.nan)
            actual = history[rows, origin : origin + horizon]
            errors[rows] = actual - self._forecast(history[rows, :origin])
            made.append(errors)
        return np.stack(made, axis=1) if made else np.empty((series, 0, horizon))

    def _learn(self, past: Array, origin: int, point: Array) -> None:
        """Take in the errors of the last forecast, as far as its values are known by now."""
        actual = np.full_like(point, np.nan)
        new = past[:, origin : origin + point.shape[1]]
        actual[:, : new.shape[1]] = new
        errors = np.concatenate([(actual - point)[:, None], self._errors], axis=1)
        self._errors = errors[:, :WINDOWS]

    def _offsets(self, spread: Array, horizon: int) -> Array:
        """Return what quantiles add to the point forecast, (S, levels, H)."""
        sizes = _mean(np.abs(self._errors), axis=2)
        count = np.isfinite(sizes).sum(axis=1, keepdims=True)
        if not count.any():
            steps = np.minimum(np.arange(horizon), self._profile.shape[1] - 1)
            offsets: Array = spread[:, None, None] * self._profile[:, steps]
            return offsets
        total = np.nansum(sizes, axis=1, keepdims=True)
        scale = _scales(total / np.where(count > 0, count, np.nan), spread[:, None])
        # An error counts relative to the scale that the other windows give, as a new one's will.
        others = np.where(count > 1, total - sizes, total) / np.maximum(count - 1, 1)
        others = _scales(others, spread[:, None])
        relative = self._errors / np.where(others > 0.0, others, np.nan)[:, :, None]
        forecasts = int(np.isfinite(relative).any(axis=2).sum())
        growth = _smooth(_mean(np.abs(relative), axis=(0, 1)), forecasts)
        quantiles = self._quantiles(relative / growth, forecasts)
        return scale[:, :, None] * quantiles[:, None] * growth

    def _quantiles(self, sample: Array, forecasts: int) -> Array:
        """Return the quantiles of a sample of errors whose mean absolute value is about 1."""
        normal: Array = ndtri(self._levels) / _NORMAL_MEAN
        values = sample[np.isfinite(sample)]
        if not values.size:
            return normal
        own = np.quantile(values[:: -(-values.size // _SAMPLE)], self._levels)
        return (forecasts * own + _PRIOR * normal) / (forecasts + _PRIOR)


def _scales(own: Array, spread: Array) -> Array:
    """Return the scales of errors: of each series' own size and what its spread lets expect.

    Args:
        own: mean absolute errors, (S, windows); NaN where there are none.
        spread: (S, 1), standard deviations of the series.
    """
    usual = (own > 0.0) & (spread > 0.0)  # False for NaN
    typical = np.broadcast_to(spread, own.shape)
    if usual.any():
        typical = typical * np.median(own[usual] / typical[usual])
    own = np.where(np.isfinite(own), own, typical)
    return np.where((own > 0.0) & (typical > 0.0), np.sqrt(own * typical), own)


def _smooth(growth: Array, forecasts: int) -> Array:
    """Return the mean size of errors at each step, smoothed, the flatter the fewer forecasts.

    Args:
        growth: (H,), NaN where there is none.
        forecasts: that the means are of.
    """
    mean = np.nanmean(growth) if np.isfinite(growth).any() else 1.0
    growth = np.where(np.isfinite(growth), growth, mean)
    reach = int(np.clip(len(growth) // 8, 1, 12))
    kernel = np.full(2 * reach + 1, 1.0 / (2 * reach + 1))
    growth = np.convolve(np.pad(growth, reach, mode="edge"), kernel, "valid")
    flat = (forecasts * growth + _PRIOR * mean) / (forecasts + _PRIOR)
    return np.where(flat > 0.0, flat, 1.0)


def _spread(past: Array) -> Array:
    """Return the standard deviations of the last 512 values, (S,); 0 where none is known."""
    recent = past[:, -LOOK_BACK:]
    mean = np.nan_to_num(_mean(recent, axis=1))
    return np.sqrt(np.nan_to_num(_mean((recent - mean[:, None]) ** 2, axis=1)))


def _mean(values: Array, axis: int | tuple[int, ...]) -> Array:
    """Return the mean of what is finite, NaN where nothing is."""
    count = np.isfinite(values).sum(axis=axis)
    made: Array = np.nansum(values, axis=axis) / np.where(count > 0, count, np.nan)
    return made
