"""MAID's line search on bounds of Phi."""

from __future__ import annotations

from torch import Tensor

from tiltyard.implementations.bilevel._certified import Certified, Point
from tiltyard.suites.bilevel.problem import BilevelProblem

ROUNDING = 1e-15
"""Relative error of a value of F."""

FINE = 1000.0
"""A promised decrease of so many roundings is told by values, a smaller one by slopes."""


def steepness(problem: BilevelProblem, point: Point, step: float) -> float:
    """Return |x - P(x - step z)| / step: |z| where X is free."""
    return float((_moved(problem, point, step) - point.x).norm()) / step


def stationary(point: Point, eps: float) -> bool:
    """Return whether no better accuracy can be proven in float64."""
    return not eps > point.least


def _moved(problem: BilevelProblem, point: Point, step: float) -> Tensor:
    if point.z is None:
        raise AssertionError
    return problem.project_x(point.x - step * point.z)


class LineSearch:
    """Backtracking from point to point.

    Args:
        problem: projects.
        certified: solves and differentiates.
        shrink: factor from trial to trial.
        decrease: eta.
    """

    def __init__(
        self, problem: BilevelProblem, certified: Certified, *, shrink: float, decrease: float
    ) -> None:
        self._problem, self._certified = problem, certified
        self._shrink, self._decrease = shrink, decrease

    def __call__(
        self, point: Point, step: float, trials: int, eps: float
    ) -> tuple[Point, float] | None:
        """Return the first point that is lower by enough, and its step; None if none is."""
        by_values = step * steepness(self._problem, point, step) ** 2 > FINE * _rounding(point)
        for _ in range(trials):
            x = _moved(self._problem, point, step)
            moved = float((x - point.x).norm())
            if moved == 0.0:
                return None
            trial = self._certified.point(x, point.y, eps)
            change = trial.value + trial.spread - point.value + point.spread
            if not by_values:
                self._certified.differentiate(trial, eps)
                change = _by_slopes(point, trial, moved)
            if change <= -self._decrease * moved**2 / step:
                return trial, step
            step *= self._shrink
        return None


def _rounding(point: Point) -> float:
    """Return what rounding leaves unknown of Phi there."""
    return float(point.slope.norm()) * point.least + ROUNDING * abs(point.value)


def _by_slopes(point: Point, trial: Point, moved: float) -> float:
    """Return a bound of Phi's change by the trapezoid rule, in which nothing cancels."""
    if point.z is None or trial.z is None:
        raise AssertionError
    change = 0.5 * float((point.z + trial.z) @ (trial.x - point.x))
    return change + 0.5 * (point.omega + trial.omega) * moved
