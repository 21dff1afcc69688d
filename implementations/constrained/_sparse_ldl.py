"""Sparse LDL' factors of symmetric indefinite matrices, pivots from the diagonal alone.

The elimination tree and the up-looking factorization of Davis, Algorithm 849 (2005),
doi:10.1145/1114268.1114277, on an order that MMD gives and that puts each row of constraints after
a variable of its own: there its pivot is not zero. Pivots near zero are moved away from it, which
refinement mends; ``rescue`` factors by SuperLU where it does not.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]

LEAST = 1e-9
"""The smallest pivot of the equilibrated matrix; a smaller one is replaced."""

REPLACED = 1e-8
"""What replaces it, with the sign that its kind of row should have."""


@numba.njit(cache=True)
def _tree(starts: Any, rows: Any) -> Any:
    """Return the elimination tree's parents and the entries in each column of L."""
    n = len(starts) - 1
    parent, counts, mark = np.full(n, -1), np.zeros(n, np.int64), np.full(n, -1)
    for k in range(n):
        mark[k] = k
        for p in range(starts[k], starts[k + 1]):
            i = rows[p]
            while mark[i] != k:
                if parent[i] == -1:
                    parent[i] = k
                counts[i] += 1
                mark[i] = k
                i = parent[i]
    return parent, counts


@numba.njit(cache=True)
def _scale(starts: Any, rows: Any, values: Any, scales: Any) -> None:
    """Equilibrate the matrix in place, by two passes of Ruiz; put the factors into scales."""
    n = len(starts) - 1
    scales[:] = 1.0
    for _ in range(2):
        largest = np.zeros(n)
        for k in range(n):
            for p in range(starts[k], starts[k + 1]):
                size = abs(values[p])
                largest[k] = max(largest[k], size)
                largest[rows[p]] = max(largest[rows[p]], size)
        for k in range(n):
            largest[k] = 1.0 / np.sqrt(largest[k]) if largest[k] > 0.0 else 1.0
            scales[k] *= largest[k]
        for k in range(n):
            for p in range(starts[k], starts[k + 1]):
                values[p] *= largest[k] * largest[rows[p]]


@numba.njit(cache=True)
def _factor(  # noqa: PLR0917 - numba takes arrays, no objects
    starts: Any,
    rows: Any,
    values: Any,
    signs: Any,
    parent: Any,
    first: Any,
    at: Any,
    L: Any,
    D: Any,
) -> int:
    """Fill rows ``at`` and values L of the columns of L, and D; return the negative pivots."""
    n = len(starts) - 1
    y, pattern, mark = np.zeros(n), np.zeros(n, np.int64), np.full(n, -1)
    end = first[:-1].copy()
    negative = 0
    for k in range(n):
        top = n
        mark[k] = k
        for p in range(starts[k], starts[k + 1]):
            i = rows[p]
            y[i] += values[p]
            depth = 0
            while mark[i] != k:
                pattern[depth] = i
                depth += 1
                mark[i] = k
                i = parent[i]
            while depth > 0:
                depth -= 1
                top -= 1
                pattern[top] = pattern[depth]
        pivot = y[k]
        y[k] = 0.0
        for j in range(top, n):
            i = pattern[j]
            yi = y[i]
            y[i] = 0.0
            for p in range(first[i], end[i]):
                y[at[p]] -= L[p] * yi
            lki = yi / D[i]
            pivot -= lki * yi
            at[end[i]] = k
            L[end[i]] = lki
            end[i] += 1
        if abs(pivot) < LEAST:
            pivot = REPLACED * signs[k]
        if not np.isfinite(pivot):
            return -1
        negative += pivot < 0.0
        D[k] = pivot
    return negative


@numba.njit(cache=True)
def _solve(first: Any, at: Any, L: Any, D: Any, x: Any) -> None:
    """Solve in place."""
    n = len(D)
    for k in range(n):
        xk = x[k]
        for p in range(first[k], first[k + 1]):
            x[at[p]] -= L[p] * xk
    for k in range(n - 1, -1, -1):
        xk = x[k] / D[k]
        for p in range(first[k], first[k + 1]):
            xk -= L[p] * x[at[p]]
        x[k] = xk


