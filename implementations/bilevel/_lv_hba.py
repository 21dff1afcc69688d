"""The iteration of LV-HBA (Yao, Yu, Zeng & Zhang 2024), for its two sets of constants."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tiltyard.implementations.bilevel._penalty import answer
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

FLAT = 1e-10
"""Singular values up to this share of the largest one count as zero."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Constraints in other units: W times the equations, and inequalities divided by a number.

    Attributes:
        W: (equations, equations); None for the identity.
        divisor: of inequalities.
    """

    W: Tensor | None = None
    divisor: float = 1.0

    def scaled(self, g: Tensor) -> Tensor:
        """Return the scaled constraints."""
        if self.W is None:
            return g / self.divisor
        e = len(self.W)
        return torch.cat((self.W @ g[:e], g[e:] / self.divisor))

    def unscaled(self, multipliers: Tensor) -> Tensor:
        """Return the multipliers of g that stand for those of the scaled constraints."""
        if self.W is None:
            return multipliers / self.divisor
        e = len(self.W)
        return torch.cat((multipliers[:e] @ self.W, multipliers[e:] / self.divisor))


def whitening(problem: BilevelProblem, x: Tensor, y: Tensor, divisor: float) -> Scaling:
    """Return what makes the derivatives in y of linear equations orthonormal; one g_product each.

    W = (A A')^-1/2 on the range of A, the equations' derivative: primal-dual steps then need not
    wait for its small singular values. Without equations only inequalities are divided.
    """
    e = int(problem.facts["equations"])
    if not e or problem.facts["constraints"] != "linear":
        return Scaling(None, divisor)
    unit = torch.eye(e + int(problem.facts["inequalities"]), dtype=y.dtype, device=y.device)[:e]
    A = torch.stack([problem.constraint_products(x, y, one)[1] for one in unit])
    U, values, _ = torch.linalg.svd(A, full_matrices=False)
    inverse = torch.where(values > FLAT * values.max(), 1.0 / values.clamp(min=1e-300), 0.0)
    return Scaling((U * inverse) @ U.T, divisor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Constants of LV-HBA in the paper's letters.

    Attributes:
        alpha: step of (x, y).
        beta: step of z.
        eta: step of (theta, lambda).
        gamma1: proximal parameter of theta.
        gamma2: of lambda.
        c: the penalty is c (k + 1)^p.
        p: in [0, 1/2).
        radius: r, the largest multiplier.
        scaling: of g; multipliers are those of the scaled constraints.
    """

    alpha: float
    beta: float
    eta: float
    gamma1: float
    gamma2: float
    c: float
    p: float
    radius: float
    scaling: Scaling


@dataclass(frozen=True, slots=True)
class State:
    """Where the method stands: x, y, theta of Y, and the multipliers lambda and z."""

    x: Tensor
    y: Tensor
    theta: Tensor
    lam: Tensor
    z: Tensor


def step(problem: BilevelProblem, state: State, settings: Settings, k: int) -> State:
    """Return the state after iteration k, from 0.

    (theta, lambda) takes a step of descent and ascent on the proximal Lagrangian
    f(x, theta) + lambda'g(x, theta) + |theta - y|^2 / (2 gamma1) - |lambda - z|^2 / (2 gamma2),
    then (x, y) and z one of projected descent on F / c_k + f - v, where v, its saddle value, has
    the gradients that the new theta and lambda give. Charges f_x and f_y twice each, F_x, F_y, g,
    two g_product and one projection; without constraints neither of g's.
    """
    s, e = settings, int(problem.facts["equations"])
    x, y, theta, lam, z = state.x, state.y, state.theta, state.lam, state.z
    constrained = len(lam) > 0
    slope = problem.lower_gradient_y(x, theta) + (theta - y) / s.gamma1
    rise = lam
    if constrained:
        slope = slope + problem.constraint_products(x, theta, s.scaling.unscaled(lam))[1]
        rise = s.scaling.scaled(problem.constraints(x, theta)) - (lam - z) / s.gamma2
    theta = problem.project_y(theta - s.eta * slope)
    lam = within(lam + s.eta * rise, e, s.radius)
    weight = 1.0 / (s.c * (k + 1) ** s.p)
    upper_x, upper_y = problem.upper_gradients(x, y)
    lower_x, lower_y = problem.lower_gradients(x, y)
    dx = weight * upper_x + lower_x - problem.lower_gradient_x(x, theta)
    if constrained:
        dx = dx - problem.constraint_products(x, theta, s.scaling.unscaled(lam))[0]
    dy = weight * upper_y + lower_y - (y - theta) / s.gamma1
    x, y = problem.project_joint(x - s.alpha * dx, y - s.alpha * dy)
    z = within(z + s.beta * (lam - z) / s.gamma2, e, s.radius)
    return State(x, y, theta, lam, z)


def within(multipliers: Tensor, equations: int, radius: float) -> Tensor:
    """Return the nearest ones in [-r, r] for equations and in [0, r] for inequalities."""
    free = multipliers[:equations].clamp(-radius, radius)
    return torch.cat((free, multipliers[equations:].clamp(0.0, radius)))


def run(problem: BilevelProblem, state: State, settings: Settings) -> Iterator[Answer]:
    """Yield (x, y) after every iteration."""
    for k in itertools.count():
        state = step(problem, state, settings, k)
        yield answer(state.x, state.y)
