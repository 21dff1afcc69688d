"""Feasibility restoration: a smooth penalty of the violation, by primal-dual Newton steps.

The phase of section 3.3 of Wächter & Biegler (2006) minimises RHO ||c(v)||_1 plus a proximal term,
with c(v) = p - n, p and n positive. For given v the barrier problem in p and n has a closed
solution, so that what is left is a smooth function of v alone,

    Phi(v) = sum_i psi(c_i(v)) + zeta/2 ||D (v - v_R)||^2 - mu sum(log t),

for which every primal-dual Newton direction with the right inertia is one of descent.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._interior_point_state import EPSILON, Point

if TYPE_CHECKING:
    from tiltyard.implementations.constrained._interior_point import InteriorPoint

Array = NDArray[np.float64]

RHO = 1000.0
"""Weight of the violation."""

ENOUGH = 0.9
"""The part of the violation at the start below which the phase may end."""

LAST_MU = 1e-11
"""The barrier parameter at which the phase gives up."""

ITERATIONS = 300
"""The most steps of one phase."""

VIOLATED = 1e-5
"""The violation, over max(1, |bound|), above which a stationary point proves infeasibility."""


@dataclass(slots=True)
class _Elastic:
    """The closed solution in p and n: psi, its slope and p, n."""

    total: float
    slope: Array
    p: Array
    n: Array


class Restoration:
    """One phase, from where the interior-point method stands.

    Attributes:
        found: whether the last point is acceptable to the method's filter.
        infeasible: whether the phase ended at a stationary point of the violation.
        point: the last point.
        z: multipliers of the bounds there.
        reason: why nothing was found.
    """

    def __init__(self, run: InteriorPoint) -> None:
        self._run, self._nlp, self._barrier = run, run.nlp, run.barrier
        self.point, self._newton = run.point, run.newton
        self._center = run.point
        self._d2 = np.minimum(1.0, 1.0 / np.maximum(abs(run.point.v), 1e-300)) ** 2
        largest = float(abs(run.point.c).max(initial=0.0))
        self.mu = max(run.mu, min(largest, 1e4))
        self.z = np.minimum(run.z, RHO)
        self.y = self._elastic(self.point.c).slope
        self.found = self.infeasible = False
        self.reason = ""
        self._least = LAST_MU

    def iterate(self) -> Iterator[Array]:
        """Yield v at each step."""
        run = self._run
        if self._center.theta <= 1e-2 * run.options.tolerance or not self._nlp.m:
            self.reason = "no acceptable step at a feasible point"
            return
        run.search.remember(self._center, run.mu)
        for _ in range(ITERATIONS):
            if self._ended():
                return
            if not self._step():
                self.reason = self.reason or "the restoration found no step"
                self._verdict()
                return
            yield self.point.v
            self.found = self.point.theta <= ENOUGH * self._center.theta and run.search.acceptable(
                self.point, self._center, run.mu
            )
            if self.found:
                return
        self.reason = "the restoration's limit of iterations"

    def _elastic(self, c: Array) -> _Elastic:
        """Return the minimum over p - n = c of RHO (p + n) - mu (log p + log n)."""
        mu, a = self.mu, abs(c)
        off = mu - RHO * a
        root = np.sqrt(off * off + 2.0 * RHO * mu * a)
        with np.errstate(invalid="ignore", divide="ignore"):
            small = np.where(off > 0, (off + root) / (2.0 * RHO), mu * a / (root - off))
        large = a + small
        slope = np.sign(c) * (RHO - mu / large)
        above = c >= 0
        p, n = np.where(above, large, small), np.where(above, small, large)
        total = float((RHO * (p + n) - mu * np.log(p * n)).sum())
        return _Elastic(total, slope, p, n)

    def _phi(self, point: Point, elastic: _Elastic) -> float:
        off = point.v - self._center.v
        proximal = 0.5 * self._zeta * float(off @ (self._d2 * off))
        return elastic.total + proximal - self.mu * point.logs

    @property
    def _zeta(self) -> float:
        return float(np.sqrt(self.mu))

    def _gradient(self) -> Array:
        """Return the gradient of Phi without that of psi(c)."""
        bounds = self._barrier.bounds
        slope = bounds.spread(bounds.sign * (-self.mu / self.point.t), self._nlp.size)
        slope += self._zeta * self._d2 * (self.point.v - self._center.v)
        return slope

    def _ended(self) -> bool:
        """Lower mu where the subproblem is solved; return whether it is with the last mu."""
        while True:
            elastic = self._elastic(self.point.c)
            pulled = self._newton.pulled(elastic.slope)
            error = float(abs(self._gradient() + pulled).max(initial=0.0)) / RHO
            if error > 10.0 * self.mu:
                return False
            if self.mu <= self._least:
                self._verdict()
                return True
            self.mu = max(self._least, min(0.2 * self.mu, self.mu**1.5))

    def _verdict(self) -> None:
        """Say whether the point is stationary for the violation, and violated."""
        nlp, bounds = self._nlp, self._barrier.bounds
        elastic = self._elastic(self.point.c)
        slope = self._newton.pulled(elastic.slope) - bounds.spread(
            bounds.sign * (self.mu / self.point.t), nlp.size
        )
        stationary = float(abs(slope).max(initial=0.0)) <= 1e-6 * RHO and self.mu <= 1e-6
        violation = float((abs(self.point.c) * nlp.c_unit).max(initial=0.0))
        self.infeasible = stationary and violation > VIOLATED
        self.reason = self.reason or (
            "converged to a point of local infeasibility"
            if self.infeasible
            else "the restoration converged, to no point that the filter accepts"
        )

    def _step(self) -> bool:
        run, nlp, newton, point = self._run, self._nlp, self._newton, self.point
        bounds = self._barrier.bounds
        newton.set(nlp.hessian(point.v, self.y, 0.0), newton.jacobian_values)
        elastic = self._elastic(point.c)
        # Complementarity of p with RHO - y and of n with RHO + y.
        d = elastic.p / (RHO - self.y) + elastic.n / (RHO + self.y)
        ratio = self.z / point.t
        sigma = bounds.spread(ratio, nlp.size) + self._zeta * self._d2
        if not newton.factor(sigma, d, self.mu):
            return False
        gradient = self._gradient()
        step, _ = newton.solve(gradient + newton.pulled(self.y), d * (elastic.slope - self.y))
        dt = bounds.sign * step.v[bounds.at]
        dz = self.mu / point.t - self.z - ratio * dt
        tau = max(run.options.tau_min, 1.0 - self.mu)
        slope = float((gradient + newton.pulled(elastic.slope)) @ step.v)
        trial = self._search(step.v, slope, self._phi(point, elastic), _longest(dt, point.t, tau))
        if trial is None:
            return False
        rooms = np.concatenate([RHO - self.y, RHO + self.y])
        alpha = _longest(np.concatenate([-step.y, step.y]), rooms, tau)
        self.y = self.y + alpha * step.y
        self.z = self.z + _longest(dz, self.z, tau) * dz
        center = self.mu / trial.t
        self.z = np.minimum(np.maximum(self.z, center / 1e10), center * 1e10)
        self.point = trial
        newton.take(nlp.jacobian(trial.v))
        return True

    def _search(self, dv: Array, slope: float, phi: float, alpha: float) -> Point | None:
        """Return the first of the halved steps with Armijo's decrease of Phi."""
        if not np.isfinite(slope):
            return None
        rounding = 100.0 * EPSILON * abs(phi)
        while alpha > 1e-12:
            trial = self._barrier.point(self.point.v + alpha * dv)
            if np.isfinite(trial.theta + trial.f):
                value = self._phi(trial, self._elastic(trial.c))
                if value - rounding <= phi + 1e-4 * alpha * slope:
                    return trial
            alpha *= 0.5
        return None


def _longest(change: Array, room: Array, tau: float) -> float:
    least = float((change / room).min(initial=0.0))
    return 1.0 if least >= -tau else -tau / least
