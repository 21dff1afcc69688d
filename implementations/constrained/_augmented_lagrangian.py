"""The augmented Lagrangian of Powell, Hestenes and Rockafellar, on NumPy or torch arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tiltyard.suites.constrained.problem import ConstrainedProblem


def largest(v: Any) -> float:
    """Return the largest absolute value; 0 for no entries, NaN where one is."""
    return float(abs(v).max()) if len(v) else 0.0


class AugmentedLagrangian:
    """f(x) + rho/2 dist(c(x) + y/rho, [c_lower, c_upper])^2, and its derivatives, by products.

    Attributes:
        xp: numpy or torch.
        lower: (n,) bounds of x, on the device.
        upper: likewise.
        y: (m,) estimates of the multipliers.
        rho: the penalty.
    """

    def __init__(self, problem: ConstrainedProblem) -> None:
        self.problem = problem
        self.xp: Any = np
        if problem.device != "cpu":
            import torch

            self.xp = torch
        self.lower, self.upper = self.array(problem.lower), self.array(problem.upper)
        self._c_lower, self._c_upper = self.array(problem.c_lower), self.array(problem.c_upper)
        self.y = self.array(problem.y0) * 0.0
        self.rho = 1.0

    def array(self, values: Any) -> Any:
        """Return a float64 copy on the problem's device."""
        copy = np.array(values, dtype=np.float64)
        return copy if self.xp is np else self.xp.from_numpy(copy).to(self.problem.device)

    def project(self, x: Any) -> Any:
        """Return the nearest point within the bounds of x."""
        return self.xp.clip(x, self.lower, self.upper)

    def violation(self, c: Any) -> Any:
        """Return how far the rows are outside, with sign."""
        return c - self.xp.clip(c, self._c_lower, self._c_upper)

    def multipliers(self, c: Any) -> Any:
        """Return rho (c + y/rho - its projection): the first-order estimate."""
        return self.rho * self.violation(c + self.y / self.rho)

    def value(self, x: Any) -> tuple[float, Any]:
        """Return the function's value, infinite where it is not finite, and c(x)."""
        with np.errstate(all="ignore"):
            f, c = float(self.problem.objective(x)), self.problem.constraints(x)
        pulled = self.multipliers(c)
        total = f + float(pulled @ pulled) / (2.0 * self.rho)
        return (total if np.isfinite(total) else float("inf")), c

    def gradient(self, x: Any, c: Any) -> tuple[Any, Any]:
        """Return the gradient of f and that of the function."""
        with np.errstate(all="ignore"):
            g = self.problem.gradient(x)
            if not len(c):
                return g, g
            pulled = self.problem.jacobian_transpose_product(x, self.multipliers(c))
        return g, g + pulled

    def curved(self, x: Any, c: Any, v: Any) -> Any:
        """Return the function's generalized Hessian times v."""
        y = self.multipliers(c)
        with np.errstate(all="ignore"):
            product = self.problem.hessian_product(x, y, v)
            if len(c):
                across = self.problem.jacobian_product(x, v)
                across = self.xp.where(y != 0.0, self.rho * across, 0.0 * across)
                product = product + self.problem.jacobian_transpose_product(x, across)
        return product

    def free(self, x: Any, slope: Any) -> Any:
        """Return which variables may move against the slope, as 0.0 and 1.0."""
        stuck = ((x <= self.lower) & (slope >= 0.0)) | ((x >= self.upper) & (slope <= 0.0))
        return self.xp.where(stuck, 0.0 * slope, 0.0 * slope + 1.0)
