"""Least-squares multipliers of the judge: those that explain a point best.

For a point with gradient g, Jacobian J and slacks, they minimise, over y and z,

    |g + J'y + z|^2 + sum_i (slack_i z_i)^2 + sum_j (slack_j y_j)^2,

where a multiplier's slack is the distance to the bound that its sign points at: 1 for y_j where
there is no such bound (the multiplier itself is then the residual), and none is allowed for z_i.
Eliminating z leaves a convex, piecewise quadratic function of y with a continuous gradient, which
Newton steps with a line search minimise.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tiltyard.suites.constrained.model import Array

DENSE_LIMIT = 40_000
"""Jacobians of at most this many entries are factorized densely, whatever their rank."""

_FARTHEST = 1e6
"""Slacks of constraints beyond this weigh no more; the matrices stay within float64."""

_PATIENCE = 12
"""Full steps without much gain, after which no more are made."""

_ROUNDING = 0.5e-30
"""The function's value, for a gradient of at most 1, below which it holds rounding errors alone."""

_DENSE_COLUMN = 5.0
_REFINEMENTS = 5
"""Solves with one factorization; they take the effect of a large shift out again."""


@dataclass(frozen=True, eq=False)
class Slack:
    """How far values are inside their bounds: zero at, and beyond, a bound; inf without one.

    Where both bounds are equal both slacks are zero: a multiplier may have either sign.

    Attributes:
        lower: (k,) max(0, value - lower bound).
        upper: (k,) max(0, upper bound - value).
    """

    lower: Array
    upper: Array

    @classmethod
    def of(cls, values: Array, lower: Array, upper: Array) -> Slack:
        """Return the slacks of values between bounds."""
        free = lower != upper
        return cls(
            np.where(free, np.maximum(values - lower, 0.0), 0.0),
            np.where(free, np.maximum(upper - values, 0.0), 0.0),
        )

    def at(self, multipliers: Array) -> Array:
        """Return the slack to the bound at which each multiplier's sign points; 0 for none."""
        return np.where(multipliers > 0, self.upper, np.where(multipliers < 0, self.lower, 0.0))


def bound_multipliers(pull: Array, slack: Slack) -> Array:
    """Return the z that minimises max(|pull_i + z_i|, |z_i| slack_i) for every i.

    Args:
        pull: (n,) grad f + J'y.
        slack: of the variables.
    """
    toward = np.where(pull > 0, slack.lower, slack.upper)
    return -pull / (1.0 + toward)


def least_squares_multipliers(
    gradient: Array, jacobian: Any, variables: Slack, constraints: Slack
) -> Array:
    """Return the (m,) multipliers y that minimise the function above.

    Args:
        gradient: (n,) of f.
        jacobian: (m, n) ``scipy.sparse.csr_array``.
        variables: slacks of x.
        constraints: slacks of c.
    """
    m, n = jacobian.shape
    if not m:
        return np.zeros(0)
    # The function is homogeneous in g and y; squares of a huge gradient would overflow.
    unit = max(1.0, float(np.abs(gradient).max()))
    fit = _Fit(gradient / unit, jacobian, variables, constraints)
    step_of, passes = (_dense_step, 50) if m * n <= DENSE_LIMIT else (_sparse_step, 12)
    return unit * _minimise(fit, np.zeros(m), step_of, passes)


def _minimise(fit: _Fit, y: Array, step_of: Callable[..., Array], passes: int) -> Array:
    """Return the best y of Newton's iterates.

    Steps are cut until the value falls. Where it no longer does short of the minimum, because many
    weights change at once, full steps may find the right piece, over some rises.
    """
    state = fit.at(y)
    for _ in range(passes):
        if fit.least(state):
            return y
        step = step_of(fit, y, state)
        length, found = _search(fit, y, step, state)
        if found is None:
            break
        y = y + length * step
        settled = state.value - found.value <= 1e-12 * state.value
        state = found
        if settled:
            break
    best, best_y, waited = state.value, y, 0
    while waited < _PATIENCE and not fit.least(state):
        y = y + step_of(fit, y, state)
        state = fit.at(y)
        waited += 1
        if state.value < best:
            waited = 0 if state.value < 0.9 * best else waited
            best, best_y = state.value, y
    return best_y


class _State(NamedTuple):
    """The function at one y: its value and gradient, grad f + J'y, weights of squares."""

    value: float
    slope: Array
    pull: Array
    of_x: Array
    of_y: Array


