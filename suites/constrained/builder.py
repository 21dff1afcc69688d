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

from functools import cached_property
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
from tiltyard.suites.constrained._programs import (
    NOWHERE,
    ArrayProgram,
    Block,
    FloatProgram,
    Function,
    scalar,
)
from tiltyard.suites.constrained.model import Array, Bounds, Index, Model, Structure
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
        return self._graph.variable(np.arange(self._n)[entries])


class Builder:
    """A problem in the making.

    Args:
        x0: (n,) the start.
        lower: of the variables, a number or (n,).
        upper: likewise.

    Attributes:
        x: the variables.
    """

    def __init__(
        self, x0: ArrayLike, *, lower: ArrayLike = -np.inf, upper: ArrayLike = np.inf
    ) -> None:
        self._x0 = np.array(x0, dtype=np.float64)
        n = len(self._x0)
        self._lower, self._upper = (np.broadcast_to(one, n) for one in (lower, upper))
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
            ValueError: no bound is given, or an equation with one.
        """
        bounds = [np.broadcast_to(np.asarray(one, float), count) for one in (lower, upper)]
        bounded = np.isfinite(bounds[0]) | np.isfinite(bounds[1])
        if equal is not None and not bounded.any():
            bounds = [np.broadcast_to(np.asarray(equal, float), count)] * 2
        elif equal is not None or not bounded.all():
            raise ValueError("a constraint takes equal, or lower and upper, or one of them")
        self._c_bounds.append((bounds[0], bounds[1]))
        self._m += count
        return np.arange(self._m - count, self._m)

    def add(self, rows: ArrayLike, expression: Node | float) -> None:
        """Add an expression's elements to rows of c: one each, or all of them to a single row.

        Raises:
            ValueError: there are neither as many rows as elements, nor one of either.
        """
        node = self._graph.node(expression)
        to: Index = np.asarray(rows, dtype=np.intp).ravel()
        if to.size != node.size and min(to.size, node.size) != 1:
            raise ValueError(f"{node.size} elements do not go to {to.size} rows")
        self._blocks.append(Block(node, to))

    def multipliers(self, y0: ArrayLike) -> None:
        """Set the multipliers to start from, a number or (m,)."""
        self._y0 = y0

    def problem(self) -> ConstrainedProblem:
        """Return the finished problem; without ``minimise`` it is a system without objective."""
        parts = [np.concatenate(side) for side in zip(*self._c_bounds, strict=True)]
        c_lower, c_upper = parts or (np.empty(0), np.empty(0))
        bounds = Bounds(
            x0=self._x0,
            y0=np.broadcast_to(np.asarray(self._y0, dtype=np.float64), self._m),
            lower=self._lower,
            upper=self._upper,
            c_lower=c_lower,
            c_upper=c_upper,
        )
        has_objective = any(not block.rows.size for block in self._blocks)
        return ConstrainedProblem(SymbolicModel(bounds, self._graph, self._blocks), has_objective)


class SymbolicModel(Model):
    """A model whose functions come from expressions."""

    def __init__(self, bounds: Bounds, graph: Graph, blocks: list[Block]) -> None:
        self.bounds = bounds
        self._parts = graph, tuple(blocks), len(bounds.x0), len(bounds.c_lower)
        self._arrays = ArrayProgram(*self._parts)
        self._floats = FloatProgram(*self._parts) if scalar(blocks) else None
        program = self._floats or self._arrays
        self._objective, self._gradient = program.objective, program.gradient
        self._constraints = program.constraints
        self.jacobian_structure, self._jacobian = program.jacobian
        self.hessian_structure, self._hessian = program.hessian

    def objective(self, x: Any) -> Any:
        """Return f(x), a float."""
        return float(self._called("objective", self._objective, x))

    def gradient(self, x: Any) -> Any:
        """Return the (n,) gradient of f."""
        return self._called("gradient", self._gradient, x)

    def constraints(self, x: Any) -> Any:
        """Return the (m,) values c(x)."""
        return self._called("constraints", self._constraints, x)

    def jacobian_values(self, x: Any) -> Any:
        """Return the Jacobian's values at the entries of ``jacobian_structure``."""
        return self._called("jacobian_values", self._jacobian, x)

    def hessian_values(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        """Return the values of scale * Hf(x) + sum_i y_i Hc_i(x) at ``hessian_structure``."""
        return self._called("hessian_values", self._hessian, x, y, scale)

    def on(self, device: str) -> Model:
        """Return the model for float64 tensors on a device."""
        return _ArrayModel(self, ArrayProgram(*self._parts, device=device))

    def lagrangian_gradient(self, x: Array, y: Array) -> Array:
        """Return grad f(x) + J(x)'y by torch's reverse mode, not by the symbolic derivatives."""
        import torch

        at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        program = self._differentiable
        value = program.objective(at) + (torch.tensor(y) * program.constraints(at)).sum()
        total = value + 0.0 * at.sum()  # where f and c are constant, too
        gradient: Array = torch.autograd.grad(total, at)[0].numpy()
        return gradient

    @cached_property
    def _differentiable(self) -> ArrayProgram:
        return ArrayProgram(*self._parts, device="cpu")

    @cached_property
    def _careful(self) -> _ArrayModel:
        return _ArrayModel(self, self._arrays)

    def _called(self, name: str, function: Function, x: Any, *rest: Any) -> Any:
        """Return the function's value; where floats refuse, NaN and infinities by NumPy."""
        if self._floats is not None:
            try:
                return function(
                    x.tolist(),
                    *(one.tolist() if isinstance(one, np.ndarray) else one for one in rest),
                )
            except (ArithmeticError, ValueError):
                return getattr(self._careful, name)(x, *rest)
        with np.errstate(all="ignore"):
            return function(x, *rest)


class _ArrayModel(Model):
    """A symbolic model by its array program: on torch tensors, or where floats refuse a value."""

    def __init__(self, model: SymbolicModel, program: ArrayProgram) -> None:
        self.bounds = model.bounds
        self.jacobian_structure = model.jacobian_structure
        self.hessian_structure = model.hessian_structure
        self._program = program
        self._jacobian = _aligned(*program.jacobian, model.jacobian_structure, program)
        self._hessian = _aligned(*program.hessian, model.hessian_structure, program)

    def objective(self, x: Any) -> Any:
        """Return f(x)."""
        return self._quietly(self._program.objective, x)

    def gradient(self, x: Any) -> Any:
        """Return the (n,) gradient of f."""
        return self._quietly(self._program.gradient, x)

    def constraints(self, x: Any) -> Any:
        """Return the (m,) values c(x)."""
        return self._quietly(self._program.constraints, x)

    def jacobian_values(self, x: Any) -> Any:
        """Return the Jacobian's values at the entries of ``jacobian_structure``."""
        return self._quietly(self._jacobian, x)

    def hessian_values(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        """Return the values of scale * Hf(x) + sum_i y_i Hc_i(x) at ``hessian_structure``."""
        return self._quietly(self._hessian, x, y, scale)

    def _quietly(self, function: Function, *arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*arguments)


def _aligned(
    structure: Structure, values: Function, wanted: Structure, program: ArrayProgram
) -> Function:
    """Return the values at the entries of another structure, which the first one contains.

    The program for floats adds up what it knows to be one entry, and may see that it vanishes.
    """
    if len(structure) == len(wanted):
        return values
    every = list(zip(structure.rows.tolist(), structure.columns.tolist(), strict=True))
    at = {entry: place for place, entry in enumerate(every)}
    pairs = zip(wanted.rows.tolist(), wanted.columns.tolist(), strict=True)
    chosen = program.index(np.array([at[pair] for pair in pairs], dtype=np.intp))
    return lambda *arguments: values(*arguments)[chosen]
