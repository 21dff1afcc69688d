"""Inexact SQP with GMRES, an l1 merit function and adaptive inner accuracy."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._gmres_sqp import Gmres, Rules, inexact_sqp
from tiltyard.implementations.constrained._newton_lagrangian import Array, Point
from tiltyard.suites.constrained.problem import ConstrainedProblem

_LARGEST = 1e8
"""Above this penalty a step is taken whether or not it reduces the model."""


@implementation(
    suite="constrained",
    cites="arXiv:2305.18379",
    tune={"kappa": (1e-3, 9e-1, "log"), "pi": (1e-1, 1e2, "log")},
    requires={"track": ("equality",), "hessian": (True,)},
)
def gmres_l1_adaptive_sqp(
    problem: ConstrainedProblem,
    rng: np.random.Generator,
    *,
    pi: float = 1.0,
    kappa: float = 0.1,
    eta: float = 1e-8,
    xi_b: float = 0.1,
    nu: float = 1.5,
    max_cycles: int = 100_000,
    max_iterations: int = 10_000,
    tolerance: float = 1e-10,
) -> Generator[dict[str, Array], None, str | None]:
    """Inexact SQP with GMRES, an l1 merit and adaptive accuracy: a baseline of AdaSketch-Newton.

    GMRES(2) runs until |r|_1 <= kappa |b|_1. While such a step does not reduce the model of the
    merit f + pi |c|_1, pi is multiplied by nu, kappa divided by nu^2, and GMRES goes on. Rules and
    defaults are those of the scripts of arXiv:2305.18379.

    Args:
        problem: an equality-constrained problem with Hessian.
        rng: draws the first vector of Lanczos iterations, on sparse problems.
        pi: first penalty of |c|_1.
        kappa: first accuracy.
        eta: Armijo's constant.
        xi_b: least curvature that a shift of the Hessian leaves.
        nu: growth of the penalty.
        max_cycles: cap of GMRES(2) cycles a solve.
        max_iterations: cap of outer iterations.
        tolerance: two-norm of (grad f + J'y, c) to stop at. Published: 1e-4.
    """
    penalty, accuracy = pi, kappa

    def inner(gmres: Gmres, point: Point) -> Generator[None, None, float]:
        from tiltyard.implementations.constrained._gmres_kernels import Tests

        nonlocal penalty, accuracy
        while True:
            tests = Tests(
                gradient=point.g,
                c=point.c,
                pi=penalty,
                sigma=0.1 * 0.9,
                residual=accuracy * float(np.abs(gmres.system.b).sum()),
                primal=np.inf,
                entries=problem.m,
                second_dual=-1.0,
                second_primal=-1.0,
                model=False,
            )
            yield from gmres.until(tests)
            lost, wanted = gmres.reduction(tests)
            if penalty > _LARGEST or lost >= wanted:
                return penalty
            penalty *= nu
            accuracy /= nu**2

    rules = Rules(
        eta=eta,
        xi_b=xi_b,
        tolerance=tolerance,
        max_iterations=max_iterations,
        max_cycles=max_cycles,
    )
    return (yield from inexact_sqp(problem, rng, rules, inner))
