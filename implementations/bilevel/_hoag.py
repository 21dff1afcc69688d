"""HOAG's approximate hypergradients, its schedules and its step."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from tiltyard.implementations.bilevel._implicit import conjugate_gradients, implicit_gradient
from tiltyard.implementations.bilevel._lower_lbfgs import LowerLBFGS
from tiltyard.suites.bilevel.problem import BilevelProblem

LEAST = 1e-13
"""The best accuracy that is asked for, over max(1, |f_y| at the start)."""

SLACK = 0.25
"""C of the paper's test."""

GROWN = 0.2
"""Relative growth of F that undoes a step."""

ROUNDING = 1e-14
"""Relative error of a difference of values of F."""


def accuracies(schedule: str, first: float, decay: float) -> Iterator[float]:
    """Yield eps_1, eps_2, ... for ever.

    Raises:
        ValueError: no such schedule.
    """
    powers = {"constant": 0.0, "quadratic": -2.0, "cubic": -3.0}
    if schedule != "geometric" and schedule not in powers:
        known = ", ".join(("geometric", *powers))
        raise ValueError(f"schedule {schedule!r} is none of {known}")
    for k in itertools.count(1):
        yield first * (decay ** (k - 1) if schedule == "geometric" else k ** powers[schedule])


@dataclass(frozen=True, slots=True)
class Approximation:
    """One x: the lower level's y, Phi's value and gradient, and the accuracy of all three."""

    x: Tensor
    y: Tensor
    value: float
    gradient: Tensor
    eps: float


class Approximate:
    """Values and hypergradients of Phi to a given accuracy, each from the last solutions.

    Args:
        problem: whose oracles are charged.
        x: (dim_x,) start.
        y: (dim_y,) start.
    """

    def __init__(self, problem: BilevelProblem, x: Tensor, y: Tensor) -> None:
        self._problem = problem
        self._lower, self._q = LowerLBFGS(problem, y), 0.0 * y
        self._least = LEAST * max(1.0, float(problem.lower_gradient_y(x, y).norm()))

    def __call__(self, x: Tensor, eps: float) -> Approximation:
        """Return what is found at x, (dim_x,)."""
        problem, eps = self._problem, max(eps, self._least)
        y = self._lower.solve(x, eps)
        self._q, _ = conjugate_gradients(
            lambda v: problem.hessian_product(x, y, v),
            problem.upper_gradient_y(x, y),
            self._q,
            iterations=10 * len(y),
            tolerance=eps,
        )
        gradient = implicit_gradient(problem, x, y, self._q)
        value = problem.upper(x, y) - float(self._q @ self._lower.residual)
        return Approximation(x, y, value, gradient, eps)


class AdaptiveStep:
    """Steps of 1 / M, with M from the decrease of F.

    Attributes:
        caution: what accuracies are to be multiplied by: a half for every step undone.
        kept: the last point that was not undone.
    """

    kept: Approximation

    def __init__(self, problem: BilevelProblem) -> None:
        self._problem = problem
        self._M = 0.0
        self._started = False
        self.caution = 1.0

    def __call__(self, at: Approximation) -> Tensor:
        """Return the next x after this one."""
        if not self._started:
            self._started = True
            self._M = float(at.gradient.norm()) / math.sqrt(len(at.x)) or 1.0
            self.kept = at
        else:
            self._judge(at)
        return self._problem.project_x(self.kept.x - self.kept.gradient / self._M)

    def _judge(self, at: Approximation) -> None:
        last = self.kept
        move = at.x - last.x
        length = float(move.norm())
        wanted = 0.5 * self._M * length**2
        change = at.value - last.value
        slack = SLACK * at.eps + last.eps * (SLACK + 1.0) * length
        if wanted <= ROUNDING * abs(last.value):
            change, slack = 0.5 * float((at.gradient + last.gradient) @ move), 0.0
        if not at.value < last.value + GROWN * abs(last.value) and change > 0.0:
            self._M *= 2.0
            self.caution *= 0.5
            return
        self._M *= 0.95 if change <= slack - wanted else 2.0
        self.kept = at
