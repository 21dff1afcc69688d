"""Stochastic prox-linear method for CVaR minimisation (Meng & Gower 2022)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.cvar._state import Array
from tiltyard.implementations.cvar._stochastic import model_based
from tiltyard.suites.cvar.problem import CVaRProblem


@implementation(
    suite="cvar",
    cites="arXiv:2305.17498",
    tune={"step": (1e-4, 1e2, "log"), "average": (True, False)},
    requires={"domain": ("free",)},
)
def spl(
    problem: CVaRProblem, rng: np.random.Generator, *, step: float = 0.1, average: bool = True
) -> Iterator[tuple[Array, float]]:
    """Stochastic prox-linear method with one step size, lambda / sqrt(t + 1), for w and alpha.

    With i drawn from p, l and g the loss and a subgradient of scenario i at w, it solves exactly

        min over (w', a') of a' + c (l + g.(w' - w) - a')_+ + mu/2 ||w'||^2
            + ||w' - w||^2 / (2 step_t) + (a' - alpha)^2 / (2 step_t),  c = 1 / (1 - beta):

        s = 1 / (1 + step_t mu)
        eta = clip((l - alpha + step_t - step_t mu s (g.w)) / (step_t s ||g||^2 + step_t), 0, c)
        w <- s (w - step_t eta g),  alpha <- alpha - step_t (1 - eta).

    The model and that the step has a closed form are the paper's; this closed form with mu was
    derived here. Schedule, default and averaging are ours.

    Args:
        problem: a cvar problem on the free domain: the closed form has no constraint.
        rng: draws the scenarios.
        step: lambda, in the units of the data.
        average: answer with the polynomial-decay average of the iterates, else with the last one.
    """
    yield from model_based(problem, rng, (step, step), prox=True, average=average)
