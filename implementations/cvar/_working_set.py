"""The working set of a CVaR problem: which pieces an interior-point method sees, and its gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.cvar._interior_point import InteriorPoint
from tiltyard.implementations.cvar._pieces import Index, Pieces, Scenarios
from tiltyard.suites.cvar.problem import CVaRProblem

Array = NDArray[np.float64]

DROPS = 3
"""How often pieces may leave the working set; afterwards it only grows, so that it settles."""


PATIENCE = 3
"""Iterations after which the working set is checked; doubled whenever nothing was missing."""


@dataclass(frozen=True, slots=True)
class Goal:
    """When to end: a gap relative to the descent from the start's objective, and iterations.

    ``floor`` is the least descent that a gap is measured against.
    """

    tolerance: float
    start: float
    floor: float
    iterations: int

    def scale(self, objective: float) -> float:
        """Return what a gap is measured against."""
        return max(self.start - objective, self.floor)


@dataclass(frozen=True, slots=True)
class Point:
    """A point evaluated on all scenarios: w, (d,), products A w, (n,), VaR and objective."""

    w: Array
    z: Array
    alpha: float
    objective: float

    @classmethod
    def at(cls, w: Array, scenarios: Scenarios, problem: CVaRProblem) -> Point:
        """Evaluate w by one pass, which is charged."""
        problem.count("sample", scenarios.n)
        z = scenarios.A @ w
        alpha, risk = value_at_risk(scenarios.losses(z), scenarios.cap)
        return cls(w, z, alpha, risk + problem.mu / 2 * float(w @ w))


def value_at_risk(losses: Array, cap: Array) -> tuple[float, float]:
    """Return the value at risk and the CVaR, where the largest losses take ``cap`` each, up to 1.

    Only as many losses as hold the tail are sorted.
    """
    count = min(len(losses), int(1.1 / cap.mean()) + 2)
    while True:
        top = np.argpartition(losses, len(losses) - count)[-count:]
        if count == len(losses) or cap[top].sum() >= 1.0:
            break
        count = min(len(losses), 2 * count)
    top = top[np.argsort(-losses[top])]
    mass = np.cumsum(cap[top])
    last = min(int(np.searchsorted(mass, 1.0 - 1e-15)), count - 1)
    alpha = float(losses[top[last]])
    return alpha, alpha + float(cap[top[:last]] @ (losses[top[:last]] - alpha))


def spread_of(point: Point, scenarios: Scenarios, mu: float) -> float:
    """Return a positive size of the differences between losses, also where all are equal."""
    median = float(np.median(scenarios.losses(point.z)))
    spread = max(point.objective - median, 0.1 * abs(point.objective))
    if spread == 0.0 and mu > 0:
        spread = float(np.sum(scenarios.A**2)) / (2 * mu * scenarios.n)
    return spread or 1.0


class WorkingSet:
    """Interior-point iterations on a working set, checked against all scenarios.

    Args:
        problem: charged for every pass.
        scenarios: all scenarios of this stage.
        start: a point to start at, evaluated on them.
        near: the same w evaluated on the previous stage's scenarios, where it is nearly optimal;
            how much its objective changes says how near.
        goal: when to end.
    """

    def __init__(
        self,
        problem: CVaRProblem,
        scenarios: Scenarios,
        start: Point,
        near: Point | None,
        goal: Goal,
    ) -> None:
        self.problem, self.scenarios, self.goal = problem, scenarios, goal
        self.simplex = problem.domain == "simplex"
        self.bounded = scenarios.loss != "linear" or self.simplex
        self.best = start
        self.drops = DROPS
        self.worst = start.objective
        spread = spread_of(start, scenarios, problem.mu)
        self.cold = 0.1 * spread
        wanted = self._largest(scenarios.values(start.z), start)
        barrier = self.cold
        if near is not None:
            change = abs(start.objective - near.objective)
            weight = 2 * float(scenarios.cap[wanted % scenarios.n].sum())
            barrier = max(change, 0.01 * spread) / weight
        self._start(wanted, barrier)

    def _start(self, index: Index, barrier: float) -> None:
        """Start the method centred at the best point, on these pieces."""
        d, point = len(self.best.w), self.best
        positive = np.arange(d + 1)[0 if self.simplex else d : d + 1 if self.bounded else d]
        self.method = InteriorPoint(
            self._pieces(index), self.problem.mu, simplex=self.simplex, positive=positive
        )
        x = np.append(point.w, point.alpha)
        if self.bounded:
            x[d] = max(point.alpha, barrier)
        self.method.start(x, self._products(point), barrier)

    def iterate(self) -> Iterator[tuple[Array, float]]:
        """Yield (w, alpha) at each iteration until the goal is met or no progress is made."""
        check, checked, stalled, unchecked, patience = 0.3, False, 0, 0, PATIENCE
        first = max(abs(self.goal.start), self.goal.floor)
        for _ in range(self.goal.iterations):
            self.method.step()
            self.problem.count("sample", self.method.passes * len(self.method.pieces.cap))
            self.method.passes = 0
            w, alpha = self.method.at.x[:-1], float(self.method.at.x[-1])
            yield w, alpha
            scale = self.goal.scale(self.best.objective) if checked else first
            inside = self.method.complementarity() / scale
            unchecked += 1
            if inside > max(check, self.goal.tolerance) and unchecked < patience:
                continue
            unchecked, checked = 0, True
            gap, settled = self._check()
            patience = 2 * patience if settled else PATIENCE
            if gap <= self.goal.tolerance:
                return
            stalled = stalled + 1 if settled and inside < 0.1 * self.goal.tolerance else 0
            if stalled > 3:
                return
            check = 1e-2 * inside if inside > self.goal.tolerance else inside

    def _check(self) -> tuple[float, bool]:
        """Pass over all scenarios; return the relative duality gap and if the working set held."""
        w = self.method.at.x[:-1]
        point = Point.at(w, self.scenarios, self.problem)
        if point.objective <= self.best.objective:
            self.best = point
        bound, residual = self.method.dual()
        gap = self.best.objective - bound + self._slack(residual, w)
        settled = self._renew(point)
        return gap / self.goal.scale(self.best.objective), settled

    def _slack(self, residual: Array, w: Array) -> float:
        """Return how far the Lagrangian at w may exceed its minimum, by its gradient there.

        On the simplex, and with mu > 0, it is a bound. Else it is an estimate: it takes the
        minimiser to be at most ten times as far from w as 0 is, in each coordinate.
        """
        if self.simplex:
            return float(residual @ w - residual.min())
        if self.problem.mu > 0:
            return float(residual @ residual) / (2 * self.problem.mu)
        return 10 * float(np.abs(residual) @ np.abs(w))

    def _renew(self, point: Point) -> bool:
        """Add the pieces that reach alpha, drop those far below; return if none was missing."""
        values = self.scenarios.values(point.z)
        old = self.method.pieces.index
        inside = np.zeros(len(values), dtype=bool)
        inside[old] = True
        level = min(float(self.method.at.x[-1]), point.alpha)
        settled = not bool((values[~inside] > level).any())
        wanted = self._largest(values, point)
        crowded = self.drops > 0 and len(old) > 1.5 * len(wanted)
        if settled and not crowded:
            self.method.refresh(self._products(point))
            return True
        if not settled and point.objective > self.worst:
            # Without the missing pieces the method ran away, perhaps along a ray.
            inside[wanted] = True
            inside[self._largest(self.scenarios.values(self.best.z), self.best)] = True
            self._start(np.flatnonzero(inside), self.cold)
            return False
        if crowded:
            self.drops -= 1
            inside[old] = self.method.at.q > 1e-3
        inside[wanted] = True
        self._replace(np.flatnonzero(inside), point)
        return settled

    def _replace(self, index: Index, point: Point) -> None:
        """Make ``index`` the working set; the pieces that stay keep their state."""
        old = self.method.pieces.index
        source = np.minimum(np.searchsorted(old, index), len(old) - 1)
        kept = old[source] == index
        pieces = self._pieces(index)
        self.method.replace(pieces, point.z[index % self.scenarios.n], kept, source)

    def _largest(self, values: Array, point: Point) -> Index:
        """Return, in order, the pieces in the tail and about as many below it."""
        tail = int(np.count_nonzero(values >= point.alpha))
        count = tail + max(5 * len(point.w) + 50, min(tail, self.scenarios.n // 4))
        if count >= len(values):
            return np.arange(len(values))
        level = np.partition(values, len(values) - count)[len(values) - count]
        return np.flatnonzero(values >= level)

    def _pieces(self, index: Index) -> Pieces:
        return Pieces.of(self.scenarios, index)

    def _products(self, point: Point) -> Array:
        return point.z[self.method.pieces.index % self.scenarios.n]
