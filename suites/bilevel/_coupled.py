"""How pairs (x, y) are scored where y is part of the answer."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from tiltyard.names import Value
from tiltyard.suites.bilevel._constrained_level import ConstrainedLevel, ConstrainedSolution
from tiltyard.suites.bilevel._global import lower_minimum
from tiltyard.suites.bilevel._hypergradient import (
    constrained_hypergradient,
    projected_norm,
    upper,
)
from tiltyard.suites.bilevel._reference import Reference
from tiltyard.suites.bilevel._scores import Score, Scorer
from tiltyard.suites.bilevel.model import Model

if TYPE_CHECKING:
    from torch import Tensor

WORST = 1e30
"""The gap where the lower level has no solution at x: finite, as the answer is no divergence."""

UNKNOWN = 1.0
"""The gap is at least this where neither a reference nor a gradient of Phi is known."""

FEASIBLE = 1e-8
"""The most that an answer may violate, or miss of the lower level, to improve the reference."""

BELOW = 1e-6
"""A y that is feasible to rounding and this far below the judge's minimum, relatively, refutes it.
"""

MARGIN = 1e-6
"""By how much, relatively, an answer must be better than the reference to improve it."""


@dataclass(frozen=True, slots=True)
class Lower:
    """The lower level at one x.

    Attributes:
        value: its minimum; infinite where ``reason`` says why there is none.
        y: (dim_y,) a minimiser.
        gradient: (dim_x,) of Phi; None where it is not defined or not known.
        certificate: how well it is solved.
        reason: empty, or ``infeasible``, ``unbounded``.
        certain: whether the value is a minimum beyond doubt.
    """

    value: float
    y: Tensor
    gradient: Tensor | None = None
    certificate: dict[str, Value] = field(default_factory=dict)
    reason: str = ""
    certain: bool = True


class Coupled(Scorer):
    """Scores (x, y): the largest of F's excess, violations and the lower level's gap."""

    @abstractmethod
    def solve(self, x: Tensor) -> Lower:
        """Return the lower level at x."""

    @cached_property
    def _stationary_at_start(self) -> float:
        return self._stationary(self.x0, self.solve(self.x0))

    def score(self, x: Tensor, y: Tensor | None) -> Score:
        """Return the score.

        Raises:
            AssertionError: y is feasible and well below the judge's minimum.
        """
        if y is None:
            raise ValueError("y is part of the answer")
        objective, value = upper(self.model, x, y), self.lower(x, y)
        violation = violations(self.model, x, y)
        if not math.isfinite(objective + value + violation):
            return Score({"gap": math.inf, "objective": objective})
        lower = self.solve(x)
        missed = self._missed(lower, value, violation)
        stationary = self._stationary(x, lower)
        metrics = {
            "gap": max(self._short(objective, stationary), violation, missed),
            "objective": objective,
            "excess": self.excess(objective),
            "gradient": stationary,
            "lower_gap": missed,
            "infeasibility": violation,
            "distance": self.distance(x),
        }
        if self.model.unique and not lower.reason:
            size = max(1.0, float(lower.y.norm()))
            metrics["lower_distance"] = float((y - lower.y).norm()) / size
        certificate = {
            **lower.certificate,
            **({"lower_level": lower.reason} if lower.reason else {"lower_value": lower.value}),
            **self.against(objective, MARGIN, feasible=max(violation, missed) <= FEASIBLE),
        }
        return Score(metrics, certificate, None if lower.reason else lower.y)

    def _missed(self, lower: Lower, value: float, violation: float) -> float:
        """Return the lower level's gap of an f(x, y)."""
        if lower.reason:
            return WORST
        missed = (value - lower.value) / max(1.0, abs(lower.value))
        if lower.certain and missed < -BELOW and violation <= 1e-3 * BELOW:
            raise AssertionError(
                f"f(x, y) = {value!r} at a violation of {violation:.1e} is below its minimum "
                f"{lower.value!r}"
            )
        return max(0.0, missed)

    def _stationary(self, x: Tensor, lower: Lower) -> float:
        if lower.gradient is None:
            return math.nan
        return projected_norm(self.model, x, lower.gradient)

    def _short(self, objective: float, stationary: float) -> float:
        """Return the excess, or without a reference what is left of the gradient."""
        if self.best is not None:
            return self.excess(objective)
        start = self._stationary_at_start
        known = math.isfinite(stationary) and math.isfinite(start) and start > 0.0
        return stationary / start if known else UNKNOWN


class Constrained(Coupled):
    """A lower level with constraints, solved to its KKT conditions."""

    def __init__(self, model: Model, reference: Reference | None) -> None:
        super().__init__(model, reference)
        self.level = ConstrainedLevel(model)
        self.level.anchor(self.x0)

    def solve(self, x: Tensor) -> Lower:
        found = self.level.solve(x)
        if found.status in {"infeasible", "unbounded"}:
            return Lower(math.inf, found.y, reason=found.status)
        solved = found.status == "solved"
        slope = constrained_hypergradient(found) if solved else None
        certificate: dict[str, Value] = {
            "lower_residual": found.residual,
            "lower_solved": "yes" if solved else "as far as rounding allows",
            "lower_duality_gap": found.duality_gap,
            **({} if slope is None else {"linear_residual": slope.residual}),
        }
        gradient = None if slope is None else slope.gradient
        return Lower(found.value, found.y, gradient, certificate, certain=solved)


class Library(Coupled):
    """A small lower level: a convex one solved to its KKT point, any other searched globally.

    The search, a grid and polishes, is thorough but no proof: a method's y that is lower still is
    no worse than the minimum.
    """

    def __init__(self, model: Model, reference: Reference | None) -> None:
        super().__init__(model, reference)
        self.level = ConstrainedLevel(model)

    def solve(self, x: Tensor) -> Lower:
        if self.model.convexity != "nonconvex" and self.model.form != "nonlinear":
            # A KKT point of a convex problem is its global minimum.
            start = self.model.project_y(self.model.y0)
            convex = self.level.solve(x, start)
            if convex.status == "solved":
                return self._lower(convex, certain=True)
        found = lower_minimum(self.model, x)
        if not math.isfinite(found.value):
            return Lower(math.inf, found.y, reason="infeasible")
        polished = self.level.solve(x, found.y)
        apart = abs(polished.value - found.value)
        if polished.status != "solved" or apart > BELOW * max(1.0, abs(found.value)):
            seen: dict[str, Value] = {"lower_violation": found.violation}
            return Lower(found.value, found.y, certificate=seen, certain=False)
        return self._lower(polished, certain=False)

    def _lower(self, found: ConstrainedSolution, *, certain: bool) -> Lower:
        slope = constrained_hypergradient(found) if self.model.unique else None
        gradient = None if slope is None else slope.gradient
        certificate: dict[str, Value] = {"lower_residual": found.residual}
        return Lower(found.value, found.y, gradient, certificate, certain=certain)


def violations(model: Model, x: Tensor, y: Tensor) -> float:
    """Return the largest violation of g, G and the bounds of Y."""
    with torch.no_grad():
        g, G = model.constraints(x, y), model.upper_constraints(x, y)
    m = model.equations
    parts = (g[:m].abs(), g[m:], G, model.y_lower - y, y - model.y_upper)
    return max(0.0, *(float(part.max()) for part in parts if len(part)))
