"""Phi and its gradient to rounding, as a function for SciPy."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.implementations.bilevel._implicit import conjugate_gradients, implicit_gradient
from tiltyard.implementations.bilevel._newton import minimise_lower
from tiltyard.suites.bilevel.problem import BilevelProblem

Array = NDArray[np.float64]


class Exact:
    """Evaluates Phi and grad Phi at one x after another, each from the last solutions.

    Args:
        problem: strongly convex lower level without constraints.
        tolerance: of |f_y| over max(1, |f_y| at the start), and of the adjoint's residual,
            relatively.

    Attributes:
        x: (dim_x,) where Phi was last evaluated, with ``y``, the lower level's solution there.
    """

    def __init__(self, problem: BilevelProblem, tolerance: float) -> None:
        self._problem, self._relative = problem, tolerance
        self.x, self.y = problem.start()
        self._q: Tensor = 0.0 * self.y
        size = float(problem.lower_gradient_y(self.x, self.y).norm())
        self._tolerance = tolerance * max(1.0, size)

    def value_and_gradient(self, point: Array) -> tuple[float, Array]:
        """Return Phi and its gradient, (dim_x,)."""
        problem = self._problem
        self.x = torch.from_numpy(point.copy()).to(self.x.device)
        x, y = self.x, minimise_lower(problem, self.x, self.y, self._tolerance)
        b = problem.upper_gradient_y(x, y)
        self._q, _ = conjugate_gradients(
            partial(problem.hessian_product, x, y),
            b,
            self._q,
            iterations=10 * len(y) + 100,
            tolerance=self._relative * float(b.norm()),
        )
        self.y = y
        slope: Array = implicit_gradient(problem, x, y, self._q).cpu().numpy()
        return problem.upper(x, y), slope
