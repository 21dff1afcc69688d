"""Stochastic subgradient method with scale-adapted steps: the control for ``spl_plus``."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.cvar._state import Array
from tiltyard.implementations.cvar._stochastic import model_based, scaled_steps
from tiltyard.suites.cvar.problem import CVaRProblem


@implementation(
    suite="cvar",
    cites="doi:10.21314/JOR.2000.038",
    tune={"step": (1e-4, 1e2, "log"), "average": (True, False)},
)
def sgm_scaled(
    problem: CVaRProblem, rng: np.random.Generator, *, step: float = 0.1, average: bool = True
) -> Iterator[tuple[Array, float]]:
    """Stochastic subgradient method with the separate, scale-adapted steps of ``spl_plus``.

    It is ours, and a control: it has the scaling of ``spl_plus`` without the prox-linear model, so
    that what the model gains is told apart from what the scaling gains. The update is that of
    ``sgm`` with lw = step L / G2 for w and la = step L for alpha, both over sqrt(t + 1), where L
    and G2 are the scales that ``spl_plus`` measures, at the same charged cost of one data pass.

    Args:
        problem: any cvar problem.
        rng: draws the scenarios.
        step: lambda, without unit.
        average: answer with the polynomial-decay average of the iterates, else with the last one.
    """
    steps = scaled_steps(problem, step)
    yield from model_based(problem, rng, steps, prox=False, average=average)
