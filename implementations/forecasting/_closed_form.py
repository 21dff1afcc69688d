"""Linear maps from L values to the next H in closed form, with a normalisation of each window.

A window is normalised by subtracting b'x, a fixed linear function of its context, and adding it
back to the forecast: 0 (``none``), the last value (``last``, as NLinear), or the mean (``revin``,
as RLinear). RevIN also divides by the context's standard deviation s. Least squares in those units
fails where s is 0 or small; with weights s^2 the loss is that of the original units, and the factor
s leaves the matrix: ||y - b'x - s (W (x - b'x) / s + c)||^2 = ||(y - b'x) - W (x - b'x) - s c||^2.
So one set of second moments of x, y, 1 and s serves all three.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from tiltyard.implementations.forecasting._windows import Windows

Array = NDArray[np.float64]

NORMALISATIONS = ("none", "last", "revin")

PENALTIES = tuple(10.0**k for k in range(-6, 3))
"""Of W, relative to the mean diagonal entry of the normalised contexts' Gram matrix."""


def functional(normalisation: str, look_back: int) -> Array:
    """Return b, (L,): a window is normalised by subtracting b'x.

    Raises:
        ValueError: no normalisation has that name.
    """
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation {normalisation} is none of {', '.join(NORMALISATIONS)}")
    b = np.zeros(look_back)
    if normalisation == "last":
        b[-1] = 1.0
    if normalisation == "revin":
        b[:] = 1.0 / look_back
    return b


def unit(normalisation: str, x: Array) -> Array:
    """Return what the intercept is multiplied with, (N,): s for ``revin``, otherwise 1."""
    return x.std(axis=1) if normalisation == "revin" else np.ones(len(x))


@dataclass(frozen=True)
class LinearMap:
    """A forecast b'x + W'(x - b'x) + u c, u the ``unit``.

    Attributes:
        normalisation: which b and u.
        weights: W, (L, H).
        intercept: c, (H,).
    """

    normalisation: str
    weights: Array
    intercept: Array

    def __call__(self, x: Array) -> Array:
        """Return the forecasts, (N, H), from contexts, (N, L)."""
        level = x @ functional(self.normalisation, x.shape[1])
        made = (x - level[:, None]) @ self.weights + level[:, None]
        return np.asarray(made + unit(self.normalisation, x)[:, None] * self.intercept)

    @property
    def parameters(self) -> int:
        """Entries of W and c."""
        return self.weights.size + self.intercept.size


@dataclass(frozen=True)
class Normal:
    """Sums over normalised windows: what least squares, and its error, depend on.

    Attributes:
        xx: (L, L), xy: (L, H), yy: the sum of squares of all of y.
        xu: (L,), yu: (H,), uu: those with the unit.
    """

    xx: Array
    xy: Array
    yy: float
    xu: Array
    yu: Array
    uu: float

    def squared_error(self, W: Array, c: Array) -> float:
        """Return the sum of squared errors of W and c over these windows."""
        quadratic = (W * (self.xx @ W)).sum() - 2.0 * (W * self.xy).sum() + self.yy
        return float(quadratic + 2.0 * c @ (W.T @ self.xu - self.yu) + self.uu * (c @ c))

    def path(self, penalties: Sequence[float]) -> Iterator[tuple[float, Array, Array]]:
        """Yield each penalty with W and c: one eigendecomposition serves all.

        The intercept is not penalised. Directions that no window has stay at 0.
        """
        share = self.xu / self.uu if self.uu > 0.0 else np.zeros_like(self.xu)
        A = self.xx - np.outer(share, self.xu)
        B = self.xy - np.outer(share, self.yu)
        mean = max(float(np.trace(A)) / len(A), np.finfo(np.float64).tiny)
        e, V = scipy.linalg.eigh(A, driver="evd")
        projected = V.T @ B
        for penalty in penalties:
            W = V @ (projected / (np.maximum(e, 0.0) + penalty * mean)[:, None])
            c = (self.yu - W.T @ self.xu) / self.uu if self.uu > 0.0 else np.zeros(W.shape[1])
            yield penalty, W, c


class Moments:
    """Second moments of windows as they are: contexts x, what follows them y, and units 1 and s."""

    def __init__(self, windows: Windows) -> None:
        L, H = windows.look_back, windows.horizon
        self._xx, self._xy, self._yy = np.zeros((L, L)), np.zeros((L, H)), 0.0
        self._xu, self._yu, self._uu = np.zeros((L, 2)), np.zeros((H, 2)), np.zeros(2)
        self.count = len(windows) * H
        for x, y in windows.blocks():
            u = np.stack([unit("none", x), unit("revin", x)], axis=1)
            self._xx += x.T @ x
            self._xy += x.T @ y
            self._yy += float((y**2).sum())
            self._xu += x.T @ u
            self._yu += y.T @ u
            self._uu += (u**2).sum(axis=0)

    def normalised(self, normalisation: str) -> Normal:
        """Return the sums over windows x - b'x and y - b'x."""
        b = functional(normalisation, len(self._xx))
        u = int(normalisation == "revin")
        Gb = self._xx @ b
        bGb, bC = float(b @ Gb), b @ self._xy
        bu = float(b @ self._xu[:, u])
        H = len(bC)
        # (x - 1 b'x)(x - 1 b'x)' = xx' - x (b'x) 1' - 1 (b'x) x' + (b'x)^2 1 1', summed.
        return Normal(
            xx=self._xx - Gb[:, None] - Gb[None, :] + bGb,
            xy=self._xy - Gb[:, None] - bC[None, :] + bGb,
            yy=self._yy - 2.0 * float(bC.sum()) + H * bGb,
            xu=self._xu[:, u] - bu,
            yu=self._yu[:, u] - bu,
            uu=float(self._uu[u]),
        )
