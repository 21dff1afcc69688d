"""The gradient of Phi(x) = F(x, y*(x)) by the implicit function theorem, to full accuracy.

grad Phi = F_x - (d2f/dx dy) q with (d2f/dy2) q = F_y, everything at (x, y*(x)) and by automatic
differentiation of the model's ``upper`` and ``lower``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from tiltyard.suites.bilevel._lower_level import LowerLevel, Solution
from tiltyard.suites.bilevel.model import Model

if TYPE_CHECKING:
    from torch import Tensor

LINEAR = 1e-12
"""Relative residual of the linear system."""


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
    with torch.enable_grad():
        w, z = x.detach().clone().requires_grad_(), y.detach().clone().requires_grad_()
        value = model.lower(w, z, None)
        (slope,) = torch.autograd.grad(value, z, create_graph=True, materialize_grads=True)
        along = slope @ q
        if not along.requires_grad:
            return torch.zeros_like(w)
        return torch.autograd.grad(along, w, materialize_grads=True)[0]


def hypergradient(level: LowerLevel, solution: Solution) -> Hypergradient:
    """Return grad Phi at a solution of the lower level."""
    model, x, y = level.model, solution.x, solution.y
    in_x, in_y = upper_gradients(model, x, y)
    solved = level.linear(solution.local, in_y, LINEAR)
    return Hypergradient(in_x - cross(model, x, y, solved.q), solved.residual)


def projected_norm(model: Model, x: Tensor, gradient: Tensor) -> float:
    """Return |x - P_X(x - gradient)|, zero at a stationary point."""
    return float((x - model.project_x(x - gradient)).norm())


def self_test(level: LowerLevel, x: Tensor, *, seed: int = 0, directions: int = 2) -> float:
    """Return how far grad Phi is from central differences of Phi, over its norm.

    Differences of fourth order along the gradient and random directions, each of the step length
    that fits best: too long a step sees higher derivatives, too short a one rounding.
    """
    gradient = hypergradient(level, level.solve(x)).gradient
    rng = np.random.default_rng(seed)
    vectors = [gradient, *torch.from_numpy(rng.standard_normal((directions, len(x))))]
    worst = 0.0
    for vector in vectors:
        unit = vector / vector.norm()
        slope = float(gradient @ unit)
        errors = [abs(_difference(level, x, unit, h) - slope) for h in (1e-2, 1e-3, 1e-4)]
        worst = max(worst, min(errors))
    return worst / float(gradient.norm())


def _difference(level: LowerLevel, x: Tensor, unit: Tensor, h: float) -> float:
    def phi(t: float) -> float:
        solution = level.solve(x + t * h * unit)
        return upper(level.model, solution.x, solution.y)

    return (8.0 * (phi(1.0) - phi(-1.0)) - (phi(2.0) - phi(-2.0))) / (12.0 * h)
