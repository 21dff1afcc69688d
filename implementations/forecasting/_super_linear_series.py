"""Windows of real series, at any sampling rate, to train Super-Linear on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.datasets.super_linear_series import super_linear_series
from tiltyard.implementations.forecasting._super_linear_shape import BLOCK, LOOK_BACK

Array = NDArray[np.float64]

WINDOW = LOOK_BACK + BLOCK
"""Values of a training window: an expert's inputs and what it forecasts."""

FINEST = 6.0
"""A series is never interpolated to more than this many times its own rate."""

_EPSILON = 1e-5
_LARGEST = 12.0


@dataclass(frozen=True, eq=False)
class Series:
    """A real series.

    Attributes:
        values: (T,) float64.
        day: values in a day.
    """

    values: Array
    day: int

    def at(self, day: float) -> Array:
        """Return the series with ``day`` values in a day: interpolated, or means if fewer."""
        ratio = day / self.day
        count = int(len(self.values) * ratio)
        if ratio >= 1.0:
            return np.interp(np.arange(count) / ratio, np.arange(len(self.values)), self.values)
        total = np.concatenate([[0.0], np.cumsum(self.values)])
        ends = np.interp(np.arange(count + 1) / ratio, np.arange(len(total)), total)
        made: Array = np.diff(ends) * ratio
        return made


def real_series() -> list[Series]:
    """Return the series of the dataset ``super-linear-series``."""
    arrays = super_linear_series.load()
    ends = np.cumsum(arrays["lengths"])[:-1]
    parts = np.split(arrays["values"].astype(np.float64), ends)
    days = 1440 // arrays["minutes"]
    return [Series(part, int(day)) for part, day in zip(parts, days, strict=True)]


def real_windows(
    series: Sequence[Series], day: float, each: int, rng: np.random.Generator
) -> Array:
    """Return up to ``each`` windows of every series, (N, 608), with ``day`` values in a day."""
    made = [np.empty((0, WINDOW))]
    for one in series:
        if day > FINEST * one.day:
            continue
        values = one.at(day)
        if len(values) < WINDOW:
            continue
        views = np.lib.stride_tricks.sliding_window_view(values, WINDOW)
        made.append(views[rng.choice(len(views), min(each, len(views)), replace=False)])
    return np.concatenate(made)


def stretched(windows: Array, factor: int) -> Array:
    """Return the ends of windows, (N, 608), interpolated to ``factor`` times their rate."""
    if factor == 1:
        return windows
    place = WINDOW - 1 - np.arange(WINDOW)[::-1] / factor
    low = np.minimum(place.astype(np.int64), WINDOW - 2)
    part = place - low
    made: Array = windows[:, low] * (1.0 - part) + windows[:, low + 1] * part
    return made


def changed(windows: Array, rng: np.random.Generator) -> Array:
    """Return windows, (N, 608), whose level and amplitude were others until a random input.

    Real series change so when a sensor, a tariff or a user does, and what then helps a forecast
    is what came after.

    Args:
        windows: in any unit.
        rng: draws moments, levels and amplitudes.
    """
    n = len(windows)
    x = windows[:, :LOOK_BACK]
    mean, scale = x.mean(axis=1, keepdims=True), x.std(axis=1, keepdims=True)
    level = 3.0 * scale * rng.standard_normal((n, 1))
    amplitude = np.exp(0.7 * rng.standard_normal((n, 1)))
    before = np.arange(WINDOW) < rng.integers(0, LOOK_BACK, (n, 1))
    made: Array = np.where(before, mean + level + amplitude * (windows - mean), windows)
    return made


def normalised(windows: Array) -> Array:
    """Return windows in units of their inputs' mean and deviation; odd ones are left out.

    Odd is a window with constant inputs, or one that leaves the range of 12 deviations: least
    squares would see little else.
    """
    x = windows[:, :LOOK_BACK]
    mean = x.mean(axis=1, keepdims=True)
    scale = x.std(axis=1, ddof=1, keepdims=True)
    made = (windows - mean) / (scale + _EPSILON)
    kept: Array = made[(scale[:, 0] > _EPSILON) & (np.abs(made).max(axis=1) < _LARGEST)]
    return kept