class _Fit:
    """The function of y that is minimised."""

    def __init__(self, gradient: Array, jacobian: Any, variables: Slack, rows: Slack) -> None:
        self._gradient = gradient
        self._jacobian = jacobian
        self._transposed = jacobian.T.tocsr()
        self._x = _share(variables.lower), _share(variables.upper)
        self._y = _penalty(rows.lower), _penalty(rows.upper)
        top = float(np.abs(jacobian.data).max(initial=0.0)) or 1.0
        relative = jacobian * (1.0 / top)
        size = top * np.sqrt(relative.multiply(relative).sum(axis=1))
        # A row of rounding errors must not be made one of length one.
        self._size: Array = np.where(size > 1e-12 * size.max(), size, 1.0)

    def least(self, state: _State) -> bool:
        """Tell whether this is the minimum: no slope, or a value of rounding errors alone."""
        if not state.value > _ROUNDING:
            return True
        relative = float(np.abs(state.slope / self._size).max())
        return not relative > 1e-8 * np.sqrt(state.value)

    def scaled(self, state: _State) -> tuple[Array, Any, Array]:
        """Return units of y, and in them sqrt(W) J, and the squared penalties of y.

        Rows of length one make rank, and the shift of the sparse system, independent of units.
        """
        scale = 1.0 / np.maximum(self._size, np.sqrt(state.of_y))
        A = self._jacobian.multiply(scale[:, None]).multiply(np.sqrt(state.of_x)[None, :])
        return scale, A.tocsr(), state.of_y * scale**2

    def at(self, y: Array) -> _State:
        """Return the function at y."""
        pull = self._gradient + self._transposed @ y
        of_x = _by_sign(-pull, *self._x)
        of_y = _by_sign(y, *self._y)
        value = 0.5 * float(of_x @ (pull * pull) + of_y @ (y * y))
        return _State(value, self._jacobian @ (of_x * pull) + of_y * y, pull, of_x, of_y)


def _by_sign(multiplier: Array, lower: Array, upper: Array) -> Array:
    """Return the value of the bound that the sign points at; at zero the smaller one."""
    tie = np.minimum(lower, upper)
    return np.where(multiplier > 0, upper, np.where(multiplier < 0, lower, tie))


def _share(slack: Array) -> Array:
    """Return slack^2 / (1 + slack^2): what of pull^2 is left after the best z."""
    return 1.0 - 1.0 / (1.0 + np.minimum(slack, 1e100) ** 2)


def _penalty(slack: Array) -> Array:
    return np.where(np.isinf(slack), 1.0, np.minimum(slack, _FARTHEST)) ** 2


def _search(fit: _Fit, y: Array, step: Array, state: _State) -> tuple[float, _State | None]:
    """Halve the step until the value falls; None where it never does."""
    length, fall = 1.0, min(0.0, float(state.slope @ step))
    for _ in range(30):
        found = fit.at(y + length * step)
        if found.value < state.value + 1e-4 * length * fall:
            return length, found
        length *= 0.5
    return 0.0, None


def _dense_step(fit: _Fit, y: Array, state: _State) -> Array:
    """Return the shortest Newton step in scaled multipliers, whatever the rank."""
    scale, A, penalty = fit.scaled(state)
    matrix = np.vstack([A.toarray().T, np.diag(np.sqrt(penalty))])
    target = np.concatenate([np.sqrt(state.of_x) * state.pull, np.sqrt(state.of_y) * y])
    if not (np.isfinite(matrix).all() and np.isfinite(target).all()):
        return np.zeros(len(y))
    step: Array = -scale * shortest(matrix, target)
    return step


def shortest(matrix: Array, target: Array) -> Array:
    """Return the least-squares solution of least length, by QR with pivots: it cannot fail."""
    from scipy.linalg import lstsq

    cutoff = max(matrix.shape) * np.finfo(np.float64).eps
    found: Array = lstsq(matrix, target, cond=cutoff, lapack_driver="gelsy")[0]
    return found


def _sparse_step(fit: _Fit, _: Array, state: _State) -> Array:
    """Return the Newton step from the sparse augmented system."""
    from scipy.sparse import block_array, diags_array
    from scipy.sparse.linalg import splu

    scale, A, corner = fit.scaled(state)
    m, n = A.shape
    # A column that many rows share would fill the factors under column pivoting. The system is
    # quasi-definite, so pivots of the diagonal do as well once a larger shift keeps them off zero.
    dense = np.bincount(A.indices, minlength=n).max() > _DENSE_COLUMN * np.sqrt(m)
    shift = 1e-8 if dense else 1e-12
    matrix = block_array(
        [[diags_array(np.ones(n)), A.T], [A, -diags_array(corner + shift)]], format="csc"
    )
    right = np.concatenate([np.zeros(n), scale * state.slope])
    if not (np.isfinite(matrix.data).all() and np.isfinite(right).all()):
        return np.zeros(m)
    factors = (
        splu(matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        if dense
        else splu(matrix)
    )
    found: Any = np.zeros(n + m)
    for _round in range(_REFINEMENTS if dense else 1):  # towards the system without the shift
        u, v = found[:n], found[n:]
        rest = right - np.concatenate([u + A.T @ v, A @ u - corner * v])
        if np.abs(rest).max() <= 1e-15 * np.abs(right).max():
            break
        found = found + factors.solve(rest)
    step: Array = scale * found[n:]
    return step
