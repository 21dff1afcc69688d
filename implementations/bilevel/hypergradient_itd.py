"""Error against cost of a hypergradient by unrolled gradient steps."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import HYPERGRADIENT

if TYPE_CHECKING:
    from torch import Tensor

    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2010.07962",
    tune={"ratio": (0.1, 1.0, "log")},
    requires=HYPERGRADIENT,
    devices=("cpu", "cuda"),
)
def hypergradient_itd(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    ratio: float = 1.0,
    growth: float = 2.0,
) -> Generator[Answer, None, str]:
    """Estimate the hypergradient through more and more unrolled gradient steps on f.

    ITD of Ji, Yang and Liang (2021): reverse mode through the steps. A round has ``growth`` times
    the steps of the last, counted from the start; the loop goes on where it was, and the reverse
    pass is made anew through the last ``ratio`` of all steps (truncated where ``ratio`` is below
    1, Shaban et al. 2019), a Hessian and a cross product each. Every step keeps a y in memory:
    past a million steps the method ends. The first answer is zero. Steps on f are as in ``itd``.

    Args:
        problem: of track ``hypergradient``.
        rng: unused, the method is deterministic.
        ratio: of differentiated steps to all, at most 1.
        growth: of the number of steps from round to round, above 1.
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import (
        Curvature,
        gradient_steps,
        unrolled_gradient,
    )
    from tiltyard.implementations.bilevel._rounds import UNROLLED, totals

    x, y = problem.start()
    yield {"hypergradient": 0.0 * x}
    curvature = Curvature(problem)
    steps: list[tuple[Tensor, float]] = []
    for total in totals(growth):
        if total > UNROLLED:
            break
        y, more = gradient_steps(problem, curvature, x, y, total - len(steps))
        steps += more
        last = steps[-math.ceil(ratio * total) :]
        yield {"hypergradient": unrolled_gradient(problem, x, y, last)}
    return f"{UNROLLED} steps are the most that are kept"
