"""Convex quadratic subproblems of sequential quadratic programming, elastic in the rows.

In d, a step of v = (x, s):

    minimise g'd + d'(H + delta I)d / 2 + nu ||c + A d||_1  subject to bounds on v + d,

A = [J, -I] with slacks. A guess of the active bounds costs one factorization; where it is wrong,
Mehrotra's predictor-corrector method (1992, doi:10.1137/0802028) solves the subproblem, with
c + A d = p - n and multipliers of p and n of nu - y and nu + y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._interior_point_newton import Newton
from tiltyard.implementations.constrained._scaled import Bounds

Array = NDArray[np.float64]

STIFF = 1e10
"""The curvature that holds a variable at its bound, over the largest of the Hessian."""

WRONG = 1e-9
"""How far a guess may violate bounds and signs of multipliers."""

ITERATIONS, ACCURATE = 100, 1e-11
"""Of the predictor-corrector method: the limit, and the relative residual at which it ends."""


@dataclass(slots=True)
class Solution:
    """A step d, multipliers y of the rows and z of the bounds, and what is left of c + A d."""

    d: Array
    y: Array
    z: Array
    left: float


class Quadratic:
    """The subproblem at one point; H and J are those of ``newton``.

    Args:
        newton: solves the linear systems.
        bounds: of v.
        g: (size,) slope.
        c: (m,) residual of the rows.
        t: distances of v from its bounds.
    """

    def __init__(self, newton: Newton, bounds: Bounds, g: Array, c: Array, t: Array) -> None:
        self.newton, self.bounds, self.g, self.c, self.t = newton, bounds, g, c, t
        self.size = newton.nlp.size

    def guess(self, active: NDArray[np.bool_], nu: float) -> Solution | None:
        """Return the solution if these bounds are the active ones, else None."""
        if not self.factor(active):
            return None
        solution = self.held(active, self.c)
        if solution is None:
            return None
        inside = self.t + self.bounds.sign * solution.d[self.bounds.at]
        scale = max(1.0, float(abs(solution.z).max(initial=0.0)))
        fits = (
            inside.min(initial=0.0) >= -WRONG
            and solution.z.min(initial=0.0) >= -WRONG * scale
            and abs(solution.y).max(initial=0.0) <= nu
        )
        return solution if fits else None

    def factor(self, active: NDArray[np.bool_]) -> bool:
        """Factor the system that holds the active bounds."""
        sigma = self.bounds.spread(np.where(active, STIFF, 0.0), self.size)
        return self.newton.factor(sigma, 0.0, 1e-4)

    def held(self, active: NDArray[np.bool_], c: Array) -> Solution | None:
        """Return the step to c + A d = 0 and to the active bounds, by the last factors."""
        bounds, newton = self.bounds, self.newton
        pull = bounds.spread(np.where(active, STIFF * bounds.sign * self.t, 0.0), self.size)
        step, error = newton.solve(self.g + pull, c)
        if not error <= 1e-6:
            return None
        slope = self.g + self._curved(step.v, newton.delta) + newton.pulled(step.y)
        z = np.where(active, bounds.sign * slope[bounds.at], 0.0)
        return Solution(step.v, step.y, z, 0.0)

    def _curved(self, d: Array, delta: float) -> Array:
        n = self.newton.nlp.n
        curved = delta * d
        curved[:n] += self.newton.kkt.hessian_times(d[:n])
        return curved

    def _linear(self, d: Array) -> Array:
        """Return A d."""
        nlp = self.newton.nlp
        if not nlp.m:
            return np.zeros(0)
        product = self.newton.jacobian.times(d[: nlp.n])
        product[nlp.rows] -= d[nlp.n :]
        return product

    def solve(self, nu: float) -> Solution | None:
        """Return the solution by the predictor-corrector method, None where it fails."""
        newton, bounds = self.newton, self.bounds
        if not newton.factor(np.zeros(self.size), 0.0, 1e-4):
            return None
        delta = newton.delta
        w = _Iterate(self, nu)
        for _ in range(ITERATIONS):
            r_v = self.g + self._curved(w.d, delta) + newton.pulled(w.y)
            r_v -= bounds.spread(bounds.sign * w.z, self.size)
            r_c = self.c + self._linear(w.d) - w.p + w.n
            r_t = self.t + bounds.sign * w.d[bounds.at] - w.t
            mu = w.mu()
            worst = max(
                float(abs(r_v).max(initial=0.0)) / (1.0 + nu),
                float(abs(r_c).max(initial=0.0)),
                float(abs(r_t).max(initial=0.0)),
                mu / (1.0 + nu),
            )
            if worst <= ACCURATE:
                break
            sigma = bounds.spread(w.z / w.t, self.size) + delta
            elastic = w.p / w.zp + w.n / w.zn
            if not newton.factor(sigma, elastic, 1e-4) or not w.advance(r_v, r_c, r_t, mu):
                break
        fine = worst <= 1e-6 and np.isfinite(w.d).all()
        left = float(abs(self.c + self._linear(w.d)).sum())
        return Solution(w.d, w.y, w.z, left) if fine else None


class _Iterate:
    """A point of the predictor-corrector method."""

    def __init__(self, problem: Quadratic, nu: float) -> None:
        self._of = problem
        self.d = np.zeros(problem.size)
        self.t = np.maximum(problem.t, 1.0)
        self.z = np.ones(len(self.t))
        self.y = np.zeros(len(problem.c))
        half = np.maximum(1.0, abs(problem.c))
        self.p, self.n = half + np.maximum(problem.c, 0.0), half + np.maximum(-problem.c, 0.0)
        self.zp = np.full(len(problem.c), nu)
        self.zn = self.zp.copy()

    def mu(self) -> float:
        """Return the mean product of complementary variables."""
        count = len(self.t) + 2 * len(self.p)
        total = float(self.t @ self.z + self.p @ self.zp + self.n @ self.zn)
        return total / max(count, 1)

    def advance(self, r_v: Array, r_c: Array, r_t: Array, mu: float) -> bool:
        """Take a predictor and a corrector step; return False where nothing moves."""
        zeros = np.zeros(len(self.t)), np.zeros(len(self.p)), np.zeros(len(self.p))
        parts = self._direction(r_v, r_c, r_t, 0.0, zeros)
        if parts is None:
            return False
        _, dy, dt, dz, dp, dn = parts
        alpha = self._longest((dt, dz, dp, dn, -dy, dy), 1.0)
        products: Array = np.concatenate(
            [
                (self.t + alpha * dt) * (self.z + alpha * dz),
                (self.p + alpha * dp) * (self.zp - alpha * dy),
                (self.n + alpha * dn) * (self.zn + alpha * dy),
            ]
        )
        after = float(products.sum()) / max(len(products), 1)
        center = (max(after, 0.0) / mu) ** 3 * mu if mu > 0.0 else 0.0
        parts = self._direction(r_v, r_c, r_t, center, (dt * dz, -dp * dy, dn * dy))
        if parts is None:
            return False
        d, dy, dt, dz, dp, dn = parts
        alpha = self._longest((dt, dz, dp, dn, -dy, dy), 0.995)
        if not alpha > 1e-10:
            return False
        self.d, self.y = self.d + alpha * d, self.y + alpha * dy
        self.t, self.z = self.t + alpha * dt, self.z + alpha * dz
        self.p, self.n = self.p + alpha * dp, self.n + alpha * dn
        self.zp, self.zn = self.zp - alpha * dy, self.zn + alpha * dy
        return True

    def _direction(
        self, r_v: Array, r_c: Array, r_t: Array, center: float, second: tuple[Array, Array, Array]
    ) -> tuple[Array, Array, Array, Array, Array, Array] | None:
        newton, bounds = self._of.newton, self._of.bounds
        want_t = center - self.t * self.z - second[0]
        want_p = center - self.p * self.zp - second[1]
        want_n = center - self.n * self.zn - second[2]
        pull = bounds.spread(bounds.sign * (want_t - self.z * r_t) / self.t, self._of.size)
        step, _ = newton.solve(r_v - pull, r_c - want_p / self.zp + want_n / self.zn)
        if not np.isfinite(step.v).all():
            return None
        dt = bounds.sign * step.v[bounds.at] + r_t
        dz = (want_t - self.z * dt) / self.t
        dp, dn = (want_p + self.p * step.y) / self.zp, (want_n - self.n * step.y) / self.zn
        return step.v, step.y, dt, dz, dp, dn

    def _longest(self, changes: tuple[Array, ...], part: float) -> float:
        room = np.concatenate([self.t, self.z, self.p, self.n, self.zp, self.zn])
        least = float((np.concatenate(changes) / room).min(initial=0.0))
        return 1.0 if least >= -part else -part / least
