"""How points are scored: metrics and certificates, one class for each kind of lower level."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from tiltyard.names import Value
from tiltyard.suites.bilevel._hypergradient import (
    Hypergradient,
    hypergradient,
    projected_norm,
    upper,
)
from tiltyard.suites.bilevel._lower_level import TOLERANCE, LowerLevel, Solution
from tiltyard.suites.bilevel._reference import Reference
from tiltyard.suites.bilevel.model import Model

if TYPE_CHECKING:
    from torch import Tensor

ROUNDING = 1e-9
"""A value this little below the reference or the lower level's minimum, relatively, is noise."""


@dataclass(frozen=True, slots=True)
class Score:
    """What is found of one point.

    Attributes:
        metrics: those of the suite that apply.
        certificate: what they were made of.
        y: (dim_y,) the lower level's solution, for data held out; None where there is none.
    """

    metrics: dict[str, float]
    certificate: dict[str, Value] = field(default_factory=dict)
    y: Tensor | None = None


class Scorer(ABC):
    """Scores x in X, and y where it is given, against a reference or without one."""

    def __init__(self, model: Model, reference: Reference | None) -> None:
        self.model, self.best = model.on("cpu"), reference
        self.x0 = self.model.project_x(self.model.x0.clone())

    @abstractmethod
    def score(self, x: Tensor, y: Tensor | None) -> Score:
        """Return the score; a gap of infinity where Phi is not finite."""

    def lower(self, x: Tensor, y: Tensor) -> float:
        """Return f(x, y)."""
        with torch.no_grad():
            return float(self.model.lower(x, y, None))

    def excess(self, objective: float) -> float:
        """Return by how much the objective is above the reference, relatively; NaN without one."""
        if self.best is None:
            return math.nan
        return max(0.0, objective - self.best.value) / max(1.0, abs(self.best.value))

    def distance(self, x: Tensor) -> float:
        """Return how far x is from the reference's, relatively; NaN where that is not known."""
        if self.best is None or self.best.x is None:
            return math.nan
        size = max(1.0, float(np.linalg.norm(self.best.x)))
        return float(np.linalg.norm(x.numpy() - self.best.x)) / size

    def against(self, objective: float, margin: float, *, feasible: bool) -> dict[str, Value]:
        """Return the reference's value and kind, and by how much a feasible answer improves it."""
        if self.best is None:
            return {}
        best = self.best
        told: dict[str, Value] = {"reference": best.value, "reference_kind": best.kind}
        if feasible and objective < best.value - margin * max(1.0, abs(best.value)):
            told["improves_reference"] = best.value - objective
        return told


class Unconstrained(Scorer):
    """Scores x at y*(x), the one solution of a lower level without constraints."""

    def __init__(self, model: Model, reference: Reference | None) -> None:
        super().__init__(model, reference)
        self.level = LowerLevel(model)
        best = () if reference is None or reference.x is None else (torch.tensor(reference.x),)
        self.level.anchor(self.x0, *best)

    @cached_property
    def start(self) -> tuple[float, Hypergradient]:
        """Phi and its gradient at x0."""
        solution = self.level.solve(self.x0)
        return upper(self.model, self.x0, solution.y), hypergradient(self.level, solution)

    def score(self, x: Tensor, y: Tensor | None) -> Score:
        solution = self._solve(x, y)
        phi = upper(self.model, x, solution.y) if math.isfinite(solution.residual) else math.inf
        if not math.isfinite(phi):
            return Score({"gap": math.inf, "objective": phi})
        slope = hypergradient(self.level, solution)
        stationary = projected_norm(self.model, x, slope.gradient)
        metrics = {
            "gap": self._gap(phi, stationary),
            "objective": phi,
            "excess": self.excess(phi),
            "gradient": stationary,
            "distance": self.distance(x),
            **self._of_y(solution, y),
        }
        solved = solution.residual <= TOLERANCE
        certificate: dict[str, Value] = {
            "lower_residual": solution.residual,
            "lower_solved": "yes" if solved else "as far as rounding allows",
            "lower_error_bound": self._error_bound(solution),
            "linear_residual": slope.residual,
            **self.against(phi, ROUNDING, feasible=solved),
        }
        return Score(metrics, certificate, solution.y)

    def _solve(self, x: Tensor, y: Tensor | None) -> Solution:
        """Return the lower level's solution, from the method's own y where that helps.

        Raises:
            AssertionError: the method's y has a lower value than what the judge finds from it.
        """
        solution = self.level.solve(x, hint=y if self.model.convexity == "strong" else None)
        if y is None or not (value := self.lower(x, y)) < solution.value - _noise(solution.value):
            return solution
        solution = self.level.solve(x, y)
        if value < solution.value - _noise(solution.value):
            raise AssertionError(f"f(x, y) = {value!r} is below its minimum {solution.value!r}")
        return solution

    def _gap(self, phi: float, stationary: float) -> float:
        """Return (Phi - Phi*) / (Phi(x0) - Phi*), or without Phi* what is left of the gradient."""
        start, slope = self.start
        if self.best is None:
            first = projected_norm(self.model, self.x0, slope.gradient)
            return stationary / max(first, float(np.finfo(np.float64).tiny))
        least = float(np.finfo(np.float64).eps) * max(1.0, abs(self.best.value))
        return max(0.0, phi - self.best.value) / max(start - self.best.value, least)

    def _of_y(self, solution: Solution, y: Tensor | None) -> dict[str, float]:
        if y is None:
            return {}
        distance = float((y - solution.y).norm()) / max(1.0, float(solution.y.norm()))
        best = solution.value
        excess = max(0.0, self.lower(solution.x, y) - best) / max(1.0, abs(best))
        return {"lower_gap": excess, "lower_distance": distance}

    def _error_bound(self, solution: Solution) -> float:
        """Return |df/dy| / mu, which bounds |y - y*(x)|; NaN where mu is not known."""
        try:
            mu = self.model.curvature(solution.x)[0]
        except NotImplementedError:
            return math.nan
        return solution.local.norm / mu


def _noise(value: float) -> float:
    return ROUNDING * max(1.0, abs(value))
