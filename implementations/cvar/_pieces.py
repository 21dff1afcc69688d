"""Scenario losses as smooth pieces: what an interior-point method needs of them.

A loss |r| or a pinball is the larger of two affine pieces f = over * r and g = -under * r. One of
them is never positive, hence (max(f, g) - alpha)_+ = (f - alpha)_+ + (g - alpha)_+ for alpha >= 0,
which a nonnegative loss allows to ask for. Every other loss is one piece. Piece k of n scenarios
belongs to scenario k mod n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Scenarios:
    """Rows A, (n, d), and y, (n,), with cap = min(p / (1 - beta), 1), (n,), and their loss.

    A dual weight never exceeds 1, since all of them sum to it, hence that minimum.
    """

    A: Array
    y: Array
    cap: Array
    loss: str
    pinball: tuple[float, float]

    @property
    def n(self) -> int:
        """Number of scenarios."""
        return len(self.y)

    @property
    def two_sided(self) -> bool:
        """Whether a loss is the larger of two pieces."""
        return self.loss in ("abs", "pinball")

    def losses(self, z: Array) -> Array:
        """Return the (n,) losses at products z = A w."""
        if not self.two_sided:
            return curve(self.loss, z, self.y, np.ones_like(z))[0]
        r = z - self.y
        return np.maximum(self.pinball[0] * r, -self.pinball[1] * r)

    def values(self, z: Array) -> Array:
        """Return the values of all pieces, (n,) or (2n,), at products z = A w, (n,)."""
        if not self.two_sided:
            return self.losses(z)
        r = z - self.y
        return np.concatenate([self.pinball[0] * r, -self.pinball[1] * r])

    def take(self, rows: Index) -> Scenarios:
        """Return a copy of some scenarios, their probabilities made to sum to 1 again."""
        cap = self.cap[rows] * (self.cap.sum() / self.cap[rows].sum())
        loss, pinball = self.loss, self.pinball
        return Scenarios(self.A[rows], self.y[rows], np.minimum(cap, 1.0), loss, pinball)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Some pieces of the scenarios: contiguous rows X, (m, d), y, slope and cap, (m,)."""

    index: Index
    X: Array
    y: Array
    slope: Array
    cap: Array
    loss: str

    @classmethod
    def of(cls, scenarios: Scenarios, index: Index) -> Pieces:
        """Return the pieces of these numbers; all scenarios in order are not copied."""
        n = scenarios.n
        rows = index % n
        if len(index) == n and bool((index == np.arange(n)).all()):
            X = scenarios.A
        else:
            X = scenarios.A[rows]
        over, under = scenarios.pinball
        slope = np.where(index < n, over, -under)
        return cls(index, X, scenarios.y[rows], slope, scenarios.cap[rows], scenarios.loss)

    def curve(self, z: Array) -> tuple[Array, Array, Array]:
        """Return value, first and second derivative of each piece at its product z, (m,)."""
        return curve(self.loss, z, self.y, self.slope)


def curve(loss: str, z: Array, y: Array, slope: Array) -> tuple[Array, Array, Array]:
    """Return value, first and second derivative in z; ``slope`` is that of an affine piece."""
    if loss == "sq":
        r = z - y
        return 0.5 * r * r, r, np.ones_like(r)
    if loss == "logistic":
        m = -y * z
        e = np.exp(-np.abs(m))
        sigmoid = np.where(m > 0, 1.0, e) / (1.0 + e)
        return np.maximum(m, 0.0) + np.log1p(e), -y * sigmoid, e / (1.0 + e) ** 2
    return slope * (z - y), slope, np.zeros_like(z)
