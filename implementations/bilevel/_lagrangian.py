"""Saddle points of the lower level's Lagrangian by primal-dual steps."""

from __future__ import annotations

import torch
from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem


class Saddle:
    """An approximate saddle point of weight F + f + <multipliers, g / scale>, with y in Y.

    Attributes:
        y: (dim_y,).
        multipliers: of the scaled constraints; >= 0 for inequalities.

    Args:
        problem: whose oracles are charged.
        y: (dim_y,) start.
        weight: of F; 0 leaves it out, and the saddle value is the lower level's.
        scale: g is divided by it.
    """

    def __init__(self, problem: BilevelProblem, y: Tensor, weight: float, scale: float) -> None:
        self._problem, self.y, self._weight, self._scale = problem, y, weight, scale
        self._equations = int(problem.facts["equations"])
        count = self._equations + int(problem.facts["inequalities"])
        self.multipliers = y.new_zeros(count)

    def settle(self, x: Tensor, rounds: tuple[int, int], lengths: tuple[float, float]) -> None:
        """Take rounds of so many projected steps of y and one of the multipliers.

        Args:
            x: (dim_x,).
            rounds: rounds, and steps of y in each; each step charges f_y, g_product and perhaps
                F_y, each round g.
            lengths: of y's steps and of the multipliers'.
        """
        problem = self._problem
        for _ in range(rounds[0]):
            for _ in range(rounds[1]):
                self.y = problem.project_y(self.y - lengths[0] * self._slope(x))
            rise = problem.constraints(x, self.y) / self._scale
            ahead, m = self.multipliers + lengths[1] * rise, self._equations
            self.multipliers = torch.cat((ahead[:m], ahead[m:].clamp(min=0.0)))

    def slope_x(self, x: Tensor) -> Tensor:
        """Return the gradient in x of f + <multipliers, g / scale>; at weight 0 that of v."""
        pull = self._problem.constraint_products(x, self.y, self.multipliers / self._scale)[0]
        return self._problem.lower_gradient_x(x, self.y) + pull

    def _slope(self, x: Tensor) -> Tensor:
        problem = self._problem
        pull = problem.constraint_products(x, self.y, self.multipliers / self._scale)[1]
        slope = problem.lower_gradient_y(x, self.y) + pull
        if self._weight:
            slope = slope.add(problem.upper_gradient_y(x, self.y), alpha=self._weight)
        return slope
