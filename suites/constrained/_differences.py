"""Derivatives for the judge: the model's, or central differences where it has none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tiltyard.suites.constrained.model import Array, Model

ACCURACY = 1e-10
"""What extrapolated central differences reach where f and c are of the size of their slopes."""

_STEP = float(np.finfo(np.float64).eps) ** 0.2


def gradient_of(model: Model, x: Array) -> Array:
    """Return the (n,) gradient of f."""
    if "gradient" in model.provides:
        return np.asarray(model.gradient(x), dtype=np.float64)
    slopes: Array = differences(lambda at: np.array([model.objective(at)]), x, 1)[0]
    return slopes


def jacobian_of(model: Model, x: Array) -> Any:
    """Return the (m, n) Jacobian of c as ``scipy.sparse.csr_array``."""
    from scipy.sparse import coo_array, csr_array

    if "jacobian" not in model.provides:
        return csr_array(differences(model.constraints, x, model.m))
    at = model.jacobian_structure
    values = np.asarray(model.jacobian_values(x), dtype=np.float64)
    return coo_array((values, (at.rows, at.columns)), shape=(model.m, model.n)).tocsr()


def differences(function: Callable[[Array], Any], x: Array, m: int) -> Array:
    """Return the (m, n) Jacobian by central differences of two steps, extrapolated.

    (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12 h, of fourth order in h.
    """
    jacobian = np.empty((m, len(x)))
    for i, value in enumerate(x):
        step = _STEP * max(1.0, abs(float(value)))
        near, far = (
            _difference(function, x, i, value + size, value - size) for size in (step, 2.0 * step)
        )
        jacobian[:, i] = (4.0 * near - far) / 3.0
    return jacobian


def _difference(
    function: Callable[[Array], Any], x: Array, i: int, above: float, below: float
) -> Array:
    ends = []
    for value in (above, below):
        at = x.copy()
        at[i] = value
        ends.append(np.asarray(function(at), dtype=np.float64))
    slope: Array = (ends[0] - ends[1]) / (above - below)
    return slope
