"""A constrained problem as interior-point and SQP methods want it: scaled, with slacks.

Fixed variables and rows without bounds are taken out; the others form

    minimise f(x)  subject to  c(x) - [0 or s] = 0,  bounds on v = (x, s),

with one slack s for each inequality row, and the right-hand side of an equation moved into c. The
objective and each row are scaled down where their gradient at the start exceeds a limit, as in
section 3.8 of Wächter & Biegler (2006), doi:10.1007/s10107-004-0559-y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._matrix import Matrix
from tiltyard.suites.constrained.problem import ConstrainedProblem

Array = NDArray[np.float64]

SMALLEST = 1e-8
"""The smallest scaling factor."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Every finite bound of v: ``sign * (v[at] - value) >= 0``.

    Attributes:
        at: (k,) entries of v.
        sign: (k,) 1 for a lower bound, -1 for an upper.
        value: (k,) the bound.
    """

    at: NDArray[np.intp]
    sign: Array
    value: Array

    @classmethod
    def of(cls, lower: Array, upper: Array) -> Bounds:
        """Return the finite ones among lower and upper bounds."""
        low, high = np.flatnonzero(np.isfinite(lower)), np.flatnonzero(np.isfinite(upper))
        sign = np.concatenate([np.ones(len(low)), -np.ones(len(high))])
        return cls(np.concatenate([low, high]), sign, np.concatenate([lower[low], upper[high]]))

    def distance(self, v: Array) -> Array:
        """Return how far v is inside each bound."""
        inside: Array = self.sign * (v[self.at] - self.value)
        return inside

    def spread(self, values: Array, size: int) -> Array:
        """Return the vector of a size to whose entries ``at`` the values are added."""
        # Without values bincount returns integers.
        if not len(values):
            return np.zeros(size)
        return np.asarray(np.bincount(self.at, values, size), dtype=np.float64)


class ScaledProblem:
    """The functions of v = (x, s), on the CPU.

    Args:
        problem: with gradient, Jacobian and Hessian.
        limit: the largest gradient of f or of a row at the start that is not scaled down.

    Attributes:
        n: free variables.
        m: rows that have a bound.
        size: n and the number of slacks.
        slack: (m,) for each row the entry of s, or -1 for an equation.
        rows: the rows that have a slack.
        lower: (size,) bounds of v.
        upper: likewise.
        f_scale: the objective's factor.
        c_scale: (m,) the rows' factors.
        consistent: False if a lower bound is above an upper one.
    """

    def __init__(self, problem: ConstrainedProblem, limit: float = 100.0) -> None:
        self.problem = problem
        lower, upper = problem.lower, problem.upper
        c_lower, c_upper = problem.c_lower, problem.c_upper
        self.consistent = bool((lower <= upper).all() and (c_lower <= c_upper).all())
        self._free = np.flatnonzero(lower != upper)
        self._kept = np.flatnonzero(np.isfinite(c_lower) | np.isfinite(c_upper))
        self._all_free = len(self._free) == problem.n
        self._all_kept = len(self._kept) == problem.m
        self.n, self.m = len(self._free), len(self._kept)
        self._full = np.where(lower == upper, lower, problem.x0)
        self.sparse = bool(problem.facts["sparse"])
        self._structures()
        x = self._full[self._free]
        low, high = c_lower[self._kept], c_upper[self._kept]
        equation = low == high
        self.rows = np.flatnonzero(~equation)
        self.size = self.n + len(self.rows)
        self.f_scale, self.c_scale = self._scales(x, limit)
        low, high = low * self.c_scale, high * self.c_scale
        self.right = np.where(equation, low, 0.0)
        self.lower = np.concatenate([lower[self._free], low[self.rows]])
        self.upper = np.concatenate([upper[self._free], high[self.rows]])
        bound = np.maximum(
            np.where(np.isfinite(low), abs(low), 0.0), np.where(np.isfinite(high), abs(high), 0.0)
        )
        self.c_unit = 1.0 / np.maximum(self.c_scale, bound)
        self.start = np.concatenate([x, np.zeros(len(self.rows))])
        self._y = np.zeros(problem.m)

    def _structures(self) -> None:
        """Find the entries of J and H in rows and columns that remain, and make the matrices."""
        problem = self.problem
        column = np.full(problem.n, -1)
        column[self._free] = np.arange(self.n)
        row = np.full(problem.m, -1)
        row[self._kept] = np.arange(self.m)
        at = problem.jacobian_structure
        rows, columns = row[at.rows], column[at.columns]
        self._j_kept = np.flatnonzero((rows >= 0) & (columns >= 0))
        self.j_rows, self.j_columns = rows[self._j_kept], columns[self._j_kept]
        at = problem.hessian_structure
        rows, columns = column[at.rows], column[at.columns]
        self._h_kept = np.flatnonzero((rows >= 0) & (columns >= 0))
        self.h_rows, self.h_columns = rows[self._h_kept], columns[self._h_kept]
        self.jacobian_matrix = Matrix(self.j_rows, self.j_columns, (self.m, self.n), self.sparse)

    def _scales(self, x: Array, limit: float) -> tuple[float, Array]:
        """Return the factors of f and of the rows, by their gradients at the start."""
        self.f_scale, self.c_scale = 1.0, np.ones(self.m)
        slope = abs(self.gradient(x)).max(initial=0.0)
        largest = np.zeros(self.m)
        np.maximum.at(largest, self.j_rows, abs(self.jacobian(x)))
        with np.errstate(divide="ignore"):
            f_scale = max(SMALLEST, min(1.0, limit / slope)) if slope > 0 else 1.0
            c_scale = np.clip(limit / largest, SMALLEST, 1.0)
        finite = np.isfinite(slope)
        return (f_scale if finite else 1.0), np.where(np.isfinite(largest), c_scale, 1.0)

    def full(self, v: Array) -> Array:
        """Return all the problem's variables at v, a new array."""
        x = self._full.copy()
        x[self._free] = v[: self.n]
        return x

    def _point(self, v: Array) -> Array:
        return v[: self.n].copy() if self._all_free else self.full(v)

    def objective(self, v: Array) -> float:
        """Return the scaled f."""
        with np.errstate(all="ignore"):
            return self.f_scale * float(self.problem.objective(self._point(v)))

    def gradient(self, v: Array) -> Array:
        """Return the (n,) scaled gradient of f."""
        with np.errstate(all="ignore"):
            g = self.problem.gradient(self._point(v))
        self._g = g
        scaled: Array = self.f_scale * (g if self._all_free else g[self._free])
        return scaled

    def values(self, v: Array) -> Array:
        """Return the (m,) scaled c(x), right-hand sides of equations subtracted, without slacks."""
        with np.errstate(all="ignore"):
            c = self.problem.constraints(self._point(v))
        scaled: Array = self.c_scale * (c if self._all_kept else c[self._kept]) - self.right
        return scaled

    def residual(self, v: Array) -> Array:
        """Return the (m,) scaled c(x) - s."""
        c = self.values(v)
        if len(self.rows):
            c[self.rows] -= v[self.n :]
        return c

    def jacobian(self, v: Array) -> Array:
        """Return the values of the scaled Jacobian at (j_rows, j_columns)."""
        with np.errstate(all="ignore"):
            values = self.problem.jacobian_values(self._point(v))
        self._j = values
        if len(self._j_kept) != len(values):
            values = values[self._j_kept]
        scaled: Array = values * self.c_scale[self.j_rows]
        return scaled

    def hessian(self, v: Array, y: Array, objective: float = 1.0) -> Array:
        """Return the values of objective * Hf + sum_i y_i Hc_i, scaled, at (h_rows, h_columns)."""
        if self._all_kept:
            weights = y * self.c_scale
        else:
            weights = self._y.copy()
            weights[self._kept] = y * self.c_scale
        with np.errstate(all="ignore"):
            values: Array = self.problem.hessian_values(
                self._point(v), weights, objective * self.f_scale
            )
        return values if len(self._h_kept) == len(values) else values[self._h_kept]

    def answer(self, v: Array, y: Array, z: Array) -> dict[str, Any]:
        """Return x with the multipliers of the rows and of the variables' bounds, unscaled.

        Args:
            v: the point.
            y: (m,) multipliers.
            z: (n,) or longer, multipliers of the bounds, negative at lower ones; those of fixed
                variables follow from the gradients that were evaluated last.
        """
        whole_y, whole_z = self._y.copy(), np.zeros(self.problem.n)
        whole_y[self._kept] = y * self.c_scale / self.f_scale
        if not self._all_free:  # multipliers of fixed variables balance the last gradients
            at = self.problem.jacobian_structure
            whole_z -= self._g + np.bincount(at.columns, self._j * whole_y[at.rows], len(whole_z))
        whole_z[self._free] = z[: self.n] / self.f_scale
        x = np.clip(self.full(v), self.problem.lower, self.problem.upper)
        return {"x": x, "y": whole_y, "z": whole_z}
