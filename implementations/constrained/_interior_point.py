"""The loop of the primal-dual interior-point method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._interior_point_newton import Newton
from tiltyard.implementations.constrained._interior_point_restoration import Restoration
from tiltyard.implementations.constrained._interior_point_search import Descent, LineSearch
from tiltyard.implementations.constrained._interior_point_state import (
    EPSILON,
    Barrier,
    Errors,
    Measure,
    Point,
)
from tiltyard.implementations.constrained._scaled import ScaledProblem

Array = NDArray[np.float64]

KAPPA_SIGMA = 1e10
"""How far z may be from mu / t, as a factor."""

UNBOUNDED = -1e15
"""An objective below it at a feasible point is taken for unbounded."""

FEASIBLE = 1e-6
"""The violation, in the problem's units, below which a point counts as feasible."""

SOFT, SOFT_DECREASE = 10, 0.9999
"""The most steps in a row accepted by the optimality error alone, and its decrease."""


@dataclass(frozen=True, slots=True)
class Options:
    """The method's parameters; see ``primal_dual_interior_point``."""

    tolerance: float
    mu: float
    kappa_epsilon: float
    kappa_mu: float
    theta_mu: float
    tau_min: float
    iterations: int


class InteriorPoint:
    """One run.

    Args:
        nlp: the scaled problem.
        relax: by how much bounds move out.
        options: the parameters.

    Attributes:
        reason: why the run ended without a solution; empty before.
    """

    def __init__(self, nlp: ScaledProblem, relax: float, options: Options) -> None:
        self.nlp, self.options = nlp, options
        self.barrier = Barrier(nlp, relax)
        self.measure = Measure(self.barrier)
        self.newton = Newton(nlp)
        self.reason = ""
        self.mu = options.mu
        self._soft = 0
        self._tiny = 0
        self._failed = False
        self.z = np.ones(len(self.barrier.bounds.at))

    def iterate(self) -> Iterator[dict[str, Any]]:
        """Yield answers; the last one carries the claim, if any."""
        if not self._start():
            yield self._answer()
            return
        yield self._answer()
        for _ in range(self.options.iterations):
            errors, slope = self._errors()
            claim = self._claim(errors)
            if claim:
                yield {**self._answer(), "claim": claim}
                return
            errors = self._lower_mu(errors, slope)
            moved = self._step(errors)
            if not moved:
                restoration = Restoration(self)
                for v in restoration.iterate():
                    yield {"x": self.nlp.answer(v, self.y, np.zeros(self.nlp.n))["x"]}
                if not restoration.found:
                    yield from self._end(restoration)
                    return
                self._return(restoration)
            if self.reason:
                break
            yield self._answer()
        self.reason = self.reason or "the limit of iterations"
        yield self._answer()

    def _start(self) -> bool:
        nlp, barrier = self.nlp, self.barrier
        v = nlp.start
        c = nlp.values(v)
        v = np.concatenate([v[: nlp.n], np.nan_to_num(c[nlp.rows])])
        self.point = barrier.point(barrier.inside(v))
        self.y = np.zeros(nlp.m)
        self._differentiate()
        finite = np.isfinite(self.g).all() and np.isfinite(self.newton.jacobian_values).all()
        if not (np.isfinite(self.point.f + self.point.theta) and finite):
            self.reason = "the functions are not finite at the start"
            return False
        self._guess()
        self.search = LineSearch(barrier, self.point.theta)
        return True

    def _guess(self) -> None:
        """Set y to the least-squares multipliers."""
        bounds, nlp = self.barrier.bounds, self.nlp
        slope = -bounds.spread(bounds.sign * self.z, nlp.size)
        slope[: nlp.n] += self.g
        self.y = self.newton.multipliers(slope)

    def _differentiate(self) -> None:
        self.g = self.nlp.gradient(self.point.v)
        self.measure.g = self.g
        self.newton.take(self.nlp.jacobian(self.point.v))

    def _errors(self) -> tuple[Errors, Array]:
        slope = self.newton.pulled(self.y)
        slope[: self.nlp.n] += self.g
        errors, self.dual = self.measure.at(self.point, slope, self.y, self.z, self.mu)
        return errors, slope

    def _claim(self, errors: Errors) -> str:
        if errors.judged <= self.options.tolerance:
            return "solved"
        if self.point.f / self.nlp.f_scale < UNBOUNDED and errors.primal <= FEASIBLE:
            return "unbounded"
        return ""

    def _lower_mu(self, errors: Errors, slope: Array) -> Errors:
        """Lower mu while the barrier problem's error allows it (monotone strategy)."""
        options = self.options
        least = max(1e-16, 0.1 * options.tolerance * min(1.0, self.nlp.f_scale * errors.scale))
        while self.mu > least and (errors.barrier <= options.kappa_epsilon * self.mu or self._tiny):
            self.mu = max(least, min(options.kappa_mu * self.mu, self.mu**options.theta_mu))
            self.search.filter.clear()
            self._tiny = self._soft = 0
            errors, self.dual = self.measure.at(self.point, slope, self.y, self.z, self.mu)
        return errors

    def _step(self, errors: Errors) -> bool:
        """Take one step; return False where only restoration helps."""
        nlp, mu, point, bounds = self.nlp, self.mu, self.point, self.barrier.bounds
        newton = self.newton
        newton.set(nlp.hessian(point.v, self.y), newton.jacobian_values)
        ratio = self.z / point.t
        sigma = bounds.spread(ratio, nlp.size)
        if not newton.factor(sigma, 0.0, mu):
            return False
        gradient = self.barrier.gradient(point, self.g, mu)
        r_v = gradient + newton.pulled(self.y)
        step, error = newton.solve(r_v, point.c)
        if newton.runs_away(step, point.v) and newton.factor(sigma, 0.0, mu, newton.leash):
            step, error = newton.solve(r_v, point.c)
        if not error < 1e-2:
            return False
        tau = max(self.options.tau_min, 1.0 - mu)

        def boundary(dv: Array) -> float:
            return _longest(bounds.sign * dv[bounds.at], point.t, tau)

        dt = bounds.sign * step.v[bounds.at]
        dz = mu / point.t - self.z - ratio * dt
        longest_z = _longest(dz, self.z, tau)
        longest = _longest(dt, point.t, tau)
        start = Descent(
            point,
            self.barrier.phi(point, mu),
            float(gradient @ step.v),
            step.v,
            longest,
            boundary,
            lambda c: newton.solve(r_v, c)[0].v,
        )
        if abs(step.v / (1.0 + abs(point.v))).max(initial=0.0) < 10.0 * EPSILON:
            self._tiny += 1
            if self._tiny > 3:
                self.reason = "steps below the rounding error"
            self._move(self.barrier.point(point.v + longest * step.v), 1.0, step.y, longest_z, dz)
            return True
        found = self.search.search(start, mu)
        if found is None:
            return self._softly(start, step.y, longest_z, dz, errors)
        self._soft = self._tiny = 0
        self._move(found[0], found[1], step.y, longest_z, dz)
        return True

    def _move(self, point: Point, alpha: float, dy: Array, alpha_z: float, dz: Array) -> None:
        self.y = self.y + alpha * dy
        self._take(point, self.z + alpha_z * dz)

    def _take(self, point: Point, z: Array) -> None:
        """Stand at a point, z kept near mu / t."""
        self.point = point
        center = self.mu / point.t
        self.z = np.minimum(np.maximum(z, center / KAPPA_SIGMA), center * KAPPA_SIGMA)
        self._differentiate()

    def _softly(self, start: Descent, dy: Array, alpha_z: float, dz: Array, errors: Errors) -> bool:
        """Accept the step if it lowers the optimality error (soft restoration)."""
        if self._soft >= SOFT:
            return False
        old = self.point, self.y, self.z
        alpha = min(start.longest, alpha_z)
        trial = self.barrier.point(start.point.v + alpha * start.direction)
        if not np.isfinite(trial.f + trial.theta):
            return False
        if not self._soft:
            self.search.remember(start.point, self.mu)
        self._move(trial, alpha, dy, alpha, dz)
        new, _ = self._errors()
        if new.barrier <= SOFT_DECREASE * errors.barrier:
            self._soft += 1
            return True
        self.point, self.y, self.z = old
        self._differentiate()
        return False

    def _return(self, restoration: Restoration) -> None:
        """Go on from where the restoration ended."""
        self._soft = self._tiny = 0
        self._take(restoration.point, np.minimum(restoration.z, 1e3))
        self._guess()

    def _end(self, restoration: Restoration) -> Iterator[dict[str, Any]]:
        self.reason = restoration.reason
        if restoration.infeasible:
            v = restoration.point.v
            answer = self.nlp.answer(v, np.zeros(self.nlp.m), np.zeros(self.nlp.n))
            yield {"x": answer["x"], "claim": "infeasible"}
        else:
            yield self._answer()

    def _answer(self) -> dict[str, Any]:
        bounds = self.barrier.bounds
        z = bounds.spread(-bounds.sign * self.z, self.nlp.size)
        y = self.y
        if len(self.nlp.rows):
            # An inequality's multiplier is that of its slack's bounds, whose sign is right.
            y = y.copy()
            y[self.nlp.rows] = z[self.nlp.n :]
        return self.nlp.answer(self.point.v, y, z)


def _longest(change: Array, room: Array, tau: float) -> float:
    """Return the longest step, at most 1, that keeps a (1 - tau) part of each room."""
    least = float((change / room).min(initial=0.0))
    return 1.0 if least >= -tau else -tau / least
