"""Stochastic prox-linear method with scale-adapted steps, after SPL+ (Meng & Gower 2023)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.cvar._state import Array
from tiltyard.implementations.cvar._stochastic import model_based, scaled_steps
from tiltyard.suites.cvar.problem import CVaRProblem


@implementation(
    suite="cvar",
    cites="arXiv:2305.17498",
    tune={"step": (1e-4, 1e2, "log"), "average": (True, False)},
    requires={"domain": ("free",)},
)
def spl_plus(
    problem: CVaRProblem, rng: np.random.Generator, *, step: float = 0.1, average: bool = True
) -> Iterator[tuple[Array, float]]:
    """Stochastic prox-linear method with separate, scale-adapted steps, after SPL+ (scaling ours).

    The paper's, by its abstract: a stochastic prox-linear method for CVaR whose update has a closed
    form and which adapts to the scaling of the loss. Ours, because the paper's full text was not at
    hand: how it adapts. We take the step of ``spl`` with two step sizes, lw = step L / G2 for w and
    la = step L for alpha, both over sqrt(t + 1); this is the choice that makes ``step`` free of
    units. Ours: L is the median of |l_i| and G2 the median of ||grad l_i||^2 at the start, measured
    in one data pass that is charged to the oracle counts and to the clock. Ours: the closed form
    with mu and two step sizes, the schedule, the default of ``step`` and the averaging. Hence
    results of this method are not the paper's results.

    Args:
        problem: a cvar problem on the free domain: the closed form has no constraint.
        rng: draws the scenarios.
        step: lambda, without unit.
        average: answer with the polynomial-decay average of the iterates, else with the last one.
    """
    steps = scaled_steps(problem, step)
    yield from model_based(problem, rng, steps, prox=True, average=average)
