"""The judge's own solution of a lower level with constraints, to its Karush-Kuhn-Tucker conditions.

Sequential quadratic programming with exact derivatives. Each quadratic program is solved by a
primal-dual active set method from the last active set; where that cycles, Clarabel finds the active
set. A convex lower level is solved by one program where it is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from tiltyard.suites.bilevel._lower_level import Local
from tiltyard.suites.bilevel._programs import Infeasible, Program, Rows, Unbounded
from tiltyard.suites.bilevel.model import Array, Model

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-9
"""The KKT residual at a solution."""

_ITERATIONS = 60
_PATIENCE = 6

Status = Literal["solved", "inexact", "infeasible", "unbounded"]


class Point:
    """f(x, .) and all constraints on y, bounds of Y among them, around one y.

    Attributes:
        values: (m,) of the constraints: equations, inequalities g, then finite bounds.
        jacobian: (m, dim_y).
    """

    def __init__(self, model: Model, x: Tensor, y: Tensor) -> None:
        self.model, self.x, self.y = model, x, y.detach()
        self.f = Local(lambda z: model.lower(x, z, None), y, model.n_lower)
        with torch.enable_grad():
            z = y.detach().clone().requires_grad_()
            g = model.constraints(x, z)
            eye = torch.eye(len(g), dtype=torch.float64)
            J = torch.zeros(len(g), len(y), dtype=torch.float64)
            if g.requires_grad:
                (J,) = torch.autograd.grad(g, z, eye, is_grads_batched=True, materialize_grads=True)
        low, high = model.y_lower - self.y, self.y - model.y_upper
        below, above = torch.isfinite(model.y_lower), torch.isfinite(model.y_upper)
        unit = torch.eye(len(y), dtype=torch.float64)
        self.values: Array = torch.cat([g.detach(), low[below], high[above]]).numpy()
        self.jacobian: Array = torch.cat([J, -unit[below], unit[above]]).numpy()
        self.gradient: Array = self.f.gradient.numpy()

    @cached_property
    def violation(self) -> float:
        """The largest violation of a constraint or bound."""
        miss = self.values.copy()
        rest = miss[self.model.equations :]
        rest[:] = np.maximum(rest, 0.0)
        return float(np.abs(miss).max(initial=0.0))

    @property
    def finite(self) -> bool:
        """Whether everything is."""
        arrays = self.values, self.jacobian, self.gradient
        return math.isfinite(self.f.norm) and all(np.isfinite(one).all() for one in arrays)

    def lagrangian(self, multipliers: Array) -> Local:
        """Return f + <multipliers, constraints> around y; bounds are linear and add nothing."""
        given = len(self.values) - self._bounds
        weights = torch.from_numpy(multipliers[:given])
        model, x = self.model, self.x
        if not given:
            return self.f
        return Local(
            lambda z: model.lower(x, z, None) + model.constraints(x, z) @ weights,
            self.y,
            model.n_lower,
        )

    @property
    def _bounds(self) -> int:
        return len(self.values) - self.model.equations - self.model.inequalities

    def residual(self, multipliers: Array) -> float:
        """Return the largest KKT residual; stationarity and complementarity over max(1, |df|)."""
        m = self.model.equations
        scale = max(1.0, float(np.abs(self.gradient).max(initial=0.0)))
        pull = self.gradient + self.jacobian.T @ multipliers
        slack = multipliers[m:] * self.values[m:]
        parts = (pull / scale, np.minimum(multipliers[m:], 0.0) / scale, slack / scale)
        worst = max(float(np.abs(part).max(initial=0.0)) for part in parts)
        return max(worst, self.violation)


@dataclass(frozen=True)
class ConstrainedSolution:
    """A minimiser of f(x, .) over its constraints, or why there is none.

    Attributes:
        status: ``inexact`` where the KKT residual stays above ``TOLERANCE``.
        point: the minimiser and what is around it.
        multipliers: (m,) of ``point``'s constraints, those of inequalities not negative.
        residual: of the KKT conditions.
    """

    status: Status
    point: Point
    multipliers: Array
    residual: float

    @property
    def y(self) -> Tensor:
        """The minimiser, (dim_y,)."""
        return self.point.y

    @property
    def value(self) -> float:
        """The least value of f(x, .)."""
        return self.point.f.value

    @property
    def duality_gap(self) -> float:
        """How far the Lagrangian dual's value at the multipliers is below f, were f convex."""
        return abs(float(self.multipliers @ self.point.values))


