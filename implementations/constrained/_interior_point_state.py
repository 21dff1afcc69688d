"""A point of the interior-point method, and how far it is from optimality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._scaled import Bounds, ScaledProblem

Array = NDArray[np.float64]

DAMPING = 1e-5
"""Times mu: the slope away from the only bound of a variable, so that it stays bounded."""

EPSILON = float(np.finfo(float).eps)

LARGEST_SCALE = 1e3
"""Multipliers beyond it times max(1, |grad f|) no longer excuse an error: they may diverge."""

INFINITY = float("inf")


@dataclass(slots=True)
class Point:
    """Where the functions are known.

    Attributes:
        v: (size,) variables and slacks, strictly inside their bounds.
        t: (k,) distances from the bounds.
        f: scaled objective.
        c: (m,) scaled residual of the rows.
        theta: sum of its absolute values.
        logs: sum of the logarithms of the distances.
    """

    v: Array
    t: Array
    f: float
    c: Array
    theta: float
    logs: float


class Barrier:
    """The barrier function f(v) - mu sum(log t) + mu damp'v and its parts.

    Args:
        nlp: the scaled problem.
        relax: bounds move out by it, times max(1, |bound|): sets without interior get one.
    """

    def __init__(self, nlp: ScaledProblem, relax: float) -> None:
        self.nlp = nlp
        # A row's unit is its scaling factor: what the judge sees is not scaled.
        unit = np.concatenate([np.ones(nlp.n), nlp.c_scale[nlp.rows]])
        low, high = abs(nlp.lower), abs(nlp.upper)
        lower = nlp.lower - relax * np.maximum(unit, np.where(np.isfinite(low), low, 0.0))
        upper = nlp.upper + relax * np.maximum(unit, np.where(np.isfinite(high), high, 0.0))
        self.bounds = bounds = Bounds.of(lower, upper)
        self._least = EPSILON * np.maximum(1.0, abs(bounds.value))
        single = np.isfinite(nlp.lower) != np.isfinite(nlp.upper)
        self.damp = DAMPING * np.where(single, np.where(np.isfinite(nlp.lower), 1.0, -1.0), 0.0)

    def inside(self, v: Array, push: float = 1e-2, part: float = 1e-2) -> Array:
        """Return v pushed inside its bounds, by ``push`` or a part of their distance."""
        lower, upper = self.nlp.lower, self.nlp.upper
        with np.errstate(invalid="ignore"):
            width = np.where(np.isfinite(upper - lower), upper - lower, INFINITY)
            low = lower + np.minimum(push * np.maximum(1.0, abs(lower)), part * width)
            high = upper - np.minimum(push * np.maximum(1.0, abs(upper)), part * width)
        low, high = (
            np.where(np.isfinite(lower), low, lower),
            np.where(np.isfinite(upper), high, upper),
        )
        return np.clip(v, low, high)

    def point(self, v: Array) -> Point:
        """Return the point at v, its functions evaluated."""
        c = self.nlp.residual(v)
        t = np.maximum(self.bounds.distance(v), self._least)
        theta = float(abs(c).sum())
        f = self.nlp.objective(v)
        return Point(v, t, f, c, theta, float(np.log(t).sum()))

    def phi(self, point: Point, mu: float) -> float:
        """Return the barrier function."""
        return point.f + mu * (float(self.damp @ point.v) - point.logs)

    def gradient(self, point: Point, g: Array, mu: float) -> Array:
        """Return its (size,) gradient."""
        bounds = self.bounds
        slope = bounds.spread(bounds.sign * (-mu / point.t), self.nlp.size)
        slope += mu * self.damp
        slope[: self.nlp.n] += g
        return slope


@dataclass(frozen=True, slots=True)
class Errors:
    """Residuals of the optimality conditions.

    Attributes:
        judged: the largest in the problem's own units, as the suite's judge scales them.
        barrier: the largest of the scaled barrier problem's.
        primal: the largest violation of a row over max(1, |bound|), in the problem's units.
        scale: what ``judged`` divides the stationarity by.
    """

    judged: float
    barrier: float
    primal: float
    scale: float


class Measure:
    """Computes errors; equations (5) and (6) of Wächter & Biegler (2006) and the judge's.

    Attributes:
        g: the scaled gradient of f at the point that is measured.
    """

    def __init__(self, barrier: Barrier) -> None:
        self._nlp, self._bounds = barrier.nlp, barrier.bounds
        self._damp = barrier.damp
        self.g: Array = np.zeros(barrier.nlp.n)

    def at(self, point: Point, slope: Array, y: Array, z: Array, mu: float) -> tuple[Errors, Array]:
        """Return the errors and the (size,) gradient of the Lagrangian without bounds.

        Args:
            point: where.
            slope: the (size,) sum of the gradient of f and J'y.
            y: multipliers of the rows.
            z: multipliers of the bounds, not negative.
            mu: of the barrier problem.
        """
        nlp, bounds = self._nlp, self._bounds
        dual = slope - bounds.spread(bounds.sign * z, nlp.size)
        products = z * point.t
        worst_dual = float(abs(dual).max(initial=0.0))
        worst_product = float(products.max(initial=0.0))
        c = abs(point.c)
        sizes = float(abs(y).sum()), float(z.sum())
        count = len(y) + len(z)
        y_weight = max(100.0, sum(sizes) / max(count, 1)) / 100.0
        z_weight = max(100.0, sizes[1] / max(len(z), 1)) / 100.0
        least_product = float(products.min(initial=mu))
        off = max(worst_product - mu, mu - least_product, 0.0) if len(z) else 0.0
        damped = float(abs(dual + mu * self._damp).max(initial=0.0))
        barrier = max(damped / y_weight, float(c.max(initial=0.0)), off / z_weight)
        primal = float((c * nlp.c_unit).max(initial=0.0))
        slope_size = max(1.0, float(abs(self.g).max(initial=0.0)) / nlp.f_scale)
        multiplier = max(float((abs(y) * nlp.c_scale).max(initial=0.0)), float(z.max(initial=0.0)))
        scale = max(slope_size, min(multiplier / nlp.f_scale, LARGEST_SCALE * slope_size))
        judged = max(primal, max(worst_dual, worst_product) / (nlp.f_scale * scale))
        return Errors(judged, barrier, primal, scale), dual
