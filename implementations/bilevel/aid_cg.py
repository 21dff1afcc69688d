"""Approximate implicit differentiation with conjugate gradients (AID-CG)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2010.07962",
    tune={"inner": (1, 5, 10, 20, 50), "linear": (1, 5, 10, 20, 50), "ratio": (0.1, 1.5, "log")},
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def aid_cg(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    inner: int = 10,
    linear: int = 10,
    ratio: float = 1.0,
) -> Iterator[Answer]:
    """AID-BiO with conjugate gradients: gradient steps on f, CG on the adjoint, a step on Phi.

    A round of Ji, Yang and Liang (2021), Algorithm 1: ``inner`` gradient steps on y from the last
    y, ``linear`` CG steps on H q = F_y from the last q, then x <- P(x - beta (F_x - J q)). Both
    warm starts make it exact in the limit. Ours: inner steps of 2 / (mu + L), of 1 / L where
    the problem states no curvature (see ``_implicit.Curvature``), and an outer step of
    ratio / Lambda from secants (see ``_implicit.SecantStep``): the paper tunes both by hand.

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        inner: gradient steps on f a round.
        linear: CG steps a round.
        ratio: of the outer step to 1 / Lambda.
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import (
        Curvature,
        SecantStep,
        conjugate_gradients,
        gradient_steps,
        implicit_gradient,
    )

    x, y = problem.start()
    yield {"x": x, "y": y}
    curvature, outer, q = Curvature(problem), SecantStep(problem, ratio), 0.0 * y
    while True:
        y, _ = gradient_steps(problem, curvature, x, y, inner)
        at = x, y
        q, _ = conjugate_gradients(
            partial(problem.hessian_product, *at),
            problem.upper_gradient_y(x, y),
            q,
            iterations=linear,
        )
        x = outer(x, implicit_gradient(problem, x, y, q))
        yield {"x": x, "y": y}
