"""Approximate implicit differentiation with a truncated Neumann series."""

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
    cites="arXiv:1802.02246",
    tune={"inner": (1, 5, 10, 20, 50), "terms": (5, 10, 20, 50, 200), "ratio": (0.1, 1.5, "log")},
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def aid_neumann(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    inner: int = 10,
    terms: int = 10,
    ratio: float = 1.0,
) -> Iterator[Answer]:
    """AID with a Neumann series: gradient steps on f, a truncated series for H^-1 F_y, a step.

    A round (Ghadimi and Wang 2018; Ji, Yang and Liang 2021): ``inner`` gradient steps on y from the
    last y, q = eta sum over j < terms of (I - eta H)^j F_y, x <- P(x - beta (F_x - J q)). The
    series starts anew every round, so that its bias (1 - mu / L)^terms stays: the method ends
    near the optimum and not at it. Ours: steps 1 / L on f and in the series, and outer steps from
    secants (see ``_implicit.SecantStep``).

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        inner: gradient steps on f a round.
        terms: of the series.
        ratio: of the outer step to 1 / Lambda.
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import (
        SecantStep,
        curvature,
        implicit_gradient,
        neumann,
    )

    x, y = problem.start()
    yield {"x": x, "y": y}
    outer = SecantStep(problem, ratio)
    while True:
        step = 1.0 / curvature(problem, x, y)[1]
        for _ in range(inner):
            y = y - step * problem.lower_gradient_y(x, y)
        q = neumann(
            partial(problem.hessian_product, x, y),
            problem.upper_gradient_y(x, y),
            step,
            terms,
        )
        x = outer(x, implicit_gradient(problem, x, y, q))
        yield {"x": x, "y": y}
