"""AdaSketch-Newton's loop with an exact linear solve: what sketching costs; a control of ours."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._adasketch import Rules, adasketch
from tiltyard.implementations.constrained._adasketch_solvers import direct
from tiltyard.implementations.constrained._newton_lagrangian import Array
from tiltyard.suites.constrained.problem import ConstrainedProblem


@implementation(
    suite="constrained",
    cites="arXiv:2305.18379",
    tune={"eta1": (1e-1, 1e1, "log"), "eta2": (1e-2, 1e0, "log"), "delta": (1e-2, 9e-1, "log")},
    requires={"track": ("equality",), "hessian": (True,)},
)
def adasketch_newton_direct(
    problem: ConstrainedProblem,
    rng: np.random.Generator,
    *,
    eta1: float = 1.0,
    eta2: float = 0.1,
    delta: float = 0.1,
    xi_b: float = 0.1,
    beta: float = 0.1,
    nu: float = 1.5,
    theta: float = 1.0,
    max_iterations: int = 10_000,
    tolerance: float = 1e-10,
) -> Generator[dict[str, Array], None, str | None]:
    """AdaSketch-Newton's outer loop with an exact linear solve: the control for sketching; ours.

    Everything but the inner solver is as in ``adasketch_newton``.

    Args:
        problem: an equality-constrained problem with Hessian.
        rng: draws the first vector of Lanczos iterations, on sparse problems.
        eta1: first penalty, of |c|^2.
        eta2: first penalty, of |grad f + J'y|^2.
        delta: first accuracy of the inner solves.
        xi_b: least curvature that a shift of the Hessian leaves.
        beta: Armijo's constant.
        nu: growth of the penalties.
        theta: factor of the accuracy, at most 1.
        max_iterations: cap of outer iterations.
        tolerance: two-norm of (grad f + J'y, c) to stop at. Published: 1e-4, the experiments'
            setting; smaller here so that the harness decides.
    """
    rules = Rules(
        eta1=eta1,
        eta2=eta2,
        delta=delta,
        xi_b=xi_b,
        beta=beta,
        nu=nu,
        theta=theta,
        tolerance=tolerance,
        max_iterations=max_iterations,
    )
    solve = direct(problem)
    return (yield from adasketch(problem, rng, rules, solve))
