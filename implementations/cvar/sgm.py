"""Stochastic subgradient method on the objective of Rockafellar & Uryasev (2000)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.cvar._state import Array
from tiltyard.implementations.cvar._stochastic import model_based
from tiltyard.suites.cvar.problem import CVaRProblem


@implementation(
    suite="cvar",
    cites="doi:10.21314/JOR.2000.038",
    tune={"step": (1e-4, 1e2, "log"), "average": (True, False)},
)
def sgm(
    problem: CVaRProblem, rng: np.random.Generator, *, step: float = 0.1, average: bool = True
) -> Iterator[tuple[Array, float]]:
    """Stochastic subgradient method with one step size, lambda / sqrt(t + 1), for w and alpha.

    With i drawn from p, g a subgradient of l_i at w and eta = c where l_i(w) > alpha, else 0,
    where c = 1 / (1 - beta):

        w <- (w - step_t eta g) / (1 + step_t mu),  alpha <- alpha - step_t (1 - eta).

    The objective is the paper's, equation (9); it states no stochastic method, so the schedule, the
    defaults, the proximal treatment of mu and the projection onto the simplex are ours.

    Args:
        problem: any cvar problem.
        rng: draws the scenarios.
        step: lambda, in the units of the data.
        average: answer with the polynomial-decay average of the iterates, else with the last one.
    """
    yield from model_based(problem, rng, (step, step), prox=False, average=average)
