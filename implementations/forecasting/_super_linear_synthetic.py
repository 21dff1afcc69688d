"""Generated windows, to train Super-Linear on periods of which no real series is at hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from tiltyard.implementations.forecasting._super_linear_series import WINDOW

Array = NDArray[np.float64]

_HARMONICS = 5
_DAYS = 7
_LOUDNESS = (1.0, 1.0, 0.1, 0.02)
_CORRELATIONS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98)


def generated_windows(periods: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Return one window a period, (N, 608): a cycle, a week of cycles, and what disturbs them.

    The cycle has harmonics that fall off at a random rate, as in the kernels that Chronos draws its
    synthetic series from (Ansari et al. 2024, KernelSynth: sums and products of periodic, linear
    and noise processes). In some windows cycles are multiplied by a profile of seven, with a
    lower end of the week; in some it is added. Some have a drifting amplitude, a trend, a
    level shift or spikes; all have a random walk and autocorrelated noise, half of them little.

    Args:
        periods: (N,), in values.
        rng: draws everything.
    """
    n = len(periods)
    t = np.arange(WINDOW)[None, :]
    cycles = t / periods[:, None] + rng.uniform(size=(n, 1))
    x = _cycle(cycles, periods, rng)
    week = _week(cycles, rng)
    x = np.where(_some(n, 0.5, rng), x * week, x + rng.uniform(0.0, 1.5, (n, 1)) * week)
    drift = np.cumsum(rng.standard_normal((n, WINDOW)), axis=1) / np.sqrt(WINDOW)
    x *= np.exp(_some(n, 0.5, rng) * rng.uniform(0.0, 0.5, (n, 1)) * drift)
    x += _some(n, 0.3, rng) * rng.standard_normal((n, 1)) * t / WINDOW
    steps = rng.standard_normal((n, WINDOW)) / np.sqrt(WINDOW)
    loud = rng.choice(_LOUDNESS, (n, 1)) * rng.exponential(0.5, (2, n, 1))
    x += loud[0] * np.cumsum(steps, axis=1) + loud[1] * _noise(n, rng)
    shift = _some(n, 0.25, rng) * 2.0 * rng.standard_normal((n, 1))
    x += shift * (t > rng.integers(0, WINDOW, (n, 1)))
    spikes = _some(n, 0.2, rng) & (rng.uniform(size=(n, WINDOW)) < 0.003)
    return x + spikes * rng.exponential(4.0, (n, WINDOW))


def _cycle(cycles: Array, periods: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Return sums of harmonics below the Nyquist frequency, of variance 1."""
    n = len(cycles)
    decay = rng.uniform(0.5, 2.0, (n, 1))
    x = np.zeros_like(cycles)
    for harmonic in range(1, _HARMONICS + 1):
        size = rng.standard_normal((n, 1)) * harmonic**-decay
        phase = rng.uniform(0.0, 2.0 * np.pi, (n, 1))
        size *= (harmonic * 2 <= periods)[:, None]
        x += size * np.sin(2.0 * np.pi * harmonic * cycles + phase)
    made: Array = x / (x.std(axis=1, keepdims=True) + 1e-9)
    return made


def _week(cycles: Array, rng: np.random.Generator) -> Array:
    """Return each cycle's factor: seven that recur, the last two of them lower, or 1."""
    n = len(cycles)
    lower = rng.uniform(size=(n, 1)) * (np.arange(_DAYS) >= 5)
    factors = 1.0 - _some(n, 0.6, rng) * (lower + 0.1 * rng.standard_normal((n, _DAYS)))
    days = (np.floor(cycles).astype(np.int64) + rng.integers(0, _DAYS, (n, 1))) % _DAYS
    return np.take_along_axis(factors, days, axis=1)


def _noise(n: int, rng: np.random.Generator) -> Array:
    """Return autoregressive noise of variance 1 and a random correlation for each window."""
    noise = rng.standard_normal((n, WINDOW))
    kinds = rng.integers(0, len(_CORRELATIONS), n)
    for kind, phi in enumerate(_CORRELATIONS):
        rows = kinds == kind
        noise[rows] = lfilter([np.sqrt(1.0 - phi**2)], [1.0, -phi], noise[rows], axis=1)
    return noise


def _some(n: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return a column that is true for about a share of the windows."""
    return rng.uniform(size=(n, 1)) < share
