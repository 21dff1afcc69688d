"""Counted oracles as functions that torch differentiates, for libraries that own the derivatives.

F has first derivatives, f second ones in which y takes part; what torch asks for is charged.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tiltyard.suites.bilevel.problem import BilevelProblem


class _Upper(torch.autograd.Function):
    """F(x, y) of (problem, x, y), differentiable once."""

    @staticmethod
    def forward(ctx: Any, problem: BilevelProblem, x: Tensor, y: Tensor) -> Tensor:
        """Charge ``F``."""
        ctx.problem = problem
        ctx.save_for_backward(x, y)
        return y.new_tensor(problem.upper(x, y))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, weight: Tensor) -> tuple[None, Tensor, Tensor]:
        """Charge ``F_x`` and ``F_y``."""
        slope_x, slope_y = ctx.problem.upper_gradients(*ctx.saved_tensors)
        return None, weight * slope_x, weight * slope_y


class _Lower(torch.autograd.Function):
    """f(x, y) of (problem, x, y), differentiable twice but for the second derivatives in x."""

    @staticmethod
    def forward(ctx: Any, problem: BilevelProblem, x: Tensor, y: Tensor) -> Tensor:
        """Charge ``f``."""
        ctx.problem = problem
        ctx.save_for_backward(x, y)
        return y.new_tensor(problem.lower(x, y))

    @staticmethod
    def backward(ctx: Any, weight: Tensor) -> tuple[None, Tensor, Tensor]:
        """Charge ``f_x`` and ``f_y``: torch does not tell which of them was asked for."""
        slopes: Any = _Slopes
        slope_x, slope_y = slopes.apply(ctx.problem, *ctx.saved_tensors)
        return None, weight * slope_x, weight * slope_y


class _Slopes(torch.autograd.Function):
    """The gradients of f in x and y."""

    @staticmethod
    def forward(ctx: Any, problem: BilevelProblem, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        ctx.problem = problem
        ctx.save_for_backward(x, y)
        ctx.set_materialize_grads(False)
        return problem.lower_gradients(x, y)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, along_x: Tensor | None, along_y: Tensor | None
    ) -> tuple[None, Tensor | None, Tensor | None]:
        """Charge ``cross`` and ``hvp``, each if its variable takes part."""
        problem, (x, y) = ctx.problem, ctx.saved_tensors
        if along_x is not None and bool((along_x != 0.0).any()):
            raise NotImplementedError("second derivatives of f in x are none of the oracles")
        if along_y is None:
            return None, None, None
        _, in_x, in_y = ctx.needs_input_grad
        return (
            None,
            problem.cross_product(x, y, along_y) if in_x else None,
            problem.hessian_product(x, y, along_y) if in_y else None,
        )


def differentiable_upper(problem: BilevelProblem, x: Tensor, y: Tensor) -> Tensor:
    """Return F(x, y), a scalar of which torch can take first derivatives."""
    function: Any = _Upper
    value: Tensor = function.apply(problem, x, y)
    return value


def differentiable_lower(problem: BilevelProblem, x: Tensor, y: Tensor) -> Tensor:
    """Return f(x, y), a scalar of which torch can take second derivatives but those in x alone."""
    function: Any = _Lower
    value: Tensor = function.apply(problem, x, y)
    return value
