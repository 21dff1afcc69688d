"""Truncated Newton's method for a strongly convex lower level, by counted oracles."""

from __future__ import annotations

import math
from functools import partial

from torch import Tensor

from tiltyard.implementations.bilevel._implicit import conjugate_gradients
from tiltyard.suites.bilevel.problem import BilevelProblem

MOST = 100
"""Newton steps; from a warm start it takes a few."""

HALVINGS = 40


def minimise_lower(problem: BilevelProblem, x: Tensor, y: Tensor, tolerance: float) -> Tensor:
    """Return y with |f_y(x, y)| <= tolerance, or the last point where rounding allows no less.

    Truncated Newton: CG to a residual of min(1/2, sqrt|f_y|) |f_y| (Nocedal & Wright 2006,
    Algorithm 7.1), and a step that is halved until the gradient's norm, in a convex problem the
    merit of Newton's direction, shrinks.
    """
    slope = problem.lower_gradient_y(x, y)
    size = float(slope.norm())
    for _ in range(MOST):
        if not tolerance < size < math.inf:
            break
        step, _ = conjugate_gradients(
            partial(problem.hessian_product, x, y),
            -slope,
            0.0 * y,
            iterations=2 * len(y) + 10,
            tolerance=min(0.5, math.sqrt(size)) * size,
        )
        for halvings in range(HALVINGS):
            new = y + 0.5**halvings * step
            fresh = problem.lower_gradient_y(x, new)
            if float(fresh.norm()) < (1.0 - 1e-4 * 0.5**halvings) * size:
                break
        else:
            break
        y, slope, size = new, fresh, float(fresh.norm())
    return y
