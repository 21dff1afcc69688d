"""BLOCC, a primal-dual-assisted penalty method for coupled constraints (Jiang et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import OPTIMISE
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2406.10148",
    tune={
        "step": (0.1, 2.0, "log"),
        "gamma": (1.0, 1000.0, "log"),
        "rounds": (5, 20, 50, 100),
        "inner_steps": (1, 5, 10),
        "dual_step": (0.003, 0.3, "log"),
    },
    requires={
        **OPTIMISE,
        "lower_convexity": ("strong", "convex"),
        "lower_unique": (True,),
        "constraints": ("linear", "convex"),
        "upper_constraints": (0,),
    },
    devices=("cpu", "cuda"),
)
def blocc(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 1.0,
    gamma: float = 10.0,
    rounds: int = 20,
    inner_steps: int = 5,
    dual_step: float = 0.05,
) -> Iterator[Answer]:
    """Descend max_mu min_y F + gamma (f - v) + <mu, g>, with saddle points by inner loops.

    v(x) is the lower level's value, with grad v = f_x(x, y_g) + <mu_g, g_x(x, y_g)> at the saddle
    point of its Lagrangian. The direction of x is F_x(x, y_F) + gamma (f_x(x, y_F) - grad v) +
    <mu_F, g_x(x, y_F)>, with (y_F, mu_F) the saddle point of F + gamma f + <mu, g>; here that
    Lagrangian is divided by gamma. Both come from ``rounds`` of ``inner_steps`` projected steps of
    y and one of the multipliers, from where they were. The answers are x and y_g, which is feasible
    only as far as the multipliers have converged.

    Of the paper its abstract and first pages were at hand. The inner loop is without the momentum
    that it allows, which did not converge here. Multipliers of either sign for equations are ours,
    and so are units: g is divided by the norm of dg/dy, steps of y are 1 / M, with M of
    f + F / gamma, those of multipliers dual_step M, and x's lengths come from secants. gamma = 10
    is ours too, near the 5 of the authors' script; the bias is of order 1 / gamma.

    Args:
        problem: a convex lower level with one solution, and constraints.
        rng: draws directions of the power method.
        step: multiplies the length of x's steps.
        gamma: the penalty.
        rounds: of either inner loop.
        inner_steps: of y, in each round.
        dual_step: of the multipliers, in units of M.
    """
    from tiltyard.implementations.bilevel._lagrangian import Saddle
    from tiltyard.implementations.bilevel._penalty import (
        Adaptive,
        answer,
        constraint_norm,
        lower_bend,
        upper_bend,
    )

    x, y = problem.start()
    yield answer(x, y)
    scale = constraint_norm(problem, x, y, rng)
    upper = upper_bend(problem, x, y, rng) / gamma
    lower = lower_bend(problem, x, y, rng)
    value, penalised = Saddle(problem, y, 0.0, scale), Saddle(problem, y, 1.0 / gamma, scale)
    length = Adaptive(step)
    while True:
        if problem.facts["curvature"]:
            lower = problem.curvature(x)[1]
        for saddle, largest in ((value, lower), (penalised, lower + upper)):
            saddle.settle(x, (rounds, inner_steps), (1.0 / largest, dual_step * largest))
        excess = penalised.slope_x(x) - value.slope_x(x)
        direction = problem.upper_gradient_x(x, penalised.y) + gamma * excess
        x = problem.project_x(x - length(x, direction) * direction)
        yield answer(x, value.y)
