"""The last digits of a reference: Newton's method on the KKT equations of the active set.

It is the judge's own and shares no code with any method.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from tiltyard.suites.constrained._multipliers import bound_multipliers, shortest
from tiltyard.suites.constrained._residuals import Point, Residuals
from tiltyard.suites.constrained.model import Array, Model

STEPS = 30
GOOD = 1e-15

_DENSE = 400
"""Systems of at most this size are solved densely, by least squares whatever their rank."""

_SHIFT = 1e-14


class Polished(NamedTuple):
    """A point with multipliers and the judge's residuals of both."""

    point: Point
    y: Array
    z: Array
    residuals: Residuals


def polish(model: Model, x: Array, y: Array | None = None) -> Polished:
    """Return the best of Newton's iterates from x by their KKT residual.

    Args:
        model: with a Hessian, or x comes back as it is.
        x: (n,) near a KKT point.
        y: (m,) multipliers; the judge's own where None, or where those explain x better.
    """
    best = at = start(model, x, y)
    if not {"gradient", "jacobian", "hessian"} <= model.provides:
        return best
    for _ in range(STEPS):
        step = _newton_step(at)
        if not np.isfinite(step[0]).all():
            break
        x = np.clip(at.point.x + step[0], model.bounds.lower, model.bounds.upper)
        at = start(model, x, step[1])  # a degenerate active set leaves the step's y arbitrary
        if not at.residuals.kkt < np.inf:
            break
        if at.residuals.kkt < best.residuals.kkt:
            best = at
        if best.residuals.kkt <= GOOD:
            break
    return best


def start(model: Model, x: Array, y: Array | None) -> Polished:
    """Return x with y, or with the judge's own multipliers where those explain it better."""
    point = Point(model, x)
    own = _judged(point, point.multipliers())
    given = own if y is None else _judged(point, y)
    return given if given.residuals.kkt < own.residuals.kkt else own


def _judged(point: Point, y: Array) -> Polished:
    pull = point.pull(y)
    z = bound_multipliers(pull, point.of_x)
    return Polished(point, y, z, point.residuals("polish", pull, y, z))


def _newton_step(at: Polished) -> tuple[Array, Array]:
    """Return the step of x and the new y, with the active bounds of x and c as equations."""
    from scipy.sparse import block_array, csc_array

    point, model = at.point, at.point.model
    bounds = model.bounds
    held, to = _active(at.z, point.of_x.lower, point.of_x.upper, bounds.lower, bounds.upper)
    rows, aim = _active(at.y, point.of_c.lower, point.of_c.upper, bounds.c_lower, bounds.c_upper)
    step = np.where(held, to - point.x, 0.0)
    free = np.flatnonzero(~held)
    A = point.jacobian[rows]
    H = _hessian(model, point.x, at.y)
    right = -np.concatenate(
        [(point.gradient + H @ step)[free], point.constraints[rows] - aim[rows] + A @ step]
    )
    A = A[:, free]
    corner = csc_array((A.shape[0], A.shape[0]))
    matrix = block_array([[H[free][:, free], A.T], [A, corner]], format="csc")
    solved = _solve(matrix, right)
    step[free] = solved[: len(free)]
    y = np.zeros(model.m)
    y[rows] = solved[len(free) :]
    return step, y


def _active(
    multiplier: Array, down: Array, up: Array, lower: Array, upper: Array
) -> tuple[Any, Array]:
    """Return which bounds are active, their multiplier above their slack, and the bounds."""
    equal = lower == upper
    above = np.isfinite(upper) & (multiplier > 0) & (multiplier >= up)
    below = np.isfinite(lower) & (multiplier < 0) & (-multiplier >= down)
    return equal | above | below, np.where(above, upper, lower)


def _hessian(model: Model, x: Array, y: Array) -> Any:
    from scipy.sparse import coo_array, diags_array

    at, values = model.hessian_structure, np.asarray(model.hessian_values(x, y))
    lower = coo_array((values, (at.rows, at.columns)), shape=(model.n, model.n)).tocsr()
    return (lower + lower.T - diags_array(lower.diagonal())).tocsr()


def _solve(matrix: Any, right: Array) -> Array:
    """Return a solution with two rounds of refinement; the shortest one of a small system."""
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import splu

    size = len(right)
    if not size:
        return right
    if not (np.isfinite(matrix.data).all() and np.isfinite(right).all()):
        return np.full(size, np.nan)
    if size <= _DENSE:
        dense = matrix.toarray()
        found: Any = np.zeros(size)
        for _ in range(3):
            found = found + shortest(dense, right - dense @ found)
        return np.asarray(found)
    shift = diags_array(
        np.full(size, _SHIFT * max(1.0, float(np.abs(matrix.data).max(initial=0.0))))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            factors = splu((matrix + shift).tocsc())
        except RuntimeError:  # exactly singular
            return np.full(size, np.nan)
    found = np.zeros(size)
    for _ in range(3):
        found = found + factors.solve(right - matrix @ found)
    return np.asarray(found)
