"""Super-Linear's forward pass in NumPy: normalisation, gate, chosen experts, long horizons."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.forecasting._context import context, filled
from tiltyard.implementations.forecasting._super_linear_gate import Gate, top
from tiltyard.implementations.forecasting._super_linear_resampling import (
    NEARLY,
    SCALES,
    SHORTEST,
    chosen_scales,
    densified,
    lengths,
    shrunk,
    stretched,
    thinned,
)
from tiltyard.implementations.forecasting._super_linear_shape import BLOCK, LOOK_BACK
from tiltyard.implementations.forecasting._super_linear_weights import Weights

Array = NDArray[np.float64]

_EPSILON = 1e-5
"""Added to a window's standard deviation."""

_NAIVE, _LINEAR = 1, 2
"""Places of the naive expert and of the first linear one; the mean's is 0."""

_FEW = 2
"""Windows of one expert that are quicker multiplied one by one."""

_ROWS = 4
"""BLAS multiplies this many windows at once, and takes longer for 7 than for 8."""


class SuperLinear:
    """A mixture of linear experts of which each window is forecast by the k that its gate chooses.

    Attributes:
        weights: the model's; changing them changes no model that was made from them.
        look_back: values of a series' past that are seen at most.
        mean_gate: (experts,) float64, mean weight of each expert over all windows since it was made
            or ``forget`` was called.
    """

    def __init__(
        self,
        weights: Weights,
        *,
        top_k: int = 12,
        look_back: int = LOOK_BACK,
        dtype: type[np.float32 | np.float64] = np.float32,
    ) -> None:
        """Prepare the experts' matrices.

        Args:
            weights: of the model.
            top_k: experts for each window; all of them if there are fewer.
            look_back: values of a series' past that are seen, at least 512. Beyond that,
                the rate is searched at which the gate is surest.
            dtype: in which the experts work.
        """
        self.weights = weights
        self._gate = Gate(weights, dtype)
        self._matrices = [np.ascontiguousarray(one.T, dtype) for one in weights.expert_weight]
        self._bias = np.zeros((len(weights.gate_bias), BLOCK), dtype)
        self._bias[_LINEAR:] = weights.expert_bias
        self._top_k, self._dtype = top_k, dtype
        self.look_back = min(max(look_back, LOOK_BACK), max(SCALES) * LOOK_BACK)
        self.forget()

    @property
    def mean_gate(self) -> Array:
        """See the class."""
        return self._gate_sum / max(self._windows, 1)

    def forget(self) -> None:
        """Begin the mean of the gate's weights anew."""
        self._gate_sum, self._windows = np.zeros(len(self.weights.gate_bias)), 0

    def forecast(self, past: Array, horizon: int) -> Array:
        """Return the forecast of the next values, (S, horizon) float64.

        Args:
            past: (S, t) float64, t >= 1; NaN where a value is missing or a series has not begun.
            horizon: values to forecast.
        """
        recent = past[:, -self.look_back :]
        if recent.shape[1] == LOOK_BACK and not np.isnan(recent).any():
            return self._blocks(recent, horizon)
        silent = np.isnan(recent).all(axis=1)
        if silent.any():  # what was known before still counts
            recent = recent.copy()
            recent[silent] = filled(past[silent])[:, -1:]
        known = lengths(recent)
        factors = -(-LOOK_BACK // np.maximum(known, SHORTEST))
        factors[known >= NEARLY] = 1
        made = np.empty((len(past), horizon))
        for factor in np.unique(factors):
            rows = np.flatnonzero(factors == factor)
            if factor == 1:
                made[rows] = self._full(recent[rows], known[rows], horizon)
            else:
                windows = stretched(recent[rows], int(factor))
                made[rows] = shrunk(self._blocks(windows, horizon * int(factor)), int(factor))
        return made

    def block(self, x: Array) -> Array:
        """Return the next 96 values, (B, 96) float64.

        Args:
            x: (B, 512) float64, without NaN.
        """
        mean, scale, normal = self._normalised(x)
        return self._experts(normal, *self._chosen(normal)) * scale + mean

    def gate(self, x: Array) -> Array:
        """Return the experts' weights, (B, experts); 0 where an expert is not chosen.

        Args:
            x: (B, 512) float64, without NaN.
        """
        chosen, shares = self._chosen(self._normalised(x)[2])
        made = np.zeros((len(x), len(self.weights.names)))
        np.put_along_axis(made, chosen, shares, axis=1)
        return made

    def _normalised(self, x: Array) -> tuple[Array, Array, NDArray[Any]]:
        """Return mean, scale, (B, 1), and the normalised windows in the experts' precision."""
        mean = x.mean(axis=1, keepdims=True)
        centred = x - mean
        squares = np.einsum("ij,ij->i", centred, centred)[:, None]
        scale = np.sqrt(squares / (LOOK_BACK - 1)) + _EPSILON
        normal = np.empty(x.shape, self._dtype)
        np.multiply(centred, 1.0 / scale, out=normal, casting="same_kind")
        return mean, scale, normal

    def _chosen(self, normal: NDArray[Any]) -> tuple[NDArray[np.intp], Array]:
        return top(self._gate.logits(normal), self._top_k)

    def _experts(self, normal: NDArray[Any], chosen: NDArray[np.intp], shares: Array) -> Array:
        """Return the weighted sum of the chosen experts' outputs; no other expert is computed.

        Windows are grouped by expert, for one product of matrices each.
        """
        windows, k = chosen.shape
        flat = chosen.ravel()
        order = np.argsort(flat, kind="stable")
        experts, rows = flat[order], order // k
        outputs: NDArray[Any] = self._bias[experts]
        first = int(np.searchsorted(experts, _LINEAR))
        last = normal[rows[:first], -1:]
        outputs[:first] = np.where(experts[:first, None] == _NAIVE, last, 0.0)
        starts = np.flatnonzero(np.diff(experts[first:], prepend=-1)) + first
        padded = np.concatenate([rows, rows[: _ROWS - 1]])
        for start, end in itertools.pairwise([*starts.tolist(), len(rows)]):
            few = end - start <= _FEW
            count = end - start if few else -(-(end - start) // _ROWS) * _ROWS
            inputs = normal[padded[start : start + count]]
            if few:
                inputs = inputs[:, None]
            products = inputs @ self._matrices[experts[start] - _LINEAR]
            outputs[start:end] += products.reshape(-1, BLOCK)[: end - start]
        placed = np.empty_like(outputs)
        placed[order] = outputs
        by_window: NDArray[Any] = placed.reshape(windows, k, BLOCK)
        weighted = shares.astype(self._dtype)[:, None] @ by_window
        made: Array = weighted[:, 0].astype(np.float64)
        return made

    def _full(self, recent: Array, known: NDArray[np.int64], horizon: int) -> Array:
        """Return the forecast of series of 512 values or more, or nearly."""
        x = context(recent, max(LOOK_BACK, recent.shape[1]))
        if x.shape[1] == LOOK_BACK:
            return self._blocks(x, horizon)
        scales = chosen_scales(x, known, self._logits)
        made = np.empty((len(x), horizon))
        for scale in np.unique(scales):
            rows = np.flatnonzero(scales == scale)
            steps = -(-horizon // int(scale))
            blocks = self._blocks(thinned(x[rows], int(scale)), steps)
            made[rows] = densified(blocks, x[rows, -1], int(scale), horizon)
        return made

    def _logits(self, x: Array) -> Array:
        return self._gate.logits(x - x.mean(axis=1, keepdims=True))

    def _blocks(self, x: Array, horizon: int) -> Array:
        """Return ``horizon`` values, block after block, each fed back into the next one's window.

        A later block may not vary more than the window before it: that would grow block by block.
        """
        mean, scale, normal = self._normalised(x)
        chosen, shares = self._chosen(normal)
        self._gate_sum += np.bincount(chosen.ravel(), shares.ravel(), len(self._gate_sum))
        self._windows += len(x)
        out = self._experts(normal, chosen, shares) * scale + mean
        blocks = [out]
        for _ in range(BLOCK, horizon, BLOCK):
            x = np.concatenate([x[:, BLOCK:], out], axis=1)
            out = _held(self.block(x), x)
            blocks.append(out)
        return np.concatenate(blocks, axis=1)[:, :horizon]


def _held(block: Array, window: Array) -> Array:
    """Return the block, shrunk about its mean to the window's standard deviation if it has more."""
    mean = block.mean(axis=1, keepdims=True)
    spread = block.std(axis=1, ddof=1, keepdims=True)
    before = window.std(axis=1, ddof=1, keepdims=True)
    shrunk_block: Array = (block - mean) * (before / (spread + 1e-8)) + mean
    return np.where(spread > before, shrunk_block, block)
