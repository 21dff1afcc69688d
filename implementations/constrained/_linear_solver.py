"""Symmetric indefinite systems of optimality conditions, with their inertia.

The matrix is K = [[H + diag(p), J'], [J, -diag(d)]], H (n, n), J (m, n), d >= 0. A Newton step is
a descent direction where K has n positive and m negative eigenvalues. Dense systems are factored
by LAPACK's Bunch-Kaufman method, sparse ones by ``_sparse_ldl``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._matrix import Matrix

Array = NDArray[np.float64]
Index = NDArray[np.intp]

REFINEMENTS = 3
"""The most steps of iterative refinement for one right-hand side."""

ACCURATE = 1e-10
"""The residual, over the right-hand side, at which refinement ends."""

INACCURATE = 1e-6
"""The residual from which a sparse system is factored again, by a method that pivots."""


class DenseFactors:
    """Bunch-Kaufman factors of K, from its lower triangle."""

    def __init__(self, size: int, at: tuple[Index, Index]) -> None:
        from scipy.linalg import lapack

        self._sytrf, self._sytrs = lapack.dsytrf, lapack.dsytrs
        self._matrix = np.zeros((size, size), order="F")
        self._flat = at[1] * size + at[0]
        self._ravelled = self._matrix.ravel(order="K")
        self._diagonal = self._ravelled[:: size + 1]
        self._lwork = max(1, size * 64)

    def set(self, values: Array) -> None:
        """Take the entries below the diagonal and on it, diagonal shifts not included."""
        self._diagonal[:] = 0.0
        self._ravelled[self._flat] = values
        self._kept = self._diagonal.copy()

    def factor(self, shift: Array) -> int:
        """Factor K with a vector added to its diagonal; return its negative eigenvalues, or -1.

        -1 stands for a singular matrix, or one that is not finite.
        """
        np.add(self._kept, shift, out=self._diagonal)
        self._factors, self._pivots, info = self._sytrf(self._matrix, lower=1, lwork=self._lwork)
        if info:
            return -1
        diagonal, single = self._factors.diagonal(), self._pivots > 0
        if not np.isfinite(diagonal.sum()):
            return -1
        pairs = (len(single) - int(np.count_nonzero(single))) // 2
        return int(np.count_nonzero((diagonal < 0) & single)) + pairs

    def solve(self, right: Array) -> Array:
        """Return the solution for one right-hand side."""
        x: Array = self._sytrs(self._factors, self._pivots, right, lower=1)[0]
        return x.ravel()

    def rescue(self) -> bool:
        """Return False: there is no better method for these systems."""
        return False


class KKT:
    """K at fixed structures of H and J.

    Args:
        h: rows and columns of H's lower triangle.
        jacobian: J, with its values.
        j: rows and columns of J.
        shape: (m, n).

    Attributes:
        solves: linear systems factored.
    """

    def __init__(
        self,
        h: tuple[Index, Index],
        jacobian: Matrix,
        j: tuple[Index, Index],
        shape: tuple[int, int],
    ) -> None:
        self.m, self.n = shape
        self._jacobian = jacobian
        self._hessian = Matrix(h[0], h[1], (self.n, self.n), jacobian.sparse, symmetric=True)
        rows, columns = np.concatenate([h[0], j[0] + self.n]), np.concatenate([h[1], j[1]])
        size = self.n + self.m
        self._factors: Any
        if jacobian.sparse and len(rows) < size * size / 16:
            from tiltyard.implementations.constrained._sparse_ldl import SparseFactors

            self._factors = SparseFactors(size, (rows, columns), self.n)
        else:
            self._factors = DenseFactors(size, (rows, columns))
        self._shift = np.zeros(size)
        self.solves = 0

    def set(self, hessian: Array, jacobian: Array) -> None:
        """Take the values of H and J; J's own matrix has them already."""
        self._hessian.set(hessian)
        self._factors.set(np.concatenate([hessian, jacobian]))

    def factor(self, p: Array | float, d: Array | float) -> int:
        """Factor with these diagonals; return the negative eigenvalues, or -1 if singular."""
        self._shift[: self.n] = p
        self._shift[self.n :] = d
        np.negative(self._shift[self.n :], out=self._shift[self.n :])
        self.solves += 1
        return int(self._factors.factor(self._shift))

    def times(self, u: Array) -> Array:
        """Return K u."""
        x, y = u[: self.n], u[self.n :]
        product = self._shift * u
        product[: self.n] += self._hessian.times(x)
        if self.m:
            product[: self.n] += self._jacobian.transpose_times(y)
            product[self.n :] += self._jacobian.times(x)
        return product

    def hessian_times(self, x: Array) -> Array:
        """Return H x."""
        return self._hessian.times(x)

    def solve(self, right: Array) -> tuple[Array, float]:
        """Return the refined solution of K u = right, and its relative residual."""
        u, error = self._refined(right)
        if not error <= INACCURATE and self._factors.rescue():
            return self._refined(right)
        return u, error

    def _refined(self, right: Array) -> tuple[Array, float]:
        u = self._factors.solve(right)
        b = float(abs(right).max(initial=0.0))
        scale = max(b + min(float(abs(u).max(initial=0.0)), 1e6 * b), 1e-300)
        residual = right - self.times(u)
        error = float(abs(residual).max(initial=0.0)) / scale
        for _ in range(REFINEMENTS):
            if not error > ACCURATE:
                break
            better = u + self._factors.solve(residual)
            residual = right - self.times(better)
            previous, error = error, float(abs(residual).max(initial=0.0)) / scale
            if not error < 0.5 * previous:
                return (better, error) if error < previous else (u, previous)
            u = better
        return u, error
