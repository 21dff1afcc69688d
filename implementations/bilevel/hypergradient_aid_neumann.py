"""Error against cost of a hypergradient by inner steps and a Neumann series."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import HYPERGRADIENT

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2010.07962",
    tune={"ratio": (0.1, 4.0, "log"), "accelerated": (False, True)},
    requires=HYPERGRADIENT,
    devices=("cpu", "cuda"),
)
def hypergradient_aid_neumann(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    ratio: float = 1.0,
    accelerated: bool = False,
    warm_start: bool = True,
    growth: float = 2.0,
) -> Iterator[Answer]:
    """Estimate the hypergradient by more and more steps on f and on the adjoint by a series.

    The estimate F_x - J q of Ji, Yang and Liang (2021), with q after steps
    q <- q - s (H q - F_y) at y, s the step on f: from 0 the Neumann series. A round has
    ``growth`` times the inner steps of the last, counted from the start, and for each of them
    ``ratio`` terms, so that one run is the curve of error against cost.
    No inner step is taken twice, and what a round adds is all that it costs.
    The first answer is zero. Steps on f are as in ``aid_neumann``.

    Args:
        problem: of track ``hypergradient``.
        rng: unused, the method is deterministic.
        ratio: of linear iterations to inner ones.
        accelerated: whether inner steps are Nesterov's.
        warm_start: whether q goes on from the last round.
        growth: of the numbers from round to round, above 1.
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import implicit_gradient, neumann
    from tiltyard.implementations.bilevel._rounds import InnerSteps, totals

    inner = InnerSteps(problem, accelerated=accelerated)
    yield {"hypergradient": 0.0 * inner.x}
    q = 0.0 * inner.y
    for total in totals(growth):
        at = inner.x, inner.to(total)
        q = neumann(
            partial(problem.hessian_product, *at),
            problem.upper_gradient_y(*at),
            q if warm_start else 0.0 * q,
            step=inner.curvature.step(*at),
            terms=math.ceil(ratio * total),
        )
        yield {"hypergradient": implicit_gradient(problem, *at, q)}
