"""The oracles as JAX functions: values and products by callbacks, each charged.

This module imports JAX: only a method that needs it may import it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import torch
from numpy.typing import NDArray

from tiltyard.suites.bilevel.problem import BilevelProblem

Array = NDArray[np.float64]


def value_and_slope(problem: BilevelProblem) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return (y, x) -> f(x, y) and its gradient in y, of which vector products are known.

    A product with the gradient's derivative charges ``hvp`` if it is in y and ``cross`` if in x,
    and nothing that was not asked for. The value has no derivative.
    """

    def asked(oracle: Callable[..., Any], size: int | None, *given: Any) -> Any:
        shape = jax.ShapeDtypeStruct(() if size is None else (size,), np.float64)
        return jax.pure_callback(lambda *args: _numpy(oracle(*map(_tensor, args))), shape, *given)

    @jax.custom_vjp
    def slope(y: Any, x: Any) -> Any:
        return asked(problem.lower_gradient_y, problem.dim_y, x, y)

    def forward(y: Any, x: Any) -> tuple[Any, Any]:
        # Which products will be asked for has to be told by the residuals' structure.
        wanted = ((y.perturbed or None) and 0.0, (x.perturbed or None) and 0.0)
        return slope(y.value, x.value), (y.value, x.value, wanted)

    def backward(kept: Any, v: Any) -> tuple[Any, Any]:
        y, x, (in_y, in_x) = kept
        if isinstance(v, jax.custom_derivatives.SymbolicZero):
            return None, None
        return (
            None if in_y is None else asked(problem.hessian_product, problem.dim_y, x, y, v),
            None if in_x is None else asked(problem.cross_product, problem.dim_x, x, y, v),
        )

    slope.defvjp(forward, backward, symbolic_zeros=True)

    def both(y: Any, x: Any) -> tuple[Any, Any]:
        still = jax.lax.stop_gradient
        return asked(problem.lower, None, still(x), still(y)), slope(y, x)

    return both


def upper(problem: BilevelProblem) -> Callable[[Any, Any], Any]:
    """Return (x, y) -> F(x, y), with its gradients."""
    shapes = [jax.ShapeDtypeStruct((n,), np.float64) for n in (problem.dim_x, problem.dim_y)]

    def value(x: Any, y: Any) -> Any:
        def oracle(w: Any, z: Any) -> Array:
            return _numpy(problem.upper(_tensor(w), _tensor(z)))

        return jax.pure_callback(oracle, jax.ShapeDtypeStruct((), np.float64), x, y)

    def gradients(x: Any, y: Any) -> tuple[Array, ...]:
        return tuple(map(_numpy, problem.upper_gradients(_tensor(x), _tensor(y))))

    def forward(x: Any, y: Any) -> tuple[Any, Any]:
        return value(x, y), jax.pure_callback(gradients, shapes, x, y)

    function: Any = jax.custom_vjp(value)
    function.defvjp(forward, lambda kept, v: tuple(v * one for one in kept))
    found: Callable[[Any, Any], Any] = function
    return found


def _tensor(array: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(array))


def _numpy(value: Any) -> Array:
    return np.asarray(value, dtype=np.float64)
