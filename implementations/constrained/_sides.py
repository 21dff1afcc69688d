"""The constraints as equations and inequalities g(x) >= 0, for libraries that know no ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.constrained.problem import ConstrainedProblem

Array = NDArray[np.float64]


class Sides:
    """Equations c_E - b = 0, and c_L - lower >= 0, upper - c_U >= 0 for every finite bound.

    A library asks for equations and inequalities apart; the problem is asked once for each point.

    Args:
        problem: the problem.
        constraints: its constraints, or callbacks of them; c(x), (m,).
        jacobian: its dense Jacobian, (m, n).
    """

    def __init__(
        self,
        problem: ConstrainedProblem,
        constraints: Callable[[Array], Any],
        jacobian: Callable[[Array], Any],
    ) -> None:
        self._problem = problem
        ranges = ~problem.equations
        self.equal = np.flatnonzero(problem.equations)
        self._low = np.flatnonzero(ranges & np.isfinite(problem.c_lower))
        self._high = np.flatnonzero(ranges & np.isfinite(problem.c_upper))
        self.inequalities = len(self._low) + len(self._high)
        self._constraints = _Last(constraints)
        self._jacobian = _Last(jacobian)

    def equations(self, x: Array) -> Array:
        """Return c_E(x) - b."""
        return self._constraints(x)[self.equal] - self._problem.c_lower[self.equal]

    def equations_jacobian(self, x: Array) -> Array:
        """Return the Jacobian of ``equations``."""
        return self._jacobian(x)[self.equal]

    def slacks(self, x: Array) -> Array:
        """Return the inequalities' distances to their bounds, negative where violated."""
        c = self._constraints(x)
        low = c[self._low] - self._problem.c_lower[self._low]
        return np.concatenate([low, self._problem.c_upper[self._high] - c[self._high]])

    def slacks_jacobian(self, x: Array) -> Array:
        """Return the Jacobian of ``slacks``."""
        J = self._jacobian(x)
        return np.concatenate([J[self._low], -J[self._high]])

    def multipliers(self, equal: Array, slack: Array) -> Array:
        """Return y for the multipliers of f - equal'(c_E - b) - slack'slacks."""
        y = np.zeros(self._problem.m)
        y[self.equal] = -equal
        y[self._low] -= slack[: len(self._low)]
        y[self._high] += slack[len(self._low) :]
        return y

    def pulled(self, x: Array, y: Array) -> Array:
        """Return J(x)'y, of the last Jacobian if that is at x."""
        return np.asarray(self._jacobian(x).T @ y, dtype=np.float64)


class _Last:
    """A function that remembers its last value."""

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self._function = function
        self._x: Array | None = None
        self._value: Any = None

    def __call__(self, x: Array) -> Array:
        if self._x is None or not np.array_equal(x, self._x):
            self._value = self._function(x)
            self._x = np.array(x)
        return np.asarray(self._value)