class ConstrainedLevel:
    """Solves a lower level with constraints at one x after another.

    Each starts from the last solution, or always from an anchor.
    """

    def __init__(self, model: Model) -> None:
        self.model = model.on("cpu")
        self._start: Tensor = self.model.project_y(self.model.y0)
        self._active: Rows | None = None
        self._anchor: tuple[Tensor, Rows | None] | None = None

    def anchor(self, x: Tensor) -> None:
        """Start at the solution at x from now on, so that a solution depends on its x alone."""
        self.solve(x)
        self._anchor = self._start, self._active

    def solve(self, x: Tensor, start: Tensor | None = None) -> ConstrainedSolution:
        """Return the solution at x; of a lower level that is not convex, a KKT point.

        Args:
            x: (dim_x,).
            start: (dim_y,); the last solution, or the anchor's, if None.
        """
        point = self._begin(x, start)
        multipliers = np.zeros(len(point.values))
        if not point.finite:
            return ConstrainedSolution("inexact", point, multipliers, math.inf)
        best = ConstrainedSolution("inexact", point, multipliers, point.residual(multipliers))
        vain = 0
        try:
            for _ in range(_ITERATIONS):
                step, multipliers = self._program(point, multipliers)
                if not (np.isfinite(step).all() and np.isfinite(multipliers).all()):
                    break
                point = _search(point, step, multipliers)
                residual = point.residual(multipliers)
                helped = residual < 0.5 * best.residual
                vain = 0 if residual < best.residual else vain + 1
                if not vain:
                    best = ConstrainedSolution("inexact", point, multipliers, residual)
                if vain == _PATIENCE or (best.residual <= TOLERANCE and not helped):
                    break
        except Infeasible:
            return ConstrainedSolution("infeasible", point, multipliers, math.inf)
        except Unbounded:
            return ConstrainedSolution("unbounded", point, multipliers, math.inf)
        if best.residual > TOLERANCE:
            return best
        self._start = best.y
        return ConstrainedSolution("solved", best.point, best.multipliers, best.residual)

    def _begin(self, x: Tensor, start: Tensor | None) -> Point:
        """Return where to start, and set the active set to try first."""
        if start is not None:
            self._start, self._active = start, None
        elif self._anchor is not None:
            self._start, self._active = self._anchor
        point = Point(self.model, x, self._start)
        return point if point.finite else Point(self.model, x, self.model.project_y(self.model.y0))

    def _program(self, point: Point, multipliers: Array) -> tuple[Array, Array]:
        """Return the step and multipliers of the quadratic program around a point."""
        program = Program(
            H=point.lagrangian(multipliers).hessian().numpy(),
            c=point.gradient,
            J=point.jacobian,
            b=-point.values,
            equations=self.model.equations,
        )
        step, found, self._active = program.solve(self._active)
        return step, found


def _search(point: Point, step: Array, multipliers: Array) -> Point:
    """Return the point of a backtracking search on the exact penalty function; the last tried."""
    weight = 2.0 * float(np.abs(multipliers).max(initial=0.0)) + 1.0
    equations = point.model.equations

    def merit(one: Point) -> float:
        miss = one.values.copy()
        miss[equations:] = np.maximum(miss[equations:], 0.0)
        value = one.f.value + weight * float(np.abs(miss).sum())
        return value if math.isfinite(value) else math.inf

    start = merit(point)
    noise = 1e-12 * max(1.0, abs(start))
    length, new = 1.0, point
    for _ in range(25):
        new = Point(point.model, point.x, point.y + length * torch.from_numpy(step))
        if merit(new) <= start + noise:
            break
        length *= 0.5
    return new
