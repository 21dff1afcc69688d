"""A matrix whose values change and whose structure stays: products, dense or sparse."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.intp]


class Matrix:
    """Values at fixed entries.

    Args:
        rows: of the entries, which are unique and sorted by row, then column.
        columns: of the entries.
        shape: (rows, columns) of the matrix.
        sparse: whether products use only the entries.
        symmetric: whether the entries are a lower triangle of a symmetric matrix.
    """

    def __init__(
        self,
        rows: Index,
        columns: Index,
        shape: tuple[int, int],
        sparse: bool,
        symmetric: bool = False,
    ) -> None:
        self._below = np.flatnonzero(rows > columns) if symmetric else None
        self.sparse = sparse
        if self._below is not None:
            rows, columns = (
                np.concatenate([rows, columns[self._below]]),
                np.concatenate([columns, rows[self._below]]),
            )
        if sparse:
            order = np.lexsort((columns, rows))
            self._order = None if (order == np.arange(len(order))).all() else order
            starts = np.searchsorted(rows[order], np.arange(shape[0] + 1)).astype(np.int32)
            self._csr = self._made((starts, columns[order].astype(np.int32)), shape)
            self._transposed = self._csr.T
        else:
            self._flat = rows * shape[1] + columns
            self._dense = np.zeros(shape)
            self._ravelled = self._dense.ravel()

    @staticmethod
    def _made(pattern: tuple[Any, Any], shape: tuple[int, int]) -> Any:
        from scipy.sparse import csr_array

        starts, columns = pattern
        return csr_array((np.zeros(len(columns)), columns, starts), shape=shape)

    def set(self, values: Array) -> None:
        """Take new values, in the order of the entries."""
        if self._below is not None:
            values = np.concatenate([values, values[self._below]])
        if self.sparse:
            self._csr.data = values if self._order is None else values[self._order]
            self._transposed.data = self._csr.data
        else:
            self._ravelled[self._flat] = values

    def times(self, x: Array) -> Array:
        """Return the matrix times x."""
        product: Array = (self._csr if self.sparse else self._dense) @ x
        return product

    def transpose_times(self, y: Array) -> Array:
        """Return the transposed matrix times y."""
        product: Array = self._transposed @ y if self.sparse else y @ self._dense
        return product
