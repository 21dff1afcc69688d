"""Weighted normal matrices and their Cholesky factors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def gram(X: Array, weight: Array, rows: int = 2048) -> Array:
    """Return X' diag(weight) X, (d, d), by blocks of rows that stay in the cache."""
    total = np.zeros((X.shape[1], X.shape[1]))
    root = np.sqrt(weight)[:, None]
    for i in range(0, len(X), rows):
        block = X[i : i + rows] * root[i : i + rows]
        total += block.T @ block
    return total


def factor(matrix: Array) -> Array:
    """Return the lower Cholesky factor, with as little added to the diagonal as it takes."""
    from scipy.linalg import LinAlgError, cholesky

    diagonal = np.diag(matrix).copy()
    # A variable that nothing depends on stays where it is. Any other keeps its own scale.
    diagonal[diagonal == 0.0] = 1.0
    every = np.arange(len(diagonal))
    for relative in (1e-15, 1e-13, 1e-11, 1e-9, 1e-7):
        matrix[every, every] = diagonal * (1.0 + relative)
        try:
            return np.asarray(cholesky(matrix, lower=True, check_finite=False))
        except LinAlgError:
            continue
    raise FloatingPointError("the interior-point system is not positive definite")
