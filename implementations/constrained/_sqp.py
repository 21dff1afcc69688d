"""The loop of sequential quadratic programming with exact Hessians and an l1 merit function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.constrained._interior_point_newton import Newton
from tiltyard.implementations.constrained._interior_point_state import Barrier, Errors, Measure
from tiltyard.implementations.constrained._quadratic import Quadratic, Solution
from tiltyard.implementations.constrained._scaled import ScaledProblem

Array = NDArray[np.float64]

LARGEST_NU = 1e8
"""The largest weight of the violation."""

ARMIJO = 1e-4

UNBOUNDED, FEASIBLE, VIOLATED = -1e15, 1e-6, 1e-5
"""An objective below the first at a point violated by at most the second is unbounded; a stationary
point of the violation above the third is a proof of infeasibility."""


class SQP:
    """One run.

    Args:
        nlp: the scaled problem.
        tolerance: of the judge's optimality error.
        nu: the first weight of the violation.
        iterations: the limit.

    Attributes:
        reason: why the run ended without a solution; empty before.
    """

    def __init__(self, nlp: ScaledProblem, tolerance: float, nu: float, iterations: int) -> None:
        self.nlp, self.tolerance, self.nu, self.iterations = nlp, tolerance, nu, iterations
        barrier = Barrier(nlp, 0.0)
        self.bounds, self.measure = barrier.bounds, Measure(barrier)
        self.newton = Newton(nlp)
        self.reason = ""
        self.y = np.zeros(nlp.m)
        self.z = np.zeros(len(self.bounds.at))
        self._stalled = 0

    def iterate(self) -> Iterator[dict[str, Any]]:
        """Yield answers; the last one carries the claim, if any."""
        x = np.clip(self.nlp.start, self.nlp.lower, self.nlp.upper)
        self._take(*self._values(x))
        finite = np.isfinite(self.g).all() and np.isfinite(self.newton.jacobian_values).all()
        if not (np.isfinite(self.f + self.theta) and finite):
            self.reason = "the functions are not finite at the start"
            yield self._answer()
            return
        self._guess()
        self.active = self.bounds.distance(self.v) <= 0.0
        for _ in range(self.iterations):
            errors = self._errors()
            claim = self._claim(errors)
            yield {**self._answer(), "claim": claim} if claim else self._answer()
            if claim or self.reason:
                return
            if not self._step():
                claim = self._proof()
                yield {"x": self._answer()["x"], "claim": claim} if claim else self._answer()
                return
        self.reason = "the limit of iterations"

    def _values(self, v: Array) -> tuple[Array, float, Array, float]:
        """Return v with the best slacks, f, the residual of the rows and its absolute sum."""
        nlp = self.nlp
        c = nlp.values(v)
        v = v.copy()
        v[nlp.n :] = np.clip(c[nlp.rows], nlp.lower[nlp.n :], nlp.upper[nlp.n :])
        c[nlp.rows] -= v[nlp.n :]
        return v, nlp.objective(v), c, float(abs(c).sum())

    def _take(self, v: Array, f: float, c: Array, theta: float) -> None:
        self.v, self.f, self.c, self.theta = v, f, c, theta
        self.g = self.nlp.gradient(v)
        self.measure.g = self.g
        self.newton.take(self.nlp.jacobian(v))

    def _guess(self) -> None:
        slope = np.zeros(self.nlp.size)
        slope[: self.nlp.n] = self.g
        self.y = self.newton.multipliers(slope)

    def _errors(self) -> Errors:
        from tiltyard.implementations.constrained._interior_point_state import Point

        slope = self.newton.pulled(self.y)
        slope[: self.nlp.n] += self.g
        t = self.bounds.distance(self.v)
        point = Point(self.v, t, self.f, self.c, self.theta, 0.0)
        return self.measure.at(point, slope, self.y, self.z, 0.0)[0]

    def _claim(self, errors: Errors) -> str:
        if errors.judged <= self.tolerance:
            return "solved"
        if self.f / self.nlp.f_scale < UNBOUNDED and errors.primal <= FEASIBLE:
            return "unbounded"
        return ""

    def _proof(self) -> str:
        """Return ``infeasible`` where the last subproblem shows a stationary violation."""
        if not self._stationary:
            return ""
        violation = float((abs(self.c) * self.nlp.c_unit).max(initial=0.0))
        if violation <= VIOLATED:
            return ""
        self.reason = "converged to a point of local infeasibility"
        return "infeasible"

    def _subproblem(self) -> tuple[Quadratic, Solution | None]:
        """Return the subproblem and its solution, nu raised until the rows can be met."""
        g = np.zeros(self.nlp.size)
        g[: self.nlp.n] = self.g
        problem = Quadratic(self.newton, self.bounds, g, self.c, self.bounds.distance(self.v))
        solution = problem.guess(self.active, LARGEST_NU)
        if solution is not None:
            largest = float(abs(solution.y).max(initial=0.0))
            if largest > self.nu:
                self.nu = 2.0 * largest
            return problem, solution
        solution = problem.solve(self.nu)
        while (
            solution is not None
            and solution.left > max(1e-8, 0.1 * self.theta)
            and self.nu < LARGEST_NU
        ):
            self.nu *= 10.0
            stronger = problem.solve(self.nu)
            if stronger is None or (stronger.left > 0.99 * solution.left and self.nu > 1e6):
                break
            solution = stronger
        return problem, solution

    def _step(self) -> bool:
        nlp, newton = self.nlp, self.newton
        self._stationary = False
        newton.set(nlp.hessian(self.v, self.y), newton.jacobian_values)
        problem, solution = self._subproblem()
        if solution is None:
            self.reason = "the quadratic subproblem was not solved"
            return False
        t = problem.t + self.bounds.sign * solution.d[self.bounds.at]
        self.active = solution.z > np.maximum(t, 1e-12)
        slope = float(self.g @ solution.d[: nlp.n]) - self.nu * (self.theta - solution.left)
        size = float(abs(solution.d[: nlp.n] / (1.0 + abs(self.v[: nlp.n]))).max(initial=0.0))
        predicted = self.theta - solution.left
        self._stationary = self.theta > 0 and predicted <= 1e-6 * self.theta
        if self._stationary and self.nu >= 1e6 and size <= 1e-6:
            return False
        found = self._search(problem, solution, slope)
        if found is None:
            self._stalled += 1
            if self._stalled > 2:
                self.reason = "no acceptable step"
                return False
            # Rounding may hide the decrease: the multipliers can still improve.
            self.y, self.z = solution.y, np.maximum(solution.z, 0.0)
            if size <= 1e-7:
                self._take(*self._values(self._inside(self.v + solution.d)))
            return True
        alpha, values = found
        self._stalled = 0
        self.y = self.y + alpha * (solution.y - self.y)
        self.z = np.maximum(self.z + alpha * (solution.z - self.z), 0.0)
        self._take(*values)
        return True

    def _inside(self, v: Array) -> Array:
        return np.clip(v, self.nlp.lower, self.nlp.upper)

    def _search(
        self, problem: Quadratic, solution: Solution, slope: float
    ) -> tuple[float, tuple[Array, float, Array, float]] | None:
        """Return a step's length and the values there, by Armijo's condition on f + nu theta."""
        phi = self.f + self.nu * self.theta
        rounding = 1e-14 * (abs(self.f) + self.nu * self.theta) + 1e-15

        def fine(values: tuple[Array, float, Array, float], alpha: float) -> bool:
            trial = values[1] + self.nu * values[3]
            return bool(trial - rounding <= phi + ARMIJO * alpha * min(slope, 0.0))

        alpha = 1.0
        while alpha > 1e-12:
            values = self._values(self._inside(self.v + alpha * solution.d))
            if fine(values, alpha):
                return alpha, values
            if alpha == 1.0 and np.isfinite(values[3]) and problem.factor(self.active):
                corrected = self._corrected(problem, solution, values[0])
                if corrected is not None and fine(corrected, alpha):
                    return alpha, corrected
            alpha *= 0.5
        return None

    def _corrected(
        self, problem: Quadratic, solution: Solution, v: Array
    ) -> tuple[Array, float, Array, float] | None:
        """Return the values after a second-order correction of the active rows."""
        nlp = self.nlp
        c = nlp.residual(np.concatenate([v[: nlp.n], (self.v + solution.d)[nlp.n :]]))
        change = c - (self.c + problem._linear(solution.d))  # noqa: SLF001 - the same package
        corrected = problem.held(self.active, self.c + change)
        if corrected is None or not np.isfinite(corrected.d).all():
            return None
        return self._values(self._inside(self.v + corrected.d))

    def _answer(self) -> dict[str, Any]:
        z = self.bounds.spread(-self.bounds.sign * self.z, self.nlp.size)
        y = self.y.copy()
        y[self.nlp.rows] = z[self.nlp.n :]
        return self.nlp.answer(self.v, y, z)
