"""Sequential quadratic programming with exact Hessians and an elastic l1 merit function.

Nocedal & Wright, Numerical Optimization (2006), chapter 18: Sl1QP's subproblem (section 18.5), a
line search on the l1 merit function with a second-order correction (algorithm 18.3), Hessians made
convex on the equations' null space by inertia control. The identification of active bounds by the
last subproblem makes one factorization of most late steps.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.suites.constrained.problem import ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1007/978-0-387-40065-5",
    tune={"nu": (1e-1, 1e4, "log")},
    requires={"gradient": (True,), "jacobian": (True,), "hessian": (True,)},
)
def sqp(
    problem: ConstrainedProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-9,
    nu: float = 10.0,
    scaling: float = 100.0,
    iterations: int = 1000,
) -> Generator[dict[str, Any], None, str]:
    """Solve a convex quadratic model with linearized rows, and search along its solution.

    Args:
        problem: any, with exact second derivatives.
        rng: not used.
        tolerance: of the judge's scaled optimality error.
        nu: the first weight of the violation; it grows with the multipliers.
        scaling: f and rows with larger gradients at the start are scaled down to it.
        iterations: the limit.

    Yields:
        x, y and z at each iteration.

    Returns:
        Why it ended without a solution.
    """
    from tiltyard.implementations.constrained._scaled import ScaledProblem
    from tiltyard.implementations.constrained._sqp import SQP

    del rng
    nlp = ScaledProblem(problem, scaling)
    if not nlp.consistent:
        yield {"x": np.array(problem.x0)}
        return "a lower bound is above an upper one"
    run = SQP(nlp, tolerance, nu, iterations)
    yield from run.iterate()
    return run.reason
