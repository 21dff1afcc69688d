"""A model whose functions come from expressions, on floats, NumPy arrays and torch tensors."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from tiltyard.suites.constrained._expression import Graph
from tiltyard.suites.constrained._programs import (
    ArrayProgram,
    Block,
    FloatProgram,
    Function,
    scalar,
)
from tiltyard.suites.constrained.model import Array, Bounds, Model, Structure


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
