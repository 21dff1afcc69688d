"""LSVRG for spectral risk measures (Mehta, Roulet, Pillutla, Liu & Harchaoui 2023)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.cvar._state import Array, Reference
from tiltyard.implementations.cvar._stochastic import (
    chunk,
    rows_of,
    tail_distribution,
    weighted_draws,
)
from tiltyard.suites.cvar.problem import CVaRProblem


@implementation(
    suite="cvar",
    cites="arXiv:2212.05149",
    tune={"step": (1e-5, 1e1, "log"), "uniform": (True, False)},
    requires={"domain": ("free",)},
)
def lsvrg(
    problem: CVaRProblem, rng: np.random.Generator, *, step: float = 0.01, uniform: bool = False
) -> Iterator[tuple[Array, float]]:
    """LSVRG: variance-reduced gradients whose tail weights are fixed by a sort once an epoch.

    At a checkpoint v, once in n steps, all losses are sorted and each scenario gets its weight q_i
    in CVaR(l(v)): p_i / (1 - beta) in the tail, the remaining fraction at the VaR. Within the
    epoch, with i drawn from q (or uniformly, and the difference then times n q_i),

        w <- (w - step (grad l_i(w) - grad l_i(v) + sum_k q_k grad l_k(v))) / (1 + step mu).

    The paper's: the method, for the superquantile spectrum without shift cost; epochs of n steps;
    the last iterate as answer. The step and drawing from q are defaults of the authors' published
    code. Ours: the proximal treatment of mu, which has the same fixed points, and weighted
    scenarios. Where scenarios change rank the weights are stale, so a constant step ends in a
    neighbourhood of the optimum; the paper's linear rate is for a smoothed objective and smooth
    losses.

    A checkpoint charges n samples, a step one: the gradients at v are kept. The answered alpha is
    the exact VaR at the latest checkpoint.

    Args:
        problem: a cvar problem on the free domain.
        rng: draws the scenarios.
        step: constant step size, in the units of the data.
        uniform: draw scenarios uniformly instead of from q.
    """
    from tiltyard.implementations.cvar._kernels import variance_reduced_steps

    n, rows, size = problem.n, rows_of(problem), chunk(problem)
    w, _ = problem.start()
    while True:
        with np.errstate(all="ignore"):
            losses, slopes = problem.losses_and_slopes(w)
            q, alpha = tail_distribution(problem, losses)
            gradient = (q * slopes) @ problem.A
        draw = weighted_draws(np.full(n, 1.0 / n) if uniform else q, rng)
        factors = n * q if uniform else np.ones(n)
        at = Reference(slopes, factors, gradient, float(step), float(problem.mu))
        for first in range(0, n, size):
            picks = draw(min(size, n - first))
            variance_reduced_steps(rows, picks, w, at)
            problem.count("sample", len(picks))
            yield w.copy(), alpha
