"""Networks as a linear map and slope-restricted neurons in feedback (the form of Lur'e).

With z = (x, y), the differences of two inputs x and of the neurons' outputs y, a network of
elementwise nonlinearities is v = A z, y_j = s_j v_j with s_j in [low_j, high_j], and its output is
C z. A_j has entries only at x and at neurons of earlier layers; residual branches fit in, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import Unsupported
from tiltyard.suites.lipschitz.layers import (
    Activation,
    Array,
    Conv2d,
    Dense,
    Layer,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network

Slopes = Callable[[int, Activation, int], tuple[Array, Array]]
"""(index of the layer of neurons, its nonlinearity, its size) -> least and largest slopes."""


@dataclass(frozen=True, eq=False)
class Lure:
    """The form above of n neurons, N = inputs + n.

    Attributes:
        A: (n, N).
        C: (m, N).
        low: (n,) least slopes.
        high: (n,) largest slopes, above ``low``.
        layer: (n,) which layer a neuron is of, ascending.
        inputs: the entries of x.
        unit: what a Lipschitz constant of this form is multiplied by to be the network's.
    """

    A: Array
    C: Array
    low: Array
    high: Array
    layer: NDArray[np.intp]
    inputs: int
    unit: float = 1.0

    @property
    def middle(self) -> Array:
        """(n,) middles of the slopes."""
        return (self.low + self.high) / 2

    @property
    def reach(self) -> Array:
        """(n,) half widths of the slopes."""
        return (self.high - self.low) / 2

    @cached_property
    def looped(self) -> tuple[Array, Array]:
        """A and C in z = (x, w), y_j = middle_j v_j + reach_j w_j: slopes in [-1, 1]."""
        from scipy.linalg import solve_triangular

        ax, ay = self.A[:, : self.inputs], self.A[:, self.inputs :]
        chained = np.eye(len(ay)) - ay * self.middle
        right = np.hstack([ax, ay * self.reach])
        A = np.asarray(solve_triangular(chained, right, lower=True, unit_diagonal=True))
        cx, cy = self.C[:, : self.inputs], self.C[:, self.inputs :]
        return A, np.hstack([cx, cy * self.reach]) + (cy * self.middle) @ A


def lure(network: Network, slopes: Slopes) -> Lure:
    """Return a network in this form, without neurons that do nothing, in units of about one.

    A neuron whose slopes are one number is replaced by it. Units are powers of two, so that
    scaling rounds nothing.

    Raises:
        Unsupported: naming a layer that is neither linear nor elementwise.
    """
    trace = _Trace(network.inputs, slopes)
    current = np.eye(network.inputs)
    for layer in network.layers:
        current = trace.apply(layer, current, 1)
    return _scaled(_pruned(trace.finish(current)))


class _Trace:
    """Follows differences through the layers as rows over z."""

    def __init__(self, inputs: int, slopes: Slopes) -> None:
        self.inputs = inputs
        self.slopes = slopes
        self.total = inputs
        self.layers = 0
        self.rows: list[Array] = []
        self.low: list[Array] = []
        self.high: list[Array] = []

    def apply(self, layer: Layer, rows: Array, tokens: int) -> Array:
        """Return the rows behind a layer that works on each of ``tokens`` parts of its input."""
        if isinstance(layer, Dense | Conv2d):
            weight = layer.dense.weight if isinstance(layer, Conv2d) else layer.weight
            parts = rows.reshape(tokens, -1, rows.shape[1])
            return np.concatenate([weight @ part for part in parts])
        if isinstance(layer, Activation):
            return self._neurons(layer, rows)
        if isinstance(layer, Residual):
            inner = rows
            for one in layer.branch:
                inner = self.apply(one, inner, tokens)
            return layer.skip * _widened(rows, inner.shape[1]) + layer.scale * inner
        if isinstance(layer, PerToken):
            return self.apply(layer.layer, rows, tokens * layer.tokens)
        name = type(layer).__name__.lower()
        raise Unsupported(f"takes linear and elementwise layers; this network has {name} layers")

    def _neurons(self, activation: Activation, rows: Array) -> Array:
        low, high = self.slopes(self.layers, activation, len(rows))
        self.layers += 1
        free = low < high
        made = _widened(rows * np.where(free, 0.0, low)[:, None], self.total + int(free.sum()))
        made[free, self.total :] = np.eye(int(free.sum()))
        self.total = made.shape[1]
        self.rows.append(rows[free])
        self.low.append(low[free])
        self.high.append(high[free])
        return made

    def finish(self, outputs: Array) -> Lure:
        rows = [_widened(block, self.total) for block in self.rows]
        sizes = [len(block) for block in rows]
        return Lure(
            A=np.concatenate([np.empty((0, self.total)), *rows]),
            C=_widened(outputs, self.total),
            low=np.concatenate([np.empty(0), *self.low]),
            high=np.concatenate([np.empty(0), *self.high]),
            layer=np.repeat(np.arange(len(sizes)), sizes),
            inputs=self.inputs,
        )


def _widened(rows: Array, columns: int) -> Array:
    return np.pad(rows, ((0, 0), (0, columns - rows.shape[1])))


def _pruned(form: Lure) -> Lure:
    """Drop neurons whose input or whose every use is zero, until there are none."""
    while True:
        used = (form.A != 0).any(axis=0) | (form.C != 0).any(axis=0)
        keep = (form.A != 0).any(axis=1) & used[form.inputs :]
        if keep.all():
            return form
        columns = np.concatenate([np.ones(form.inputs, dtype=bool), keep])
        form = Lure(
            A=form.A[np.ix_(keep, columns)],
            C=form.C[:, columns],
            low=form.low[keep],
            high=form.high[keep],
            layer=form.layer[keep],
            inputs=form.inputs,
        )


def _scaled(form: Lure) -> Lure:
    """Measure every layer's neurons, and the output, in a power of two near their size."""
    units = np.ones(form.A.shape[1])
    for index in np.unique(form.layer):
        mine = form.layer == index
        size = np.linalg.norm(form.A[mine] * units, 2) * np.abs([form.low, form.high]).max()
        units[form.inputs :][mine] = _power(float(size))
    unit = _power(float(np.linalg.norm(form.C * units, 2)))
    own = units[form.inputs :, None]
    return Lure(
        A=form.A * units / own,
        C=form.C * units / unit,
        low=form.low,
        high=form.high,
        layer=form.layer,
        inputs=form.inputs,
        unit=unit,
    )


def _power(size: float) -> float:
    return float(2.0 ** np.round(np.log2(size))) if size > 0.0 else 1.0


def compressed(form: Lure) -> Lure:
    """Return the form in fewer inputs: the span of those that anything depends on.

    Rounding enters here: multipliers found on it are certified on the form itself.
    """
    first = np.concatenate([form.A[:, : form.inputs], form.C[:, : form.inputs]])
    rows = first[(first != 0).any(axis=1)]
    if len(rows) >= form.inputs:
        return form
    basis = np.linalg.qr(rows.T)[0]
    return Lure(
        A=np.hstack([form.A[:, : form.inputs] @ basis, form.A[:, form.inputs :]]),
        C=np.hstack([form.C[:, : form.inputs] @ basis, form.C[:, form.inputs :]]),
        low=form.low,
        high=form.high,
        layer=form.layer,
        inputs=basis.shape[1],
        unit=form.unit,
    )
