"""The state of HOAG and its step."""

from __future__ import annotations

import math
from functools import partial

from torch import Tensor

from tiltyard.implementations.bilevel._implicit import (
    conjugate_gradients,
    curvature,
    implicit_gradient,
)
from tiltyard.implementations.bilevel._lower_lbfgs import lbfgs
from tiltyard.suites.bilevel.problem import BilevelProblem

SHRINK, GROW = 0.95, 2.0
"""What a kept and a refused step do to the estimate of Phi's smoothness."""

FLOOR = 1e-13
"""Tolerances below this are below rounding."""


class Hoag:
    """HOAG's iterates.

    Args:
        problem: strongly convex lower level without constraints.
        accuracy: the first tolerance, relative to the gradient of f at the start.

    Attributes:
        x: (dim_x,) the last point kept.
        y: (dim_y,) the lower level's solution there.
    """

    def __init__(self, problem: BilevelProblem, accuracy: float) -> None:
        self._problem, self._accuracy = problem, accuracy
        self.x, self.y = problem.start()
        self._size = max(1.0, float(problem.lower_gradient_y(self.x, self.y).norm()))
        self._q: Tensor = 0.0 * self.y
        self._value: float | None = None
        self._error = 0.0
        self._smoothness = 0.0
        self._next = self._direction = self.x

    def step(self, decay: float) -> None:
        """Look at the next point, keep it or not, and choose the one after it."""
        problem, x = self._problem, self._next
        tolerance = max(FLOOR, self._accuracy * decay)
        y = lbfgs(problem, x, self.y, tolerance * self._size)
        value, slope = problem.upper(x, y), problem.upper_gradient_y(x, y)
        mu, _ = curvature(problem, x, y)
        error = tolerance * self._size / mu if mu > 0.0 else 0.0
        if self._value is not None:
            slack = float(slope.norm()) * (error + self._error) + FLOOR * (1.0 + abs(value))
            moved = float((x - self.x).square().sum())
            if not value <= self._value - 0.25 * self._smoothness * moved + slack:
                self._smoothness *= GROW
                self._accuracy *= 0.5
                self._next = problem.project_x(self.x - self._direction / self._smoothness)
                return
            self._smoothness *= SHRINK
        self.x, self.y, self._value, self._error = x, y, value, error
        self._q, _ = conjugate_gradients(
            partial(problem.hessian_product, x, y),
            slope,
            self._q,
            iterations=10 * len(y) + 100,
            tolerance=tolerance * float(slope.norm()),
        )
        self._direction = implicit_gradient(problem, x, y, self._q)
        size = float(self._direction.norm())
        if not self._smoothness:
            self._smoothness = size / math.sqrt(len(x)) or 1.0
        self._next = problem.project_x(x - self._direction / self._smoothness)
