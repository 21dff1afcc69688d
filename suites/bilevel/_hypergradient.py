"""The gradient of Phi(x) = F(x, y*(x)) by the implicit function theorem, to full accuracy.

grad Phi = F_x - (d2f/dx dy) q with (d2f/dy2) q = F_y, everything at (x, y*(x)) and by automatic
differentiation of the model's ``upper`` and ``lower``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from tiltyard.suites.bilevel._constrained_level import ConstrainedSolution
from tiltyard.suites.bilevel._lower_level import LowerLevel, Solution
from tiltyard.suites.bilevel._programs import reciprocal_condition, saddle, solve_symmetric
from tiltyard.suites.bilevel.model import Model

if TYPE_CHECKING:
    from torch import Tensor

LINEAR = 1e-12
"""Relative residual of the linear system."""

STRICT = 1e-7
"""An inequality whose multiplier and slack are both below this leaves Phi without a gradient."""

REGULAR = 1e-14
"""So does a KKT matrix whose reciprocal condition number is below this."""


_TINY = 2.0**-1022

Functions = Callable[["Tensor", "Tensor"], tuple["Tensor", "Tensor"]]


@dataclass(frozen=True, slots=True)
class Hypergradient:
    """The gradient of Phi and how well its linear system is solved.

    Attributes:
        gradient: (dim_x,).
        residual: relative, of the linear system.
    """

    gradient: Tensor
    residual: float


def upper(model: Model, x: Tensor, y: Tensor) -> float:
    """Return F(x, y); infinity where it is not finite."""
    with torch.no_grad():
        value = float(model.upper(x, y, None))
    return value if math.isfinite(value) else math.inf


def upper_gradients(model: Model, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the gradients of F in x and in y."""
    with torch.enable_grad():
        w, z = x.detach().clone().requires_grad_(), y.detach().clone().requires_grad_()
        value = model.upper(w, z, None)
        if not value.requires_grad:
            return torch.zeros_like(w), torch.zeros_like(z)
        in_x, in_y = torch.autograd.grad(value, (w, z), materialize_grads=True)
    return in_x, in_y


def cross(model: Model, x: Tensor, y: Tensor, q: Tensor) -> Tensor:
    """Return (d2f/dx dy) q, (dim_x,)."""
    none = x.new_zeros(0)
    return _cross(lambda w, z: (model.lower(w, z, None), none), x, y, q, none)


def _cross(levels: Functions, x: Tensor, y: Tensor, q: Tensor, p: Tensor) -> Tensor:
    """Return (d2L/dx dy) q + (dg/dx)'p for a function that returns L and g."""
    with torch.enable_grad():
        w, z = x.detach().clone().requires_grad_(), y.detach().clone().requires_grad_()
        value, g = levels(w, z)
        (slope,) = torch.autograd.grad(value, z, create_graph=True, materialize_grads=True)
        along = slope @ q + g @ p
        if not along.requires_grad:
            return torch.zeros_like(w)
        return torch.autograd.grad(along, w, materialize_grads=True)[0]


def hypergradient(level: LowerLevel, solution: Solution) -> Hypergradient:
    """Return grad Phi at a solution of the lower level."""
    model, x, y = level.model, solution.x, solution.y
    in_x, in_y = upper_gradients(model, x, y)
    solved = level.linear(solution.local, in_y, LINEAR)
    return Hypergradient(in_x - cross(model, x, y, solved.q), solved.residual)


def constrained_hypergradient(solution: ConstrainedSolution) -> Hypergradient | None:
    """Return grad Phi at a solution of a lower level with constraints.

    With K = [[L_yy, J'], [J, 0]], J the Jacobian of the active constraints, and K (q, p) =
    (F_y, 0), it is F_x - L_xy q - g_x'p.

    Returns:
        None where Phi may have no gradient: an active constraint's multiplier vanishes, or K is
        singular, as where the lower level has several solutions.
    """
    point, multipliers = solution.point, solution.multipliers
    model, x, y = point.model, point.x, point.y
    m, given = model.equations, model.equations + model.inequalities
    active = multipliers > -point.values
    active[:m] = True
    if (np.maximum(multipliers, -point.values)[m:] < STRICT).any():
        return None
    lagrangian = point.lagrangian(multipliers)
    K = saddle(lagrangian.hessian().numpy(), point.jacobian[active])
    if reciprocal_condition(K) < REGULAR:
        return None
    in_x, in_y = upper_gradients(model, x, y)
    right = np.concatenate([in_y.numpy(), np.zeros(int(active.sum()))])
    solved = solve_symmetric(K, right)
    residual = float(np.linalg.norm(K @ solved - right) / max(float(in_y.norm()), _TINY))
    q, p = solved[: len(y)], np.zeros(len(multipliers))
    p[active] = solved[len(y) :]
    weights = torch.from_numpy(multipliers[:given])

    def levels(w: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        g = model.constraints(w, z)
        return model.lower(w, z, None) + g @ weights, g

    change = _cross(levels, x, y, torch.from_numpy(q), torch.from_numpy(p[:given]))
    return Hypergradient(in_x - change, residual)


def projected_norm(model: Model, x: Tensor, gradient: Tensor) -> float:
    """Return |x - P_X(x - gradient)|, zero at a stationary point."""
    return float((x - model.project_x(x - gradient)).norm())


def self_test(
    phi: Callable[[Tensor], float],
    gradient: Tensor,
    x: Tensor,
    *,
    seed: int = 0,
    directions: int = 2,
) -> float:
    """Return how far a gradient of Phi at x is from central differences of Phi, over its norm.

    Differences of fourth order along the gradient and random directions, each of the step length
    that fits best: too long a step sees higher derivatives, too short a one rounding.
    """
    rng = np.random.default_rng(seed)
    vectors = [gradient, *torch.from_numpy(rng.standard_normal((directions, len(x))))]
    worst = 0.0
    for vector in vectors:
        unit = vector / vector.norm()
        slope = float(gradient @ unit)
        errors = [abs(_difference(phi, x, h * unit) / h - slope) for h in (1e-2, 1e-3, 1e-4, 1e-5)]
        worst = max(worst, min(errors))
    return worst / float(gradient.norm())


def _difference(phi: Callable[[Tensor], float], x: Tensor, step: Tensor) -> float:
    """Return the fourth-order central difference of Phi along a step."""
    near = phi(x + step) - phi(x - step)
    return (8.0 * near - (phi(x + 2.0 * step) - phi(x - 2.0 * step))) / 12.0
