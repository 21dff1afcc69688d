"""Approximate implicit differentiation with a Neumann series (AID-Neumann)."""

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
def aid_neumann(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    inner: int = 10,
    linear: int = 10,
    warm_start: bool = True,
    ratio: float = 1.0,
) -> Iterator[Answer]:
    """AID with a Neumann series: gradient steps on f, terms of the series, a step on Phi.

    A round of Ji, Yang and Liang (2021), with the series in place of CG: ``inner`` gradient steps
    on y from the last y, ``linear`` steps q <- q - s (H q - F_y) with the step s of f, then
    x <- P(x - beta (F_x - J q)). With ``warm_start`` q goes on from the last round, and the limit
    is exact; without, each round sums ``linear`` terms of s sum of (I - s H)^j F_y as published,
    which leaves a bias of order (1 - s mu)^linear. Ours: inner steps of 2 / (mu + L), of 1 / L
    where the problem states no curvature (see ``_implicit.Curvature``), and an outer step of
    ratio / Lambda from secants (see ``_implicit.SecantStep``): the paper tunes both by hand.

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        inner: gradient steps on f a round.
        linear: Hessian products a round, but one fewer where q starts at 0.
        warm_start: whether q goes on from the last round.
        ratio: of the outer step to 1 / Lambda.
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import (
        Curvature,
        SecantStep,
        gradient_steps,
        implicit_gradient,
        neumann,
    )

    x, y = problem.start()
    yield {"x": x, "y": y}
    curvature, outer, q = Curvature(problem), SecantStep(problem, ratio), 0.0 * y
    while True:
        y, _ = gradient_steps(problem, curvature, x, y, inner)
        at = x, y
        q = neumann(
            partial(problem.hessian_product, *at),
            problem.upper_gradient_y(x, y),
            q if warm_start else 0.0 * y,
            step=curvature.step(x, y),
            terms=linear,
        )
        x = outer(x, implicit_gradient(problem, x, y, q))
        yield {"x": x, "y": y}
