"""AdaSketch-Newton with orthogonalised Gaussian blocks; the inner solver is ours."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._adasketch import Rules, adasketch
from tiltyard.implementations.constrained._adasketch_solvers import by_blocks, by_parts
from tiltyard.implementations.constrained._newton_lagrangian import Array
from tiltyard.suites.constrained.problem import ConstrainedProblem


@implementation(
    suite="constrained",
    cites="arXiv:2305.18379",
    tune={"eta1": (1e-1, 1e1, "log"), "eta2": (1e-2, 1e0, "log"), "delta": (1e-2, 9e-1, "log")},
    requires={"track": ("equality",), "hessian": (True,)},
)
def adasketch_newton_block(
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
    max_steps: int = 100_000,
    max_iterations: int = 10_000,
    tolerance: float = 1e-10,
    block: int = 32,
    parts: int = 4,
) -> Generator[dict[str, Array], None, str | None]:
    """AdaSketch-Newton with blocks of Gaussian sketches, orthogonalised; the inner solver is ours.

    Outer rules as in ``adasketch_newton``. Ours: a sketch has up to ``block`` columns, its image is
    made orthogonal to the earlier ones (Patel, Jahangoshahi and Maldonado 2021), so that a solve
    ends after as many sketches as fill the space, and the residual is updated, not computed anew.
    On sparse problems a sketch takes a quarter of the rows as they are, factorized once, and
    conjugate gradients accelerate the sweeps over the quarters (Bjorck and Elfving 1979).
    Results of this method are not the paper's results.

    Args:
        problem: an equality-constrained problem with Hessian.
        rng: draws the sketches.
        eta1: first penalty, of |c|^2.
        eta2: first penalty, of |grad f + J'y|^2.
        delta: first accuracy of the inner solves.
        xi_b: least curvature that a shift of the Hessian leaves.
        beta: Armijo's constant.
        nu: growth of the penalties.
        theta: factor of the accuracy, at most 1.
        max_steps: cap of inner steps a solve (published: 1e5 on CUTEst, 1e6 elsewhere).
        max_iterations: cap of outer iterations.
        tolerance: two-norm of (grad f + J'y, c) to stop at. Published: 1e-4, the experiments'
            setting; smaller here so that the harness decides.
        block: columns of a sketch; at most half the system's size is used.
        parts: of the rows of a sparse system.
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
    if problem.facts["sparse"]:
        solve = by_parts(problem, rng, max_steps, parts=parts)
    else:
        solve = by_blocks(problem, rng, max_steps, block=block)
    return (yield from adasketch(problem, rng, rules, solve))
