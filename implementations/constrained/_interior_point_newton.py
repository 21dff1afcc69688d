"""Newton steps of the barrier problem: factorization with corrected inertia, directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._linear_solver import KKT
from tiltyard.implementations.constrained._scaled import ScaledProblem

Array = NDArray[np.float64]

FIRST, SMALLEST, LARGEST = 1e-4, 1e-20, 1e40
"""Corrections of the Hessian: the first ever, the smallest and the largest."""

GROW_FIRST, GROW, SHRINK = 100.0, 8.0, 1.0 / 3.0
"""Factors of the correction: until the first success, after failures, from one to the next."""

DELTA_C = 1e-8
"""The rows' regularization for a singular matrix, times mu^(1/4)."""

TOO_LONG = 1e5
"""The step, over 1 + |v|, from which a matrix counts as singular where its inertia does not say."""

LEASH = 1e-7
"""Ten times the first correction of such a matrix."""


@dataclass(slots=True)
class Step:
    """A direction: of v = (x, s) and of the rows' multipliers y."""

    v: Array
    y: Array


class Newton:
    """Solves the Newton system of v and y, slacks eliminated.

    For rows with slack the equation (S) ds - dy = -r_s takes ds out, and leaves 1 / S in the
    diagonal of the rows. Inertia is corrected as in algorithm IC of Wächter & Biegler (2006).

    Args:
        nlp: gives the structures.
    """

    def __init__(self, nlp: ScaledProblem) -> None:
        self.nlp = nlp
        self.jacobian = nlp.jacobian_matrix
        h, j = (nlp.h_rows, nlp.h_columns), (nlp.j_rows, nlp.j_columns)
        self.kkt = KKT(h, self.jacobian, j, (nlp.m, nlp.n))
        self.correction = 0.0
        self.leash = LEASH
        self._singular = False
        self._d = np.zeros(nlp.m)

    def set(self, hessian: Array, jacobian: Array) -> None:
        """Take the values of the Lagrangian's Hessian and of J, which its matrix has already."""
        self.kkt.set(hessian, jacobian)

    def factor(self, sigma: Array, elastic: Array | float, mu: float, least: float = 0.0) -> bool:
        """Factor with diag(sigma) added for v, and ``elastic`` taken from the rows' diagonal.

        ``least`` is the first correction to try.

        Returns:
            Whether the inertia is right, at whatever correction; False if none was enough.
        """
        delta, delta_c = least, 0.0
        first = least == 0.0
        while delta <= LARGEST:
            negative = self._try(sigma, elastic, delta, delta_c)
            if negative == self.nlp.m:
                if delta:
                    self.correction = delta
                self.delta = delta
                return True
            if negative < self.nlp.m and delta_c == 0.0:
                # Rows seem dependent: regularize them, and only then the Hessian as well.
                delta_c = DELTA_C * mu**0.25
                if negative < 0 or delta:
                    continue
            if first:
                first = False
                known = self.correction
                delta = max(SMALLEST, SHRINK * known) if known else FIRST
            else:
                delta *= GROW if self.correction else GROW_FIRST
        return False

    def _try(self, sigma: Array, elastic: Array | float, delta: float, delta_c: float) -> int:
        nlp = self.nlp
        d = self._d
        d[:] = elastic
        if delta_c:
            d += delta_c
        if len(nlp.rows):
            # An inactive slack's 1 / S may overflow; its row then counts for nothing.
            self._s = np.maximum(sigma[nlp.n :] + delta, 1e-100)
            d[nlp.rows] += 1.0 / self._s
        x = sigma[: nlp.n]
        return self.kkt.factor(x + delta if delta else x, d)

    def solve(self, r_v: Array, r_c: Array) -> tuple[Step, float]:
        """Return the solution for residuals of v's equations and of the rows, and its error."""
        nlp = self.nlp
        right = np.concatenate([r_v[: nlp.n], r_c])
        np.negative(right, out=right)
        if len(nlp.rows):
            right[nlp.n + nlp.rows] -= r_v[nlp.n :] / self._s
        u, error = self.kkt.solve(right)
        dy = u[nlp.n :]
        if not len(nlp.rows):
            return Step(u[: nlp.n], dy), error
        ds = (dy[nlp.rows] - r_v[nlp.n :]) / self._s
        return Step(np.concatenate([u[: nlp.n], ds]), dy), error

    def pulled(self, y: Array) -> Array:
        """Return the (size,) product of the rows' Jacobian in v, transposed, and y."""
        nlp = self.nlp
        first = self.jacobian.transpose_times(y) if nlp.m else np.zeros(nlp.n)
        return np.concatenate([first, -y[nlp.rows]]) if len(nlp.rows) else first

    def multipliers(self, slope: Array) -> Array:
        """Return the least-squares y for slope + J'y = 0 in v; zero where it is out of hand."""
        nlp = self.nlp
        if not nlp.m:
            return np.zeros(0)
        self.kkt.set(np.zeros(len(nlp.h_rows)), self.jacobian_values)
        ones = np.ones(nlp.size)
        if self._try(ones, 0.0, 0.0, 0.0) != nlp.m and self._try(ones, 0.0, 0.0, 1e-8) < 0:
            return np.zeros(nlp.m)
        y = self.solve(slope, np.zeros(nlp.m))[0].y
        fine = np.isfinite(y).all() and abs(y).max() <= 1e3
        return y if fine else np.zeros(nlp.m)

    def runs_away(self, step: Step, v: Array) -> bool:
        """Return whether an uncorrected step is so long that the matrix must be near singular.

        ``leash`` is then the correction to try; along a ray without end it goes to zero.
        """
        longest = TOO_LONG * (1.0 + float(abs(v).max(initial=0.0)))
        if self.delta == 0.0 and float(abs(step.v).max(initial=0.0)) > longest:
            self.leash *= 0.1
            return True
        self.leash = LEASH
        return False

    def take(self, jacobian: Array) -> None:
        """Take the values of J at a new point."""
        self.jacobian_values = jacobian
        self.jacobian.set(jacobian)
