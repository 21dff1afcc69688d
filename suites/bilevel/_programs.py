"""Quadratic programs of the judge, small and dense, to rounding."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, lstsq
from scipy.sparse import csc_matrix, triu

from tiltyard.errors import TiltyardError
from tiltyard.suites.bilevel.model import Array

Rows = NDArray[np.bool_]

SINGULAR = 1e-15
"""A matrix with a reciprocal condition number below this is taken as singular."""

_TRIES = 20
_CONSISTENT = 1e-9


class Infeasible(TiltyardError):
    """No point satisfies the constraints."""


class Unbounded(TiltyardError):
    """The objective has no least value."""


@dataclass(frozen=True)
class Program:
    """Minimise d'H d / 2 + c'd subject to J d = b, in the first rows, and J d <= b in the others.

    Attributes:
        H: (n, n) positive semidefinite.
        c: (n,).
        J: (m, n).
        b: (m,).
        equations: the number of equations.
    """

    H: Array
    c: Array
    J: Array
    b: Array
    equations: int

    def solve(self, active: Rows | None = None) -> tuple[Array, Array, Rows]:
        """Return a minimiser (n,), multipliers (m,) and the active rows, (m,) bool.

        Args:
            active: a guess of the latter, such as that of a program nearby.

        Raises:
            Infeasible: there is no feasible point.
            Unbounded: there is no minimum.
        """
        m = len(self.b)
        if self.equations == m:
            every = np.ones(m, dtype=bool)
            return (*self._on(every, strict=True), every)
        if active is not None and (found := self._by_active_set(active)) is not None:
            return found
        d, multipliers = self._by_interior_point()
        guess = multipliers > self.b - self.J @ d
        guess[: self.equations] = True
        return self._by_active_set(guess) or (d, multipliers, guess)

    def _by_active_set(self, active: Rows) -> tuple[Array, Array, Rows] | None:
        """Return what the primal-dual active set method ends with; None where it does not end.

        A row stays while its multiplier is positive, and comes in while it is violated.
        """
        rows = np.arange(len(self.b))
        noise = 1e-13 * max(1.0, float(np.abs(self.b).max()))
        for _ in range(_TRIES):
            d, multipliers = self._on(active, strict=False)
            if not np.isfinite(d).all():
                return None
            wrong = np.where(active, multipliers < 0.0, self.J @ d - self.b > noise)
            wrong &= rows >= self.equations
            if not wrong.any():
                return d, multipliers, active
            active = active ^ wrong
        return None

    def _on(self, active: Rows, *, strict: bool) -> tuple[Array, Array]:
        """Return the minimiser and multipliers where the active rows are equations.

        Raises:
            Infeasible: the equations contradict each other (``strict`` only).
            Unbounded: there is no minimum on them (``strict`` only).
        """
        J, b = self.J[active], self.b[active]
        n = len(self.c)
        right = np.concatenate([-self.c, b])
        solution = solve_symmetric(saddle(self.H, J), right)
        d, held = solution[:n], solution[n:]
        multipliers = np.zeros(len(self.b))
        multipliers[active] = held
        if strict:
            if _misses(J @ d, b):
                raise Infeasible("the equations of the lower level contradict each other")
            if _misses(self.H @ d + J.T @ held, -self.c):
                raise Unbounded("the lower level has no minimum on its equations")
        return d, multipliers

    def _by_interior_point(self) -> tuple[Array, Array]:
        """Return Clarabel's solution.

        Raises:
            Infeasible: it says so.
            Unbounded: it says that the dual is infeasible.
        """
        import clarabel

        settings = clarabel.DefaultSettings()
        settings.verbose = False
        settings.max_iter = 500
        for name in ("tol_gap_abs", "tol_gap_rel", "tol_feas", "tol_infeas_abs", "tol_infeas_rel"):
            setattr(settings, name, 1e-12)
        free = len(self.b) - self.equations
        cones = [clarabel.ZeroConeT(self.equations), clarabel.NonnegativeConeT(free)]
        solver = clarabel.DefaultSolver(
            csc_matrix(triu(csc_matrix(self.H))),
            self.c,
            csc_matrix(self.J),
            self.b,
            cones if self.equations else cones[1:],
            settings,
        )
        found = solver.solve()
        status = str(found.status)
        if status.endswith("PrimalInfeasible"):
            raise Infeasible(f"Clarabel: {status}")
        if status.endswith("DualInfeasible"):
            raise Unbounded(f"Clarabel: {status}")
        return np.array(found.x), np.array(found.z)


def saddle(H: Array, J: Array) -> Array:
    """Return [[H, J'], [J, 0]]."""
    return np.block([[H, J.T], [J, np.zeros((len(J), len(J)))]])


def reciprocal_condition(K: Array) -> float:
    """Return an estimate of 1 / cond(K) in the 1-norm; 0 where K is singular."""
    lu, _, failed = lapack.dgetrf(K)
    if failed:
        return 0.0
    return float(lapack.dgecon(lu, float(np.abs(K).sum(axis=0).max(initial=0.0)))[0])


def solve_symmetric(K: Array, right: Array) -> Array:
    """Solve K z = right with refinement; the shortest least-squares z where K is singular."""
    if not np.isfinite(K).all() or not np.isfinite(right).all():
        return np.full(len(right), math.nan)
    lu, pivots, failed = lapack.dgetrf(K)
    norm = float(np.abs(K).sum(axis=0).max(initial=0.0))
    if failed or lapack.dgecon(lu, norm)[0] < SINGULAR:
        return np.asarray(lstsq(K, right, cond=1e-12)[0])
    z = np.zeros_like(right)
    for _ in range(3):
        z = z + lapack.dgetrs(lu, pivots, right - K @ z)[0]
    return z


def _misses(found: Array, wanted: Array) -> bool:
    size = max(1.0, float(np.abs(wanted).max(initial=0.0)))
    return bool(np.abs(found - wanted).max(initial=0.0) > _CONSISTENT * size)
