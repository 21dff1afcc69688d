"""How Super-Linear looks at series that are shorter or longer than 512 values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tiltyard.implementations.forecasting._context import context
from tiltyard.implementations.forecasting._super_linear_gate import entropy
from tiltyard.implementations.forecasting._super_linear_shape import LOOK_BACK, SPECTRUM

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

SCALES = (2, 4, 6)
"""Coarser sampling rates that are tried on long series."""

SHORTEST = 16
"""A shorter series is preceded by its first value: it would be stretched beyond all measure."""

NEARLY = 480
"""From here on a short series is preceded by its first value up to 512 values instead: at twice the
rate, only the last 256 values would be seen. The released code does not make this exception."""

_CUMULATIVE = 0.8
"""The share of energy below the frequency that a coarser rate must keep."""

_BOUND = 0.25
"""Where that frequency may come to lie at a coarser rate, in cycles per value."""

_PENALTY = 2.0
"""Weight of the energy that a coarser rate loses, against nats of the gate's entropy."""


def lengths(past: Array) -> Integers:
    """Return how many values each series has from its first known one on, at least 1."""
    known = ~np.isnan(past)
    begun = past.shape[1] - known.argmax(axis=1)
    return np.where(known.any(axis=1), begun, 1)


def stretched(past: Array, factor: int) -> Array:
    """Return the last 512 values, (S, 512), of series interpolated to ``factor`` times the rate.

    Value i of the finer series lies at (i + 1/2) / factor - 1/2 of the coarser one, and outside its
    ends at the end value, as in ``torch.nn.functional.interpolate``.
    """
    back = (np.arange(LOOK_BACK)[::-1] + 0.5) / factor - 0.5  # how far before the last value
    back = np.maximum(back, 0.0)
    coarse = context(past, int(back.max()) + 2)
    place: Array = coarse.shape[1] - 1 - back
    return _between(coarse, place)


def shrunk(forecast: Array, factor: int) -> Array:
    """Return a forecast of factor * H values at the rate of H values, (S, H)."""
    place = (np.arange(forecast.shape[1] // factor) + 0.5) * factor - 0.5
    return _between(forecast, place)


def thinned(x: Array, scale: int) -> Array:
    """Return the last 512 of every ``scale``-th value, counted back from the last, (S, 512).

    That is a linear interpolation whose grid has the last value for its last point: the released
    code has the first one on it as well, which makes its step differ from ``scale`` by up to 0.2 %.
    """
    last = x.shape[1] - 1
    return x[:, last - scale * np.arange(LOOK_BACK)[::-1]]


def densified(forecast: Array, last: Array, scale: int, horizon: int) -> Array:
    """Return a forecast of every ``scale``-th value as one of each value, (S, horizon).

    Args:
        forecast: (S, n), n * scale >= horizon: of the values ``scale``, 2 ``scale``, ... ahead.
        last: (S,) known values, from which the first ones are interpolated. The released code
            stretches the forecast from its first value to its last instead, and so moves it
            forward by up to ``scale`` - 1 values.
        scale: the ratio of the rates.
        horizon: values to return.
    """
    grid = np.concatenate([last[:, None], forecast], axis=1)
    return _between(grid, np.arange(1, horizon + 1) / scale)


def chosen_scales(x: Array, known: Integers, logits: Callable[[Array], Array]) -> Integers:
    """Return the rate, 1 or one of ``SCALES``, at which the gate is surest of each series.

    A rate's score is the entropy of the gate plus a penalty on the energy above the Nyquist
    frequency that it has; the lowest score wins among the rates that keep the series' frequencies.

    Args:
        x: (S, L) without gaps; L > 512.
        known: (S,) how many of the last values are the series' own.
        logits: the gate's outputs for windows (S, 512).
    """
    power = _periodogram(x, known)
    frequency = np.linspace(0.0, 0.5, SPECTRUM // 2)
    passed = frequency[(np.cumsum(power, axis=1) > _CUMULATIVE).argmax(axis=1)]
    largest = np.floor(_BOUND / np.where(passed > 0.0, passed, _BOUND))
    made = np.ones(len(x), np.int64)
    best = entropy(logits(x[:, -LOOK_BACK:]))
    for scale in SCALES:
        able = np.flatnonzero((known >= scale * LOOK_BACK) & (scale <= largest))
        if not able.size:
            continue
        lost = power[able][:, frequency > 0.5 / scale].sum(axis=1)
        score = entropy(logits(thinned(x[able], scale))) + _PENALTY * lost
        better = score < best[able]
        made[able[better]] = scale
        best[able[better]] = score[better]
    return made


def _between(values: Array, place: Array) -> Array:
    """Return values between columns, linearly interpolated, (S, n).

    Args:
        values: (S, L).
        place: (n,), from 0 to L - 1.
    """
    low = place.astype(np.int64)
    high = np.minimum(low + 1, values.shape[1] - 1)
    part = place - low
    made: Array = values[:, low] * (1.0 - part) + values[:, high] * part
    return made


def _periodogram(x: Array, known: Integers) -> Array:
    """Return the normalised periodogram of each series' own values, (S, 2500)."""
    own = np.arange(x.shape[1]) >= x.shape[1] - known[:, None]
    mean = (x * own).sum(axis=1, keepdims=True) / own.sum(axis=1, keepdims=True)
    spectrum = scipy.fft.rfft((x - mean) * own, SPECTRUM, axis=1)[:, : SPECTRUM // 2]
    power = spectrum.real**2 + spectrum.imag**2
    total = power.sum(axis=1, keepdims=True)
    made: Array = power / np.where(total > 0.0, total, 1.0)
    return made