class SparseFactors:
    """LDL' factors of K, from its lower triangle.

    Args:
        size: of K.
        at: rows and columns of the entries on the diagonal and below.
        n: the first n rows should have positive pivots, the others negative.
    """

    def __init__(self, size: int, at: tuple[Index, Index], n: int) -> None:
        everyone = np.arange(size)
        rows, columns = np.concatenate([at[0], everyone]), np.concatenate([at[1], everyone])
        order = _order(size, at, n)
        place = np.empty(size, np.intp)
        place[order] = everyone
        low, high = np.minimum(place[rows], place[columns]), np.maximum(place[rows], place[columns])
        unique, self._to = np.unique(high * size + low, return_inverse=True)
        self._rows, self._columns = unique % size, unique // size
        self._starts = np.searchsorted(self._columns, np.arange(size + 1))
        self._scales = np.ones(size)
        self._order = order
        self._signs = np.where(order < n, 1.0, -1.0)
        self._parent, counts = _tree(self._starts, self._rows)
        self._first = np.concatenate([[0], np.cumsum(counts)])
        self._at = np.zeros(self._first[-1], np.int64)
        self._L, self._D = np.zeros(self._first[-1]), np.ones(size)
        self._entries = np.zeros(0)
        self._rescued: Any = None

    def set(self, values: Array) -> None:
        """Take the entries below the diagonal and on it, diagonal shifts not included."""
        self._entries = values

    def factor(self, shift: Array) -> int:
        """Factor K with a vector added to its diagonal; return its negative eigenvalues, or -1."""
        whole = np.concatenate([self._entries, shift])
        self._rescued = None
        summed = np.bincount(self._to, whole, len(self._rows))
        self._values = np.asarray(summed, dtype=np.float64)
        self._unscaled = self._values.copy()
        _scale(self._starts, self._rows, self._values, self._scales)
        return int(
            _factor(
                self._starts, self._rows, self._values, self._signs,
                self._parent, self._first, self._at, self._L, self._D,
            )
        )  # fmt: skip

    def solve(self, right: Array) -> Array:
        """Return the solution for one right-hand side."""
        if self._rescued is not None:
            rescued: Array = self._rescued.solve(right)
            return rescued
        x = right[self._order] * self._scales
        _solve(self._first, self._at, self._L, self._D, x)
        solution = np.empty_like(x)
        solution[self._order] = x * self._scales
        return solution

    def rescue(self) -> bool:
        """Factor the same matrix by SuperLU; return whether it could."""
        if self._rescued is not None:
            return False
        from scipy.sparse import csc_array
        from scipy.sparse.linalg import splu

        rows, columns = self._order[self._rows], self._order[self._columns]
        off = rows != columns
        whole = csc_array(
            (
                np.concatenate([self._unscaled, self._unscaled[off]]),
                (np.concatenate([rows, columns[off]]), np.concatenate([columns, rows[off]])),
            ),
            shape=(len(self._D), len(self._D)),
        )
        try:
            self._rescued = splu(whole)
        except RuntimeError:  # exactly singular
            return False
        return True


def _order(size: int, at: tuple[Index, Index], n: int) -> Index:
    """Return a fill-reducing order in which each row n.. comes after a variable of its own."""
    from scipy.sparse import csc_array, csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching
    from scipy.sparse.linalg import splu

    rows, columns = at
    everyone = np.arange(size)
    ones = np.ones(len(rows))
    pattern = csc_array(
        (
            np.concatenate([ones, ones, np.full(size, 2.0 * size)]),
            (np.concatenate([rows, columns, everyone]), np.concatenate([columns, rows, everyone])),
        ),
        shape=(size, size),
    )
    factors = splu(
        pattern, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
    place = factors.perm_c.astype(float)
    below = (rows >= n) & (columns < n)
    jacobian = csr_array(
        (np.ones(below.sum()), (rows[below] - n, columns[below])), shape=(size - n, n)
    )
    own = maximum_bipartite_matching(jacobian, perm_type="column")
    matched = np.flatnonzero(own >= 0)
    place[n + matched] = np.maximum(place[n + matched], place[own[matched]] + 0.5)
    return np.argsort(place, kind="stable")
