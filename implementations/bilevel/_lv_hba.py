"""The iteration of LV-HBA (Yao, Yu, Zeng & Zhang 2024), for its two sets of constants."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from tiltyard.implementations.bilevel._penalty import answer
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


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
        scale: g is divided by it; multipliers are those of the scaled constraints.
    """

    alpha: float
    beta: float
    eta: float
    gamma1: float
    gamma2: float
    c: float
    p: float
    radius: float
    scale: float = 1.0


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
        slope = slope + problem.constraint_products(x, theta, lam / s.scale)[1]
        rise = problem.constraints(x, theta) / s.scale - (lam - z) / s.gamma2
    theta = problem.project_y(theta - s.eta * slope)
    lam = within(lam + s.eta * rise, e, s.radius)
    weight = 1.0 / (s.c * (k + 1) ** s.p)
    upper_x, upper_y = problem.upper_gradients(x, y)
    lower_x, lower_y = problem.lower_gradients(x, y)
    dx = weight * upper_x + lower_x - problem.lower_gradient_x(x, theta)
    if constrained:
        dx = dx - problem.constraint_products(x, theta, lam / s.scale)[0]
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
