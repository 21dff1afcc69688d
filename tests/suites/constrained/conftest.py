"""Small problems whose solutions are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tiltyard.suites.constrained.model import Bounds, Model, Structure
from tiltyard.suites.constrained.problem import ConstrainedProblem


class Dense(Model):
    """A model of given functions; matrices are stored in full."""

    def __init__(self, f, g, c, J, bounds: Bounds) -> None:
        self.bounds = bounds
        self._f, self._g, self._c, self._J = f, g, c, J
        shape = (len(bounds.c_lower), len(bounds.x0))
        rows, columns = (index.ravel() for index in np.indices(shape))
        self.jacobian_structure = Structure(rows, columns)
        self.hessian_structure = Structure(np.zeros(0, np.intp), np.zeros(0, np.intp))

    def objective(self, x):
        return float(self._f(x))

    def gradient(self, x):
        return np.asarray(self._g(x), dtype=float)

    def constraints(self, x):
        return np.asarray(self._c(x), dtype=float)

    def jacobian_values(self, x):
        return np.asarray(self._J(x), dtype=float).ravel()

    def hessian_values(self, x, y, scale=1.0):
        raise NotImplementedError


def dense_problem(
    f: Callable[[Any], Any],
    g: Callable[[Any], Any],
    x0: Any,
    *,
    c: Callable[[Any], Any] = lambda _: [],
    J: Callable[[Any], Any] = lambda _: [],
    lower: Any = -np.inf,
    upper: Any = np.inf,
    c_lower: Any = (),
    c_upper: Any = (),
    provides: frozenset[str] = frozenset({"gradient", "jacobian"}),
) -> ConstrainedProblem:
    """Return a problem of plain functions."""
    n, m = len(x0), len(c_lower)
    bounds = Bounds(
        x0=np.array(x0, float),
        y0=np.zeros(m),
        lower=np.broadcast_to(lower, n),
        upper=np.broadcast_to(upper, n),
        c_lower=np.array(c_lower, float),
        c_upper=np.array(c_upper, float),
    )
    model = Dense(f, g, c, J, bounds)
    model.provides = provides
    return ConstrainedProblem(model)


@pytest.fixture
def make():
    """Return the maker of problems of plain functions."""
    return dense_problem


@pytest.fixture
def program():
    """A strictly convex quadratic program with every kind of constraint, and its KKT point."""
    rng = np.random.default_rng(5)
    n = 6
    root = rng.standard_normal((n, n))
    Q = root @ root.T + np.eye(n)
    A = rng.standard_normal((3, n))
    x = rng.standard_normal(n)
    # Row 0 is an equation, row 1 at its upper bound, row 2 inactive; x_0 at its lower bound.
    y, z = np.array([-1.5, 0.7, 0.0]), np.array([-0.4, *np.zeros(n - 1)])
    q = -(Q @ x + A.T @ y + z)
    at = A @ x
    problem = dense_problem(
        lambda x: 0.5 * x @ Q @ x + q @ x,
        lambda x: Q @ x + q,
        np.zeros(n),
        c=lambda x: A @ x,
        J=lambda _: A,
        lower=np.where(np.arange(n) == 0, x[0], -np.inf),
        c_lower=[at[0], -np.inf, at[2] - 1.0],
        c_upper=[at[0], at[1], at[2] + 2.0],
    )
    return problem, {"x": x, "y": y, "z": z}
