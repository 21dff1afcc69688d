"""Preactivation and Jacobian bounds of piecewise linear chains, part of whose pattern is known.

Activations are counted from 0. On a set on which the slopes of all activations before one are
fixed, its input is affine in x, and the bounds here start from that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._exact_region import Region
from tiltyard.suites.lipschitz.layers import Activation
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]
Signs = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Piecewise:
    """f(x) = W_L s(... s(W_0 x + b_0) ...) + b_L; s has slope 1 above zero and ``slopes[l]`` below.

    Attributes:
        weights: L + 1 matrices.
        biases: L + 1 vectors.
        slopes: L numbers in [0, 1].
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    slopes: tuple[float, ...]


def piecewise(problem: LipschitzProblem) -> Piecewise:
    """Return the problem's chain.

    Raises:
        Unsupported: an activation is not a ReLU or a leaky ReLU with slope in [0, 1].
    """
    chain = problem.chain
    slopes = []
    for activation in chain.activations:
        if not isinstance(activation, Activation) or activation.kind not in ("relu", "leaky_relu"):
            name = activation.kind if isinstance(activation, Activation) else type(activation)
            raise Unsupported(f"takes ReLU and leaky ReLU; this network has {name}")
        slope = 0.0 if activation.kind == "relu" else activation.slope
        if not 0.0 <= slope <= 1.0:
            raise Unsupported(f"takes slopes from 0 to 1; this network's leaky ReLU has {slope:g}")
        slopes.append(slope)
    return Piecewise(chain.weights, chain.biases, tuple(slopes))


@dataclass(frozen=True, eq=False)
class Affine:
    """The input of activation ``layer``: offset + rows (x - center), (w,) and (w, n)."""

    layer: int
    rows: Array
    offset: Array

    def after(self, net: Piecewise, d: Array) -> Affine:
        """Return the input of the next activation, where this one has slopes d."""
        W = net.weights[self.layer + 1]
        return Affine(
            self.layer + 1,
            W @ (d[:, None] * self.rows),
            W @ (d * self.offset) + net.biases[self.layer + 1],
        )

    def relax(self, net: Piecewise, region: Region, signs: Signs | None = None) -> Relaxation:
        """Return the layer's relaxation over the region."""
        reach = region.reach(self.rows)
        return relax(self.offset - reach, self.offset + reach, net.slopes[self.layer], signs)


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Bounds of one activation layer over a set: of its input and of its slope, (w,) each.

    Neurons that do not change sign have equal slopes. ``below`` is the slope under zero.
    """

    lower: Array
    upper: Array
    low: Array
    high: Array
    below: float

    @property
    def unstable(self) -> NDArray[np.bool_]:
        """Which neurons may have either sign."""
        return self.low < self.high

    def lines(self) -> tuple[Array, Array, Array]:
        """Return the upper line's slope and intercept and the slope of the lower through 0."""
        free = self.unstable
        up, offset, down = self.low.copy(), np.zeros(len(self.low)), self.low.copy()
        low, high = self.lower[free], self.upper[free]
        up[free] = (high - self.below * low) / (high - low)
        offset[free] = high - up[free] * high
        down[free] = np.where(high > -low, 1.0, self.below)
        return up, offset, down


def relax(lower: Array, upper: Array, below: float, signs: Signs | None = None) -> Relaxation:
    """Return the relaxation of a layer whose input lies in [lower, upper].

    Args:
        lower: (w,).
        upper: (w,).
        below: the slope under zero.
        signs: (w,) signs of inputs that are known, 0 where they are not.
    """
    if signs is not None:
        lower = np.where(signs > 0, np.maximum(lower, 0.0), lower)
        upper = np.where(signs < 0, np.minimum(upper, 0.0), upper)
    on = lower >= 0.0
    off = (upper <= 0.0) & ~on
    low, high = np.where(on, 1.0, below), np.where(off, below, 1.0)
    return Relaxation(lower, upper, low, high, below)


def following(net: Piecewise, start: Affine, region: Region, first: Relaxation) -> list[Relaxation]:
    """Return the relaxations of layer ``start.layer``, which is ``first``, and of all after it.

    Backward linear bounds (CROWN: Zhang et al. 2018, arXiv:1811.00866), intersected with intervals.
    """
    layers = [first]
    for q in range(start.layer + 1, len(net.slopes)):
        width = len(net.biases[q])
        lower, upper = np.full(width, -np.inf), np.full(width, np.inf)
        if region.bounded:
            lower, upper = _intervals(net, layers[-1], q)
            below, above = _crown(net, start, region, layers)
            lower, upper = np.maximum(lower, below), np.minimum(upper, above)
        layers.append(relax(lower, upper, net.slopes[q]))
    return layers


