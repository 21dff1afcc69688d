"""A point of a constrained problem as the judge sees it, with its KKT residuals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tiltyard.suites.constrained._differences import gradient_of, jacobian_of
from tiltyard.suites.constrained._multipliers import (
    Slack,
    bound_multipliers,
    least_squares_multipliers,
)
from tiltyard.suites.constrained.model import Array, Model


@dataclass(frozen=True, kw_only=True)
class Residuals:
    """Residuals of the KKT conditions, as the suite's metrics define them.

    Attributes:
        source: whose multipliers these are: ``method`` or ``least squares``.
        scale: what stationarity, dual and complementarity were divided by.
        multiplier: the largest multiplier by magnitude.
        multiplier_sum: sum of all magnitudes.
    """

    source: str
    stationarity: float
    primal: float
    dual: float
    complementarity: float
    scale: float
    multiplier: float
    multiplier_sum: float

    @property
    def kkt(self) -> float:
        """The largest of the four; infinity where one is NaN."""
        parts = (self.stationarity, self.primal, self.dual, self.complementarity)
        return float("inf") if any(np.isnan(parts)) else max(parts)


class Point:
    """Functions, slacks and violations at one x, each evaluated once.

    Args:
        model: the problem.
        x: (n,) float64.
    """

    def __init__(self, model: Model, x: Array) -> None:
        self.model, self.x = model, x
        bounds = model.bounds
        self.objective = float(model.objective(x))
        self.constraints = np.asarray(model.constraints(x), dtype=np.float64)
        self.of_x = Slack.of(x, bounds.lower, bounds.upper)
        self.of_c = Slack.of(self.constraints, bounds.c_lower, bounds.c_upper)

    @cached_property
    def gradient(self) -> Array:
        """(n,) gradient of f, by central differences where the model has none."""
        return gradient_of(self.model, self.x)

    @cached_property
    def jacobian(self) -> Any:
        """(m, n) Jacobian of c as ``csr_array``, by central differences where there is none."""
        return jacobian_of(self.model, self.x)

    @cached_property
    def violations(self) -> tuple[float, float]:
        """The largest violation of any bound b: as it is, and over max(1, |b|)."""
        bounds = self.model.bounds
        values = np.concatenate([self.constraints, self.x])
        lower = np.concatenate([bounds.c_lower, bounds.lower])
        upper = np.concatenate([bounds.c_upper, bounds.upper])
        below, above = np.maximum(lower - values, 0.0), np.maximum(values - upper, 0.0)
        low, up = (np.maximum(1.0, np.abs(bound)) for bound in (lower, upper))
        # An absent bound is violated by 0, and 0 / inf is 0.
        return largest(below, above), largest(below / low, above / up)

    def pull(self, y: Array) -> Array:
        """Return grad f + J'y by the model's second path to its derivatives."""
        if {"gradient", "jacobian"} <= self.model.provides:
            return np.asarray(self.model.lagrangian_gradient(self.x, y), dtype=np.float64)
        total: Array = self.gradient + self.jacobian.T @ y
        return total

    def multipliers(self) -> Array:
        """Return the (m,) least-squares multipliers; zeros where a derivative is not finite."""
        arrays = (self.gradient, self.jacobian.data, self.constraints)
        if not all(np.isfinite(array).all() for array in arrays):
            return np.zeros(self.model.m)
        return least_squares_multipliers(self.gradient, self.jacobian, self.of_x, self.of_c)

    def least_squares(self) -> Residuals:
        """Return the residuals with the multipliers that explain the point best."""
        y = self.multipliers()
        pull = self.pull(y)
        return self.residuals("least squares", pull, y, bound_multipliers(pull, self.of_x))

    def residuals(
        self, source: str, pull: Array, y: Array, z: Array, *, most: float = np.inf
    ) -> Residuals:
        """Return the residuals with given multipliers.

        Args:
            source: whose they are.
            pull: (n,) grad f + J'y.
            y: (m,) multipliers of c.
            z: (n,) multipliers of x.
            most: an upper limit of the scale.
        """
        scale = min(max(1.0, largest(self.gradient), largest(y), largest(z)), most)
        bounds = self.model.bounds
        products, wrong = [], []
        for multiplier, slack, lower, upper in (
            (y, self.of_c, bounds.c_lower, bounds.c_upper),
            (z, self.of_x, bounds.lower, bounds.upper),
        ):
            distance = slack.at(multiplier)
            bounded = np.isfinite(np.where(multiplier > 0, upper, lower))
            products.append(multiplier[bounded] * distance[bounded])
            wrong.append(multiplier[~bounded])
        return Residuals(
            source=source,
            stationarity=largest(pull + z) / scale,
            primal=self.violations[1],
            dual=largest(*wrong) / scale,
            complementarity=largest(*products) / scale,
            scale=scale,
            multiplier=largest(y, z),
            multiplier_sum=float(np.abs(y).sum() + np.abs(z).sum()),
        )


def largest(*arrays: Array) -> float:
    """Return the largest magnitude in any of the arrays: 0 without entries, NaN with a NaN."""
    return float(np.max([np.abs(array).max(initial=0.0) for array in arrays], initial=0.0))
