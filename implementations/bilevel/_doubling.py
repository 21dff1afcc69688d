"""How hypergradient estimators grow their inner and linear iterations in one run."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import Tensor

from tiltyard.implementations.bilevel._implicit import curvature
from tiltyard.suites.bilevel.problem import BilevelProblem


def inner_iterates(
    problem: BilevelProblem, *, accelerated: bool
) -> Iterator[tuple[int, Tensor, float]]:
    """Yield how many more steps on f were made, y after them, and 1 / L.

    1, 1, 2, 4, ... steps, so that all are 1, 2, 4, 8, .... Plain steps are of 1 / L; accelerated
    ones are Nesterov's for strong convexity, with momentum (sqrt L - sqrt mu) / (sqrt L + sqrt mu).
    """
    x, y = problem.start()
    mu, L = curvature(problem, x, y)
    momentum = 0.0
    if accelerated:
        momentum = (math.sqrt(L) - math.sqrt(mu)) / (math.sqrt(L) + math.sqrt(mu))
    last, total = y, 0
    while True:
        more = max(1, total)
        for _ in range(more):
            ahead = y + momentum * (y - last)
            last, y = y, ahead - problem.lower_gradient_y(x, ahead) / L
        total += more
        yield more, y, 1.0 / L
