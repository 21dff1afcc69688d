"""Matrices from values at a fixed structure: dense, sparse, and products, in NumPy and torch."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from tiltyard.suites.constrained.model import Array, Index, Structure


class Pattern:
    """A structure of unique entries, sorted by row, then column, with what products need.

    Args:
        structure: entries of the matrix.
        shape: (rows, columns) of the matrix.
        source: for each entry, which value it takes; None for the values in order.
    """

    def __init__(
        self, structure: Structure, shape: tuple[int, int], source: Index | None = None
    ) -> None:
        self._rows, self._columns = structure.rows, structure.columns
        self._shape = shape
        self._source = source

    def dense(self, values: Any) -> Any:
        """Return the matrix as a dense array of the values' kind."""
        values = self._taken(values)
        if isinstance(values, np.ndarray):
            dense: Any = np.zeros(self._shape)
            dense.ravel()[self._flat] = values
            return dense
        dense = values.new_zeros(self._shape)
        rows, columns = self._tensors(values.device)
        dense[rows, columns] = values
        return dense

    def sparse(self, values: Array) -> Any:
        """Return the matrix as ``scipy.sparse.csr_array``."""
        from scipy.sparse import csr_array

        parts = (self._taken(values), self._csr_columns, self._csr_starts)
        return csr_array(parts, shape=self._shape)

    def times(self, values: Any, v: Any) -> Any:
        """Return the matrix times a vector."""
        return self._sum(values, v, 0)

    def transpose_times(self, values: Any, v: Any) -> Any:
        """Return the transposed matrix times a vector."""
        return self._sum(values, v, 1)

    def _sum(self, values: Any, v: Any, axis: int) -> Any:
        values = self._taken(values)
        length = self._shape[axis]
        if isinstance(values, np.ndarray):
            to, of = (self._rows, self._columns)[:: 1 - 2 * axis]
            return np.bincount(to, values * v[of], length)
        to, of = self._tensors(values.device)[:: 1 - 2 * axis]
        return values.new_zeros(length).index_add_(0, to, values * v[of])

    def _taken(self, values: Any) -> Any:
        if self._source is None:
            return values
        if isinstance(values, np.ndarray):
            return values[self._source]
        return values[self._on(values.device)[2]]

    @cached_property
    def _flat(self) -> Index:
        return self._rows * self._shape[1] + self._columns

    @cached_property
    def _csr_columns(self) -> Any:
        return self._columns.astype(np.int32)

    @cached_property
    def _csr_starts(self) -> Any:
        counts = np.bincount(self._rows, minlength=self._shape[0])
        return np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def _tensors(self, device: Any) -> tuple[Any, Any]:
        rows, columns, _ = self._on(device)
        return rows, columns

    def _on(self, device: Any) -> tuple[Any, Any, Any]:
        """Return rows, columns and source as tensors, made once for each device."""
        import torch

        key = str(device)
        if key not in self._moved:
            arrays = (self._rows, self._columns, self._source)
            rows, columns, source = (
                None if one is None else torch.from_numpy(one.copy()).to(device) for one in arrays
            )
            self._moved[key] = rows, columns, source
        return self._moved[key]

    @cached_property
    def _moved(self) -> dict[str, tuple[Any, Any, Any]]:
        return {}


def symmetric_pattern(lower: Structure, n: int) -> Pattern:
    """Return the pattern of a full symmetric matrix that is given by its lower triangle."""
    rows, columns = lower.rows, lower.columns
    below = np.flatnonzero(rows > columns)
    source = np.concatenate([np.arange(len(rows)), below])
    full_rows = np.concatenate([rows, columns[below]])
    full_columns = np.concatenate([columns, rows[below]])
    order = np.lexsort((full_columns, full_rows))
    structure = Structure(full_rows[order], full_columns[order])
    return Pattern(structure, (n, n), source[order])
