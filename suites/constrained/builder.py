"""Writes a problem down: variables, an objective, constraints; derivatives come by themselves.

    b = Builder([1.0, 5.0, 5.0, 1.0], lower=1.0, upper=5.0)
    x = b.x
    b.minimise(x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2])
    b.subject_to(x[0] * x[1] * x[2] * x[3], lower=25.0)
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2, equal=40.0)
    problem = b.problem()

``x[i]`` with an array of integers stands for as many elements at once: with ``i = arange(n - 1)``,
``b.minimise((x[i] - x[i + 1]) ** 2)`` adds n - 1 terms, and ``b.subject_to(x[i] * x[i + 1],
upper=1.0)`` as many rows. Operators take expressions, numbers and arrays; a number or a single
variable goes with any length. First and second derivatives are exact, sparse and vectorised, on
NumPy arrays and, for a GPU, on torch tensors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tiltyard.suites.constrained._expression import Graph, Node
from tiltyard.suites.constrained._functions import (
    absolute,
    arctan,
    arctan2,
    cos,
    cosh,
    dot,
    exp,
    log,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
)
from tiltyard.suites.constrained._programs import NOWHERE, Block
from tiltyard.suites.constrained._symbolic import SymbolicModel
from tiltyard.suites.constrained.model import Array, Bounds, Index
from tiltyard.suites.constrained.problem import ConstrainedProblem

__all__ = [
    "Builder", "absolute", "arctan", "arctan2", "cos", "cosh", "dot", "exp", "log", "sin", "sinh",
    "sqrt", "tan", "tanh",
]  # fmt: skip


class Variables:
    """The variables of a problem: ``x[3]`` is one, ``x[array]`` and ``x[a:b]`` are several."""

    def __init__(self, graph: Graph, n: int) -> None:
        self._graph, self._n = graph, n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, entries: Any) -> Node:
        # Negative entries and slices mean what they mean for an array; others raise IndexError.
        chosen = np.arange(self._n)[entries]
        if not chosen.size:
            raise ValueError("no variable is chosen")
        return self._graph.variable(chosen)


class Builder:
    """A problem in the making.

    Args:
        x0: (n,) the start.
        lower: of the variables, a number or (n,).
        upper: likewise.

    Attributes:
        x: the variables.

    Raises:
        ValueError: x0 is no vector, or bounds have another size, are NaN or cross.
    """

    def __init__(
        self, x0: ArrayLike, *, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf
    ) -> None:
        self._x0 = np.array(x0, dtype=np.float64)
        if self._x0.ndim != 1 or not self._x0.size:
            raise ValueError(f"x0 is a vector, not of shape {self._x0.shape}")
        n = len(self._x0)
        self._lower, self._upper = _between(lower, upper, n)
        self._graph = Graph()
        self._blocks: list[Block] = []
        self._c_bounds: list[tuple[Array, Array]] = []
        self._y0: ArrayLike = 0.0
        self._m = 0
        self.x = Variables(self._graph, n)

    def minimise(self, expression: Node | float) -> None:
        """Add all elements of an expression to the objective."""
        self._blocks.append(Block(self._graph.node(expression), NOWHERE))

    def subject_to(
        self,
        expression: Node,
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        equal: ArrayLike | None = None,
    ) -> Index:
        """Add a constraint for every element of an expression; return their rows.

        Raises:
            ValueError: no bound is given, or an equation with one.
        """
        rows = self.rows(expression.size, lower=lower, upper=upper, equal=equal)
        self.add(rows, expression)
        return rows

    def rows(
        self,
        count: int,
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
        equal: ArrayLike | None = None,
    ) -> Index:
        """Add constraints that are zero so far, for ``add`` to fill; return their rows.

        Raises:
            ValueError: no bound is given, or an equation with one; or bounds have another size,
                are NaN or cross.
        """
        bounds = _between(lower, upper, count)
        both = equal is not None and np.isfinite(bounds).any()
        if equal is not None:
            bounds = _between(equal, equal, count)
        if both or not np.isfinite(bounds).any(axis=0).all():
            raise ValueError("a constraint takes equal, or lower and upper, or one of them")
        self._c_bounds.append(bounds)
        self._m += count
        return np.arange(self._m - count, self._m)

    def add(self, rows: ArrayLike, expression: Node | float) -> None:
        """Add an expression's elements to rows of c: one each, or all of them to a single row.

        Raises:
            ValueError: there are neither as many rows as elements, nor one of either; or a row
                was not made by ``rows`` or ``subject_to``.
        """
        node = self._graph.node(expression)
        to: Index = np.asarray(rows, dtype=np.intp).ravel()
        if not to.size or (to.size != node.size and min(to.size, node.size) != 1):
            raise ValueError(f"{node.size} elements do not go to {to.size} rows")
        if to.min() < 0 or to.max() >= self._m:
            raise ValueError(f"rows are 0 to {self._m - 1}, not {to.min()} to {to.max()}")
        self._blocks.append(Block(node, to))

    def multipliers(self, y0: ArrayLike) -> None:
        """Set the multipliers to start from, a number or (m,)."""
        self._y0 = y0

    def problem(self) -> ConstrainedProblem:
        """Return the finished problem; without ``minimise`` it is a system without objective.

        Raises:
            ValueError: multipliers are neither one number nor as many as constraints.
        """
        parts = [np.concatenate(side) for side in zip(*self._c_bounds, strict=True)]
        c_lower, c_upper = parts or (np.empty(0), np.empty(0))
        bounds = Bounds(
            x0=self._x0,
            y0=_sized(self._y0, self._m),
            lower=self._lower,
            upper=self._upper,
            c_lower=c_lower,
            c_upper=c_upper,
        )
        has_objective = any(not block.rows.size for block in self._blocks)
        return ConstrainedProblem(SymbolicModel(bounds, self._graph, self._blocks), has_objective)


def _sized(values: ArrayLike, size: int) -> Array:
    array = np.asarray(values, dtype=np.float64)
    if array.shape not in ((), (1,), (size,)):
        raise ValueError(f"takes one number or {size}, not an array of shape {array.shape}")
    return np.broadcast_to(array, size)


def _between(lower: ArrayLike, upper: ArrayLike, size: int) -> tuple[Array, Array]:
    low, high = _sized(lower, size), _sized(upper, size)
    if not (low <= high).all():  # NaN included
        raise ValueError("a lower bound is above the upper one")
    return low, high
