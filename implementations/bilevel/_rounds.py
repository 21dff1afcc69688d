"""Rounds of growing inner and linear iterations: error against cost of one hypergradient."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import Tensor

from tiltyard.implementations.bilevel._implicit import Curvature, gradient_steps
from tiltyard.suites.bilevel.problem import BilevelProblem

MOST = 2**40
"""Where the numbers of iterations stop growing."""

UNROLLED = 2**20
"""The most y that a reverse pass keeps."""


def totals(growth: float) -> Iterator[int]:
    """Yield 1, then ``growth`` times as many or one more, for ever."""
    total = 1
    while True:
        yield total
        total = min(max(total + 1, math.ceil(growth * total)), MOST)


class InnerSteps:
    """y after more and more steps on f(x, .) at one x, none of them taken twice.

    Gradient steps as in ``_implicit``, or Nesterov's accelerated ones with the momentum
    (1 - r) / (1 + r), r = sqrt(mu / L), and steps of 1 / L.

    Args:
        problem: whose oracles are charged.
        accelerated: which of them.
    """

    def __init__(self, problem: BilevelProblem, *, accelerated: bool) -> None:
        self._problem, self._accelerated = problem, accelerated
        self.x, self.y = problem.start()
        self.curvature = Curvature(problem)
        self._ahead: Tensor = self.y
        self._taken = 0

    def to(self, total: int) -> Tensor:
        """Return y after so many steps from the start, (dim_y,)."""
        more, self._taken = total - self._taken, total
        if not self._accelerated:
            self.y, _ = gradient_steps(self._problem, self.curvature, self.x, self.y, more)
            return self.y
        mu, L = self.curvature.at(self.x, self.y)
        r = math.sqrt(mu / L)
        for _ in range(more):
            slope = self._problem.lower_gradient_y(self.x, self._ahead)
            y = self._ahead - slope / L
            self._ahead = y + (1.0 - r) / (1.0 + r) * (y - self.y)
            self.y = y
        return self.y
