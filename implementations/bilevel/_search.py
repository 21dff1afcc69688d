"""What methods share that look at one x after another: the box, the lower level, the best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.implementations.bilevel._lower_solver import FEASIBLE, LowerSolver
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trial:
    """One x, looked at.

    Attributes:
        value: F(x, y) at the lower level's solution y; infinite where none was found.
        violation: the largest of an upper-level constraint; infinite where no y was found.
    """

    value: float
    violation: float

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller is better: by violation while it is above ``FEASIBLE``, then by value.

        Deb (2000): a feasible point is better than any other, and no weight is needed.
        """
        above = self.violation if not self.violation <= FEASIBLE else 0.0
        return above, self.value


class Search:
    """Keeps the best of the x that it is shown.

    Args:
        problem: whose oracles are charged.
        rng: draws starts of lower levels that are not convex.
        tolerance: of the lower level's solutions.
        radius: the box reaches this far from the start where X has no bound.

    Attributes:
        low: (dim_x,) lower ends of the box, with ``high``.
    """

    def __init__(
        self,
        problem: BilevelProblem,
        rng: np.random.Generator,
        *,
        tolerance: float,
        radius: float,
    ) -> None:
        self._problem = problem
        self._solver = LowerSolver(problem, rng, tolerance=tolerance)
        x, self._y = problem.start()
        self.start: Array = x.cpu().numpy()
        low, high = (bound.cpu().numpy() for bound in problem.x_bounds)
        self.low = np.where(np.isfinite(low), low, self.start - radius)
        self.high = np.where(np.isfinite(high), high, self.start + radius)
        self._best = Trial(math.inf, math.inf)
        self._answer: Answer = {"x": x, "y": self._y}

    @property
    def answer(self) -> Answer:
        """The best so far; the start before the first trial."""
        return self._answer

    def look(self, at: Array) -> Trial:
        """Solve the lower level at the point of X nearest to ``at``, (dim_x,), and return F."""
        problem = self._problem
        x = problem.project_x(torch.from_numpy(np.array(at)).to(self._y.device))
        solved = self._solver.solve(x)
        if solved.value == math.inf:
            return Trial(math.inf, math.inf)
        trial = Trial(problem.upper(x, solved.y), self._violation(x, solved.y))
        if trial.rank < self._best.rank:
            self._best, self._answer = trial, {"x": x, "y": solved.y}
        return trial

    def _violation(self, x: Tensor, y: Tensor) -> float:
        if not self._problem.facts["upper_constraints"]:
            return 0.0
        return max(0.0, float(self._problem.upper_constraints(x, y).max()))
