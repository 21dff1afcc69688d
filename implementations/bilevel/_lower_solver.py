"""Solves the lower level at a given x by counted oracles, to a tolerance, for methods that choose x.

Without constraints g: L-BFGS-B. With few of them: SLSQP. With many: an augmented Lagrangian. A
lower level that is not convex is solved from several starts. Where its solution is not unique, the
one with the smaller F is wanted: f + sigma F is minimised for sigma = 1e-3, then 1e-6.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem

Array = NDArray[np.float64]

SELECTION = (1e-3, 1e-6)
"""Weights of F, one after the other, where the lower level has several solutions."""

FEASIBLE = 1e-6
"""A y that violates a constraint by more is no solution."""

STARTS = 8
"""Random starts, besides the last solution and y0, for a lower level that is not convex."""

SMALL = 60
"""Up to this many variables and constraints SLSQP solves it: its work is cubic in them."""

RADIUS = 10.0
"""Random starts lie this far around y0 at most where Y is not bounded."""

_ITERATIONS = 10_000
_OUTER = 40


class _NotFiniteError(Exception):
    """Ends a solver that does not end on NaN."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What was found at one x.

    Attributes:
        y: (dim_y,).
        value: f(x, y); infinite where no feasible y was found.
        violation: the largest of a constraint g.
    """

    y: Tensor
    value: float
    violation: float


class LowerSolver:
    """Solves the lower level at one x after another; each starts from the last solution.

    Args:
        problem: whose oracles are charged.
        rng: draws the starts where the lower level is not convex.
        tolerance: of the projected gradient, relative to that at the start if it is above 1, and
            of violations.
    """

    def __init__(
        self, problem: BilevelProblem, rng: np.random.Generator, *, tolerance: float
    ) -> None:
        self._problem, self._rng, self._tolerance = problem, rng, tolerance
        self._y0 = problem.start()[1]
        self._last = self._y0
        low, high = (bound.cpu().numpy() for bound in problem.y_bounds)
        self._bounds = Bounds(low, high)
        self._equations = int(problem.facts["equations"])
        self._constraints = self._equations + int(problem.facts["inequalities"])
        self._multipliers = np.zeros(self._constraints)
        self._convex = problem.facts["lower_convexity"] != "nonconvex"
        self._weights = (0.0,) if problem.facts["lower_unique"] else SELECTION

    def solve(self, x: Tensor) -> Solution:
        """Return the best solution found at x, (dim_x,)."""
        found = [self._from(x, start) for start in self._starts()]
        best = min(found, key=lambda pair: (pair[1].value == math.inf, pair[0]))[1]
        if best.value < math.inf:
            self._last = best.y
        return best

    def _starts(self) -> list[Tensor]:
        if self._convex:
            return [self._last]
        y0 = self._y0.cpu().numpy()
        low = np.where(np.isfinite(self._bounds.lb), self._bounds.lb, y0 - RADIUS)
        high = np.where(np.isfinite(self._bounds.ub), self._bounds.ub, y0 + RADIUS)
        drawn = [self._tensor(self._rng.uniform(low, high)) for _ in range(STARTS)]
        return [self._last, self._y0, *drawn]

    def _from(self, x: Tensor, start: Tensor) -> tuple[float, Solution]:
        """Return f + sigma F with the last sigma, and the solution from this start."""
        y = start.cpu().numpy()
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                # SLSQP warns where rounding takes it out of its bounds.
                warnings.simplefilter("ignore", RuntimeWarning)
                for weight in self._weights:
                    y = self._minimise(_Weighted(self._problem, x, weight), x, y)
        except _NotFiniteError:
            return math.inf, Solution(start, math.inf, math.inf)
        last = self._tensor(y)
        violation = self._violation(x, last)
        if not violation <= FEASIBLE:
            return math.inf, Solution(last, math.inf, violation)
        value = self._problem.lower(x, last)
        chosen = value if len(self._weights) == 1 else _Weighted(self._problem, x, weight).value(y)
        return chosen, Solution(last, value, violation)

    def _minimise(self, function: _Weighted, x: Tensor, y: Array) -> Array:
        if not self._constraints:
            return self._descend(function.both, y)
        if len(y) + self._constraints <= SMALL:
            return self._slsqp(function, x, y)
        return self._augmented(function, x, y)

    def _descend(self, both: Callable[[Array], tuple[float, Array]], y: Array) -> Array:
        """Minimise over Y by L-BFGS-B."""
        size = max(1.0, float(np.abs(both(y)[1]).max()))
        result = minimize(
            both,
            y,
            jac=True,
            method="L-BFGS-B",
            bounds=self._bounds,
            options={"gtol": self._tolerance * size, "ftol": 0.0, "maxiter": _ITERATIONS},
        )
        return np.asarray(result.x, dtype=np.float64)

    def _slsqp(self, function: _Weighted, x: Tensor, y: Array) -> Array:
        m = self._equations

        def values(z: Array) -> Array:
            return self._finite(self._problem.constraints(x, self._tensor(z)))

        parts = (("eq", slice(None, m), 1.0), ("ineq", slice(m, None), -1.0))
        constraints = [
            {
                "type": kind,
                "fun": lambda z, part=part, sign=sign: sign * values(z)[part],
                "jac": lambda z, part=part, sign=sign: sign * self._jacobian(x, z)[part],
            }
            for kind, part, sign in parts
            if len(range(self._constraints)[part])
        ]
        result = minimize(
            function.value,
            y,
            jac=function.gradient,
            method="SLSQP",
            bounds=self._bounds,
            constraints=constraints,
            options={"ftol": 1e-6 * self._tolerance, "maxiter": 200},
        )
        return np.clip(result.x, self._bounds.lb, self._bounds.ub)

    def _jacobian(self, x: Tensor, y: Array) -> Array:
        """Return the derivatives of g in y, (constraints, dim_y), asked for once if linear."""
        if self._problem.facts["constraints"] == "linear":
            return self._constant
        return self._rows(x, self._tensor(y))

    @cached_property
    def _constant(self) -> Array:
        return self._rows(*self._problem.start())

    def _rows(self, x: Tensor, y: Tensor) -> Array:
        unit = torch.eye(self._constraints, dtype=torch.float64, device=y.device)
        rows = [self._problem.constraint_products(x, y, one)[1] for one in unit]
        return self._finite(torch.stack(rows))

    def _augmented(self, function: _Weighted, x: Tensor, y: Array) -> Array:
        """Minimise the augmented Lagrangian over Y and update multipliers, Birgin & Martinez."""
        m, penalty, last = self._equations, 10.0, math.inf

        def shifted(z: Array) -> tuple[Array, Array]:
            """Return g and the multipliers that a step with this penalty gives."""
            g = self._finite(self._problem.constraints(x, self._tensor(z)))
            new = self._multipliers + penalty * g
            new[m:] = np.maximum(0.0, new[m:])
            return g, new

        def both(z: Array) -> tuple[float, Array]:
            value, gradient = function.both(z)
            _, new = shifted(z)
            at, multipliers = self._tensor(z), self._tensor(new)
            pull = self._problem.constraint_products(x, at, multipliers)[1]
            return value + 0.5 * float(new @ new) / penalty, gradient + pull.cpu().numpy()

        for _ in range(_OUTER):
            y = self._descend(both, y)
            g, new = shifted(y)
            miss = float(np.abs(np.append(g[:m], np.maximum(g[m:], -new[m:] / penalty))).max())
            self._multipliers = new
            if miss <= self._tolerance:
                break
            if miss > 0.25 * last:
                penalty = min(10.0 * penalty, 1e8)
            last = miss
        return y

    def _violation(self, x: Tensor, y: Tensor) -> float:
        if not self._constraints:
            return 0.0
        g = self._problem.constraints(x, y)
        g = torch.cat((g[: self._equations].abs(), g[self._equations :].clamp(min=0.0)))
        return float(g.max())

    def _finite(self, values: Tensor) -> Array:
        found: Array = values.cpu().numpy()
        if not np.isfinite(found).all():
            raise _NotFiniteError
        return found

    def _tensor(self, y: Array) -> Tensor:
        return torch.from_numpy(np.array(y)).to(self._y0.device)


class _Weighted:
    """f + sigma F as a function of y, (dim_y,) float64; F is not asked where sigma is 0."""

    def __init__(self, problem: BilevelProblem, x: Tensor, weight: float) -> None:
        self._problem, self._x, self._weight = problem, x, weight

    def value(self, y: Array) -> float:
        """Return the value.

        Raises:
            _NotFiniteError: it is not.
        """
        at = torch.from_numpy(np.array(y)).to(self._x.device)
        value = self._problem.lower(self._x, at)
        if self._weight:
            value += self._weight * self._problem.upper(self._x, at)
        if not math.isfinite(value):
            raise _NotFiniteError
        return value

    def gradient(self, y: Array) -> Array:
        """Return the gradient, (dim_y,).

        Raises:
            _NotFiniteError: it is not.
        """
        at = torch.from_numpy(np.array(y)).to(self._x.device)
        gradient = self._problem.lower_gradient_y(self._x, at)
        if self._weight:
            gradient = gradient + self._weight * self._problem.upper_gradient_y(self._x, at)
        found: Array = gradient.cpu().numpy()
        if not np.isfinite(found).all():
            raise _NotFiniteError
        return found

    def both(self, y: Array) -> tuple[float, Array]:
        """Return the value and the gradient."""
        return self.value(y), self.gradient(y)