def _intervals(net: Piecewise, last: Relaxation, q: int) -> tuple[Array, Array]:
    """Return bounds of the input of layer q from those of the layer before."""
    low, high = (np.maximum(z, last.below * z) for z in (last.lower, last.upper))
    middle, radius = net.weights[q] @ ((low + high) / 2.0), np.abs(net.weights[q]) @ (high - low)
    return middle - radius / 2.0 + net.biases[q], middle + radius / 2.0 + net.biases[q]


def _crown(
    net: Piecewise, start: Affine, region: Region, layers: list[Relaxation]
) -> tuple[Array, Array]:
    """Return bounds of the input of the layer after ``layers``, back to the affine start."""
    q = start.layer + len(layers)
    above = below = net.weights[q]
    high = low = net.biases[q]
    for back, layer in enumerate(reversed(layers)):
        up, offset, down = layer.lines()
        high = high + np.maximum(above, 0.0) @ offset
        low = low + np.minimum(below, 0.0) @ offset
        above = np.maximum(above, 0.0) * up + np.minimum(above, 0.0) * down
        below = np.maximum(below, 0.0) * down + np.minimum(below, 0.0) * up
        k = q - 1 - back
        if k > start.layer:
            high, low = high + above @ net.biases[k], low + below @ net.biases[k]
            above, below = above @ net.weights[k], below @ net.weights[k]
    return (
        low + below @ start.offset - region.reach(below @ start.rows),
        high + above @ start.offset + region.reach(above @ start.rows),
    )


def backward(net: Piecewise, layers: list[Relaxation]) -> tuple[Array, Array]:
    """Return entrywise bounds of the derivative of f by the input of the first of ``layers``."""
    low = high = net.weights[-1]
    for back, layer in enumerate(reversed(layers)):
        low, high = (
            np.minimum(layer.low * low, layer.high * low),
            np.maximum(layer.low * high, layer.high * high),
        )
        if back + 1 < len(layers):
            W = net.weights[len(net.slopes) - 1 - back]
            low, high = product(low, high, W)
    return low, high


def product(low: Array, high: Array, W: Array) -> tuple[Array, Array]:
    """Return entrywise bounds of G W for low <= G <= high."""
    middle, radius = (low + high) / 2.0 @ W, (high - low) / 2.0 @ np.abs(W)
    return middle - radius, middle + radius


def row_sums(low: Array, high: Array, P: Array) -> Array:
    """Return bounds of the absolute row sums of G P for low <= G <= high: (m,).

    |v| lies below its chord over [l, u], which is linear in G; the maximum over G is then taken for
    the sum of a row, not entry by entry (the relaxation of the norm in Shi et al. 2022,
    arXiv:2210.07394).
    """
    least, most = product(low, high, P)
    crossing = (least < 0.0) & (most > 0.0)
    width = np.where(crossing, most - least, 1.0)
    slope = np.where(crossing, (most + least) / width, np.where(most > 0.0, 1.0, -1.0))
    chords = np.where(crossing, -2.0 * most * least / width, 0.0).sum(axis=1)
    V = slope @ P.T
    return np.asarray(chords + np.maximum(low * V, high * V).sum(axis=1), dtype=np.float64)


def spectral(low: Array, high: Array, P: Array) -> float:
    """Return a bound of the spectral norm of G P for low <= G <= high.

    The norm of the middle plus one of the rest E P: with |E| <= R, that of R |P| entry by entry, or
    that of R / D times that of D P for a positive diagonal D that balances both.
    """
    middle, R = (low + high) / 2.0 @ P, (high - low) / 2.0
    free = R.any(axis=0) & P.any(axis=1)
    if not free.any():
        return _norm(middle)
    R, P = R[:, free], P[free]
    balance = np.sqrt(np.linalg.norm(R, axis=0) / np.linalg.norm(P, axis=1))
    rest = min(_norm(R @ np.abs(P)), _norm(R / balance) * _norm(balance[:, None] * P))
    return _norm(middle) + rest


def _norm(A: Array) -> float:
    gram = A @ A.T if A.shape[0] < A.shape[1] else A.T @ A
    return float(np.sqrt(max(np.linalg.eigvalsh(gram)[-1], 0.0)))
