"""Super-Linear's gate: which experts a window is forecast by, from its periodogram."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tiltyard.implementations.forecasting._super_linear_shape import LOOK_BACK, SPECTRUM
from tiltyard.implementations.forecasting._super_linear_weights import Weights

Array = NDArray[np.float64]

_PADDED = 2 * LOOK_BACK
"""Points of a transform in which lags up to ``LOOK_BACK`` - 1 do not wrap around."""


class Gate:
    """Linear in the normalised periodogram of a window.

    The periodogram of n = 5000 points, I_f = |sum_t x_t exp(-2 pi i f t / n)|^2 for f < n / 2, is a
    cosine transform of the window's 512 autocovariances, and these are one of its periodogram of
    1024 points, P. So a weighted sum over 2500 frequencies is one over 513: sum_f w_f I_f =
    sum_j v_j P_j, with v = T w for a matrix T that is the same for all windows. The normalisation,
    w_f = 1, is of that kind, too.
    """

    def __init__(self, weights: Weights, dtype: type[np.float32 | np.float64]) -> None:
        """Transform the gate's weights."""
        rows = np.vstack([weights.gate_weight, np.ones((1, SPECTRUM // 2))]).astype(np.float64)
        lags = scipy.fft.rfft(rows, SPECTRUM, axis=1).real[:, :LOOK_BACK]
        lags[:, 1:] *= 2.0  # each lag but 0 is one to either side
        folded = scipy.fft.rfft(lags, _PADDED, axis=1).real / _PADDED
        folded[:, 1:-1] *= 2.0
        # A row each for the square of the real and of the imaginary part.
        self._sums: NDArray[Any] = np.repeat(folded.T, 2, axis=0).astype(dtype)
        self._bias = weights.gate_bias.astype(np.float64)
        self._dtype = dtype

    def logits(self, x: NDArray[Any]) -> Array:
        """Return the gate's outputs, (B, experts).

        Args:
            x: (B, 512) windows without their means; their scale does not matter.
        """
        spectrum = scipy.fft.rfft(x.astype(self._dtype, copy=False), _PADDED, axis=1)
        parts: NDArray[Any] = spectrum.view(self._dtype)
        sums = (parts * parts @ self._sums).astype(np.float64)
        energy = sums[:, -1:]
        made: Array = sums[:, :-1] / np.where(energy > 0.0, energy, 1.0) + self._bias
        return made


def top(logits: Array, k: int) -> tuple[NDArray[np.intp], Array]:
    """Return each row's k largest entries and the softmax over them, both (B, k)."""
    if k >= logits.shape[1]:
        return np.broadcast_to(np.arange(logits.shape[1]), logits.shape), _softmax(logits)
    chosen = np.argpartition(logits, -k, axis=1)[:, -k:]
    return chosen, _softmax(np.take_along_axis(logits, chosen, axis=1))


def entropy(logits: Array) -> Array:
    """Return the entropy of the softmax over all experts, (B,)."""
    p = _softmax(logits)
    made: Array = -np.sum(p * np.log(p + 1e-10), axis=1)
    return made


def _softmax(values: Array) -> Array:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    made: Array = powers / powers.sum(axis=1, keepdims=True)
    return made
