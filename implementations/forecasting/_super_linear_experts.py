"""Super-Linear's experts, in closed form: one for each period, others for kinds of spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tiltyard.implementations.forecasting._super_linear_series import (
    Series,
    normalised,
    real_windows,
)
from tiltyard.implementations.forecasting._super_linear_shape import BLOCK, LOOK_BACK, SPECTRUM
from tiltyard.implementations.forecasting._super_linear_synthetic import generated_windows

Array = NDArray[np.float64]

RIDGE = 1000.0
"""Penalty on the squared weights of an expert, whose inputs have variance 1."""

EXACT = 3000.0
"""Size of the cycles that an expert is to continue exactly, beside windows of size 1."""

LONGEST_EXACT = LOOK_BACK - BLOCK
"""Of a longer period, the values a cycle before are not all in sight."""

_BANDS = 40
_ITERATIONS = 15
_FEWEST = 300
"""Windows that a complementary expert must have for its own."""


def ridge(windows: Array, period: int = 0) -> tuple[Array, Array]:
    """Return the weights (96, 512) and biases (96,) of least squares with a penalty; 0 of nothing.

    Args:
        windows: (N, 608), normalised.
        period: of the cycles that are to be continued exactly, whatever their shape; 0 for none.
    """
    if not len(windows):
        return np.zeros((BLOCK, LOOK_BACK)), np.zeros(BLOCK)
    inputs, targets = windows[:, :LOOK_BACK], windows[:, LOOK_BACK:]
    centre, level = inputs.mean(axis=0), targets.mean(axis=0)
    x = inputs - centre
    gram = x.T @ x + RIDGE * np.eye(LOOK_BACK)
    moments = x.T @ (targets - level)
    if 0 < period <= LONGEST_EXACT:
        cycles = (np.arange(LOOK_BACK + BLOCK) % period == np.arange(period)[:, None]) * EXACT
        gram += cycles[:, :LOOK_BACK].T @ cycles[:, :LOOK_BACK]
        moments += cycles[:, :LOOK_BACK].T @ cycles[:, LOOK_BACK:]
    weight = np.linalg.solve(gram, moments).T
    return weight, level - weight @ centre


def frequency_experts(
    periods: Sequence[int],
    series: Sequence[Series],
    rng: np.random.Generator,
    *,
    real: int,
    generated: int,
) -> tuple[Array, Array]:
    """Return weights (F, 96, 512) and biases (F, 96): an expert for each period.

    Each learns from real series resampled to a day of that many values, and from generated windows;
    and it continues every cycle of its period exactly, as the seasonal naive forecast does, so that
    a series without noise is forecast without error.

    Args:
        periods: in values.
        series: to resample.
        rng: draws windows.
        real: windows of each series.
        generated: windows of each period.
    """
    weights, biases = [], []
    for period in periods:
        parts = [real_windows(series, period, real, rng)]
        parts.append(generated_windows(np.full(generated, period), rng))
        weight, bias = ridge(normalised(np.concatenate(parts)), period)
        weights.append(weight)
        biases.append(bias)
    shape = (len(periods), BLOCK, LOOK_BACK)
    return np.array(weights).reshape(shape), np.array(biases).reshape(shape[:2])


def complementary_experts(
    windows: Array, count: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return weights (C, 96, 512) and biases (C, 96): an expert for each cluster of spectra.

    k-means (Lloyd 1982) on the square roots of the energies in 40 bands. Gate training goes on from
    there.

    Args:
        windows: (N, 608), normalised.
        count: C.
        rng: draws the first centres.
    """
    features = _bands(windows[:, :LOOK_BACK])
    centres = features[rng.choice(len(features), count, replace=False)]
    label = np.zeros(len(features), np.int64)
    for _ in range(_ITERATIONS):
        distance = (centres**2).sum(axis=1) - 2.0 * features @ centres.T
        label = distance.argmin(axis=1)
        for i in np.unique(label):
            centres[i] = features[label == i].mean(axis=0)
    experts = [
        ridge(own if len(own := windows[label == i]) >= _FEWEST else windows) for i in range(count)
    ]
    shape = (count, BLOCK, LOOK_BACK)
    weights = np.array([weight for weight, _ in experts]).reshape(shape)
    return weights, np.array([bias for _, bias in experts]).reshape(shape[:2])


def spectra(x: Array) -> NDArray[np.float32]:
    """Return the gate's inputs, (N, 2500): periodograms that sum to 1.

    Args:
        x: (N, 512), not constant.
    """
    made = np.empty((len(x), SPECTRUM // 2), np.float32)
    for first in range(0, len(x), 1024):
        part = x[first : first + 1024]
        centred = part - part.mean(axis=1, keepdims=True)
        spectrum = scipy.fft.rfft(centred.astype(np.float32), SPECTRUM, axis=1)[:, :-1]
        power = spectrum.real**2 + spectrum.imag**2
        made[first : first + 1024] = power / power.sum(axis=1, keepdims=True)
    return made


def _bands(x: Array) -> Array:
    """Return square roots of the shares of energy in bands that grow geometrically, (N, 40)."""
    starts = np.unique(np.geomspace(1, SPECTRUM // 2, _BANDS).astype(np.int64))[:-1]
    starts = np.concatenate([[0], starts])
    return np.sqrt(np.add.reduceat(spectra(x), starts, axis=1)).astype(np.float64)
