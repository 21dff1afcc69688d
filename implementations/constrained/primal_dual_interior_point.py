"""Primal-dual interior-point method with a filter line search.

Wächter & Biegler, On the implementation of an interior-point filter line-search algorithm for
large-scale nonlinear programming (2006), doi:10.1007/s10107-004-0559-y: the method of Ipopt,
written from that paper.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.suites.constrained.problem import ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1007/s10107-004-0559-y",
    tune={"mu": (1e-3, 1e1, "log"), "kappa_mu": (0.05, 0.5, "linear")},
    requires={"gradient": (True,), "jacobian": (True,), "hessian": (True,)},
)
def primal_dual_interior_point(
    problem: ConstrainedProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-9,
    mu: float = 0.1,
    kappa_epsilon: float = 10.0,
    kappa_mu: float = 0.2,
    theta_mu: float = 1.5,
    tau_min: float = 0.99,
    scaling: float = 100.0,
    relax: float = 1e-13,
    iterations: int = 3000,
) -> Generator[dict[str, Any], None, str]:
    """Solve a sequence of barrier problems by Newton steps on their optimality conditions.

    Args:
        problem: any, with exact second derivatives.
        rng: not used.
        tolerance: of the judge's scaled optimality error; the paper's is 1e-8, in scaled units.
        mu: the first barrier parameter.
        kappa_epsilon: mu is lowered where the barrier problem's error is at most this times mu.
        kappa_mu: mu is lowered to at most this times mu,
        theta_mu: and to at most this power of it.
        tau_min: the least part of the way to the bounds that a step may go.
        scaling: f and rows with larger gradients at the start are scaled down to it.
        relax: bounds move out by this times max(1, |bound|); the paper's is 1e-8.
        iterations: the limit.

    Yields:
        x, y and z at each iteration, x alone while feasibility is restored.

    Returns:
        Why it ended without a solution.
    """
    from tiltyard.implementations.constrained._interior_point import InteriorPoint, Options
    from tiltyard.implementations.constrained._scaled import ScaledProblem

    del rng
    nlp = ScaledProblem(problem, scaling)
    if not nlp.consistent:
        yield {"x": np.array(problem.x0)}
        return "a lower bound is above an upper one"
    options = Options(tolerance, mu, kappa_epsilon, kappa_mu, theta_mu, tau_min, iterations)
    run = InteriorPoint(nlp, relax, options)
    yield from run.iterate()
    return run.reason
