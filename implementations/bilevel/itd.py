"""Iterative differentiation: the gradient of F through unrolled gradient steps on f (ITD)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2010.07962",
    tune={"inner": (5, 10, 20, 50, 100, 200), "ratio": (0.1, 1.5, "log")},
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def itd(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    inner: int = 50,
    truncate: int = 0,
    ratio: float = 1.0,
) -> Iterator[Answer]:
    """ITD-BiO: unroll gradient steps on f, differentiate F through them, step on Phi.

    A round of Ji, Yang and Liang (2021), Algorithm 1: ``inner`` gradient steps from the last y,
    then reverse mode through them, a Hessian and a cross product each, then a projected step. The
    hypergradient keeps a bias of order (1 - s mu)^inner, s the step on f: it is exact only with
    enough steps. With ``truncate`` only the last so many steps are differentiated (Shaban et al.
    2019, arXiv:1810.10667). Ours: 50 steps instead of the 10 to 20 of the paper, which suit
    condition numbers below 10; steps on f of 2 / (mu + L), of 1 / L where the problem states no
    curvature; and an outer step of ratio / Lambda from secants (see ``_implicit.SecantStep``).

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        inner: gradient steps on f a round.
        truncate: how many of them are differentiated; 0 is all.
        ratio: of the outer step to 1 / Lambda.
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import (
        Curvature,
        SecantStep,
        gradient_steps,
        unrolled_gradient,
    )

    x, y = problem.start()
    yield {"x": x, "y": y}
    curvature, outer = Curvature(problem), SecantStep(problem, ratio)
    while True:
        y, steps = gradient_steps(problem, curvature, x, y, inner)
        x = outer(x, unrolled_gradient(problem, x, y, steps[-truncate:]))
        yield {"x": x, "y": y}
