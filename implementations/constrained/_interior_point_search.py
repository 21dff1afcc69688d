"""The filter line search: trial points along a direction, second-order corrections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._filter import (
    GAMMA_PHI,
    GAMMA_THETA,
    Filter,
    improves,
)
from tiltyard.implementations.constrained._interior_point_state import Barrier, Point

Array = NDArray[np.float64]

S_THETA, S_PHI, DELTA = 1.1, 2.3, 1.0
"""The switching condition alpha (-slope)^S_PHI > DELTA theta^S_THETA."""

ETA = 1e-8
"""Armijo's constant."""

SHORTEST = 0.05
"""Times the shortest step that could be acceptable: below it the search gives up."""

SMALL_THETA, LARGE_THETA = 1e-4, 1e4
"""Times max(1, theta at the start): where Armijo's condition matters, and the filter's limit."""

CORRECTIONS, CORRECTED = 4, 0.99
"""The most second-order corrections, and the decrease of theta that each must bring."""


@dataclass(frozen=True, slots=True)
class Descent:
    """What a line search starts from.

    Attributes:
        point: the current point.
        phi: its barrier function.
        slope: of the barrier function along the direction.
        direction: of v.
        longest: the longest step inside the bounds.
        boundary: returns the longest step for another direction.
        corrected: returns a direction for a residual of the rows, the matrix unchanged.
    """

    point: Point
    phi: float
    slope: float
    direction: Array
    longest: float
    boundary: Callable[[Array], float]
    corrected: Callable[[Array], Array]


class LineSearch:
    """Finds acceptable points; algorithm A of Wächter & Biegler (2006).

    Args:
        barrier: evaluates.
        theta: the violation at the start.
    """

    def __init__(self, barrier: Barrier, theta: float) -> None:
        self._barrier = barrier
        self._small = SMALL_THETA * max(1.0, theta)
        self.filter = Filter(LARGE_THETA * max(1.0, theta))

    def search(self, start: Descent, mu: float) -> tuple[Point, float] | None:
        """Return an acceptable point and the step's length, or None."""
        alpha = start.longest
        shortest = self._shortest(start)
        first = True
        while alpha >= shortest or first:
            trial = self._barrier.point(start.point.v + alpha * start.direction)
            if self._accepts(start, trial, alpha, mu):
                return trial, alpha
            if first and trial.theta >= start.point.theta:
                corrected = self._correct(start, trial, alpha, mu)
                if corrected is not None:
                    return corrected
            first = False
            alpha *= 0.5
            if alpha < 1e-16:
                break
        return None

    def _shortest(self, start: Descent) -> float:
        theta, slope = start.point.theta, start.slope
        least = GAMMA_THETA
        if slope < 0.0:
            least = min(least, GAMMA_PHI * theta / -slope)
            if theta <= self._small:
                least = min(least, DELTA * theta**S_THETA / (-slope) ** S_PHI)
        return SHORTEST * least

    def _accepts(self, start: Descent, trial: Point, alpha: float, mu: float) -> bool:
        """Test a trial point, and add the current one to the filter where the step calls for it."""
        phi = self._barrier.phi(trial, mu)
        theta, slope = start.point.theta, start.slope
        if not self.filter.accepts(trial.theta, phi):
            return False
        descends = (
            slope < 0.0
            and theta <= self._small
            and alpha * (-slope) ** S_PHI > DELTA * theta**S_THETA
        )
        armijo = phi - start.phi - 1e-14 * abs(start.phi) <= ETA * alpha * slope
        if descends:
            if not armijo:
                return False
        elif not improves(trial.theta, phi, theta, start.phi):
            return False
        if not (descends and armijo):
            self.filter.add(theta, start.phi)
        return True

    def _correct(
        self, start: Descent, trial: Point, alpha: float, mu: float
    ) -> tuple[Point, float] | None:
        """Return a point after second-order corrections, or None."""
        residual = start.point.c
        theta, length = start.point.theta, alpha
        for _ in range(CORRECTIONS):
            residual = length * residual + trial.c
            if not np.isfinite(residual).all():
                return None
            direction = start.corrected(residual)
            length = start.boundary(direction)
            trial = self._barrier.point(start.point.v + length * direction)
            if self._accepts(start, trial, alpha, mu):
                return trial, alpha
            if not trial.theta <= CORRECTED * theta:
                return None
            theta = trial.theta
        return None

    def remember(self, point: Point, mu: float) -> None:
        """Add a point to the filter."""
        self.filter.add(point.theta, self._barrier.phi(point, mu))

    def acceptable(self, point: Point, old: Point, mu: float) -> bool:
        """Return whether a point is acceptable to the filter and to an older point."""
        phi, old_phi = self._barrier.phi(point, mu), self._barrier.phi(old, mu)
        return self.filter.accepts(point.theta, phi) and improves(
            point.theta, phi, old.theta, old_phi
        )
