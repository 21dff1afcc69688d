"""Solves the lower level at a given x by counted oracles, for methods that choose x.

Without constraints g: L-BFGS-B. With few of them: SLSQP. With many: an augmented Lagrangian. A
lower level that is not convex is solved from several starts. Where its solution is not unique, the
one with the smaller F is wanted: f + sigma F is minimised for sigma = 1e-3, then 1e-6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize
from torch import Tensor

from tiltyard.implementations.bilevel._slsqp import NotFiniteError, Side, slsqp
from tiltyard.suites.bilevel.problem import BilevelProblem

Array = NDArray[np.float64]

SELECTION = (1e-3, 1e-6)
"""Weights of F, one after the other, where the lower level has several solutions."""

FEASIBLE = 1e-6
"""A y that violates a constraint by more is no solution."""

SAMPLES, STARTS = 20, 3
"""Random points, and how many of them are starts, for a lower level that is not convex."""

SMALL = 60
"""Up to this many variables and constraints SLSQP solves it: its work is cubic in them."""

RADIUS = 10.0
"""Random starts lie this far around y0 at most where Y is not bounded."""

_ITERATIONS = 10_000
_OUTER = 40


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


@dataclass(frozen=True, slots=True)
class _End:
    y: Tensor
    value: float
    violation: float

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller is better: by violation while it is above ``FEASIBLE``, then by value."""
        return (self.violation if self.violation > FEASIBLE else 0.0), self.value


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
        weight, *finer = self._weights
        ends = [self._from(x, start, weight) for start in self._starts(x)]
        best = min(ends, key=lambda end: end.rank)
        for weight in finer:
            best = min(self._from(x, best.y, weight), best, key=lambda end: end.rank[0])
        if best.violation > FEASIBLE:
            return Solution(best.y, math.inf, best.violation)
        self._last = best.y
        return Solution(best.y, self._problem.lower(x, best.y), best.violation)

    def _starts(self, x: Tensor) -> list[Tensor]:
        """Return the last solution, and for a nonconvex level the best of random points."""
        if self._convex:
            return [self._last]
        y0 = self._y0.cpu().numpy()
        low = np.where(np.isfinite(self._bounds.lb), self._bounds.lb, y0 - RADIUS)
        high = np.where(np.isfinite(self._bounds.ub), self._bounds.ub, y0 + RADIUS)
        drawn = [self._tensor(self._rng.uniform(low, high)) for _ in range(SAMPLES)]
        ranked = sorted(drawn, key=lambda y: (self._violation(x, y), self._problem.lower(x, y)))
        return [self._last, *ranked[:STARTS]]

    def _from(self, x: Tensor, start: Tensor, weight: float) -> _End:
        """Return where minimising f + weight F from this start ends."""
        function = _Weighted(self._problem, x, weight)
        try:
            y = self._minimise(function, x, start.cpu().numpy())
            value = function.value(y) if len(self._weights) > 1 or not self._convex else 0.0
        except NotFiniteError:
            return _End(start, math.inf, math.inf)
        last = self._tensor(y)
        violation = self._violation(x, last)
        return _End(last, value, violation if math.isfinite(violation) else math.inf)

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
            options={
                "gtol": self._tolerance * size,
                "ftol": 0.0,
                "maxiter": _ITERATIONS,
                "maxcor": 20,
            },
        )
        return np.asarray(result.x, dtype=np.float64)

    def _slsqp(self, function: _Weighted, x: Tensor, y: Array) -> Array:
        m = self._equations

        def side(kind: Literal["eq", "ineq"], part: slice, sign: float) -> Side:
            return Side(
                kind,
                lambda z: sign * self._problem.constraints(x, self._tensor(z)).cpu().numpy()[part],
                lambda z: sign * self._jacobian(x, z)[part],
            )

        equal, rest = side("eq", slice(m), 1.0), side("ineq", slice(m, None), -1.0)
        return slsqp(
            y,
            (function.value, function.gradient),
            [*([equal] if m else []), *([rest] if m < self._constraints else [])],
            self._bounds,
            options={"ftol": 1e-6 * self._tolerance, "maxiter": 200},
        )

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
                return y
            if miss > 0.25 * last:
                penalty = min(10.0 * penalty, 1e8)
            last = miss
        # Those of an infeasible level have grown without bound.
        self._multipliers = np.zeros(self._constraints)
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
            raise NotFiniteError
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
            NotFiniteError: it is not.
        """
        at = torch.from_numpy(np.array(y)).to(self._x.device)
        value = self._problem.lower(self._x, at)
        if self._weight:
            value += self._weight * self._problem.upper(self._x, at)
        if not math.isfinite(value):
            raise NotFiniteError
        return value

    def gradient(self, y: Array) -> Array:
        """Return the gradient, (dim_y,).

        Raises:
            NotFiniteError: it is not.
        """
        at = torch.from_numpy(np.array(y)).to(self._x.device)
        gradient = self._problem.lower_gradient_y(self._x, at)
        if self._weight:
            gradient = gradient + self._weight * self._problem.upper_gradient_y(self._x, at)
        found: Array = gradient.cpu().numpy()
        if not np.isfinite(found).all():
            raise NotFiniteError
        return found

    def both(self, y: Array) -> tuple[float, Array]:
        """Return the value and the gradient."""
        return self.value(y), self.gradient(y)
