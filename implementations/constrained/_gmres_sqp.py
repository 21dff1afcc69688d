"""Inexact SQP with GMRES and an l1 merit function: the baselines of arXiv:2305.18379.

The tests are those of Byrd, Curtis and Nocedal (2008), doi:10.1137/060674004: a step must reduce a
model of f + pi |c|_1, or reduce infeasibility enough for a larger pi. Constants are those of the
authors' released scripts, which run GMRES two steps at a time from the current z.

Their script of the method that is not adaptive has two slips, kept by no default here: the second
test has the residuals' two parts interchanged, and the first looks at one entry of r_c alone.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from tiltyard.implementations.constrained._newton_lagrangian import (
    Array,
    Point,
    System,
    evaluate,
    frobenius,
    hessian,
    newton_system,
    objective,
    residuals,
)
from tiltyard.implementations.constrained._regularity import Regularity
from tiltyard.suites.constrained.problem import ConstrainedProblem

if TYPE_CHECKING:
    from tiltyard.implementations.constrained._gmres_kernels import Tests

REGULAR = 1e-6
"""Smallest eigenvalue of J J' that the methods go on with."""

_PAUSE = 2e8
_SHORTEST = 1e-12


class Inner(Protocol):
    """Finds a step, ``gmres.system.z``; yields while it takes long, returns the penalty."""

    def __call__(self, gmres: Gmres, point: Point) -> Generator[None, None, float]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Parameters of the outer loop; see ``gmres_l1_sqp``."""

    eta: float
    xi_b: float
    tolerance: float
    max_iterations: int
    max_cycles: int


class Gmres:
    """GMRES(2) on one Newton system, charged.

    A cycle with its tests charges ``flop`` 6 nnz(A) + 20 N, and 4 nnz(A) more where they ask for
    the model's reduction.

    Args:
        problem: charged.
        system: whose z and r it improves.
        most: cap of each solve, in cycles.
    """

    def __init__(self, problem: ConstrainedProblem, system: System, most: int) -> None:
        self._problem = problem
        self._most = most
        self._linear = system.linear()
        self.system = system

    def until(self, tests: Tests) -> Iterator[None]:
        """Run cycles until the tests pass or the cap is met."""
        from tiltyard.implementations.constrained import _gmres_kernels as kernels

        system, left = self.system, self._most
        work = (10 if tests.model else 6) * len(self._linear.A.values) + 20 * len(system.b)
        chunk = max(1, int(_PAUSE / work))
        while left > 0:
            done, passed = kernels.cycles(self._linear, tests, min(left, chunk))
            self._problem.count("flop", done * work)
            left -= done
            if passed:
                return
            yield

    def reduction(self, tests: Tests) -> tuple[float, float]:
        """Return how much the merit's model loses, and how much it is to lose."""
        from tiltyard.implementations.constrained import _gmres_kernels as kernels

        self._problem.count("flop", 2 * len(self._linear.A.values))
        lost, wanted = kernels.reduction(self._linear, tests)
        return float(lost), float(wanted)


def inexact_sqp(
    problem: ConstrainedProblem, rng: np.random.Generator, rules: Rules, inner: Inner
) -> Generator[dict[str, Array], None, str | None]:
    """Yield iterates (x, y), and the same one again while an inner solve takes long.

    Returns:
        why the loop ended where it has not converged.
    """
    point = evaluate(problem, np.array(problem.x0), np.array(problem.y0))
    for _ in range(rules.max_iterations):
        yield point.answer
        if not math.isfinite(point.kkt):
            return "not finite: a function or derivative is NaN or infinite here"
        if point.kkt <= rules.tolerance:
            return None
        regularity = Regularity(problem, rng, point.J)
        if not regularity.least >= REGULAR:
            return (
                f"singular: smallest eigenvalue of J J' is {regularity.least:.3g}, "
                f"{REGULAR:g} is needed"
            )
        H = hessian(problem, point)
        size = frobenius(H)
        if not math.isfinite(size):
            return "not finite: the Hessian is NaN or infinite here"
        shift = 0.0 if regularity.convex(H) else rules.xi_b + size
        system = newton_system(point, H, shift)
        search = inner(Gmres(problem, system, rules.max_cycles), point)
        while True:
            try:
                next(search)
            except StopIteration as end:
                pi = end.value
                break
            yield point.answer
        moved = _line_search(problem, point, system, pi, rules.eta)
        if moved is None:
            return f"no progress: no step from KKT residual {point.kkt:.3g} lowers the merit"
        point = moved
    return f"no convergence in {rules.max_iterations} iterations"


def _line_search(
    problem: ConstrainedProblem, point: Point, system: System, pi: float, eta: float
) -> Point | None:
    """Return the first point of z, z/2, z/4, ... that lowers f + pi |c|_1 as Armijo's rule asks.

    Ours: a merit that is not finite is too high, differences at the rounding level are forgiven,
    and below 1e-12 the search ends.

    Returns:
        the point, or None.
    """
    n, z = len(point.x), system.z
    missed = float(np.abs(point.c).sum())
    slope = float(point.g @ z[:n]) - pi * (missed - float(np.abs(system.r[n:]).sum()))
    start = point.f + pi * missed
    rounding = 10 * np.finfo(float).eps * max(1.0, abs(point.f), pi * missed)
    alpha = 1.0
    while alpha >= _SHORTEST:
        x = point.x + alpha * z[:n]
        f, c = objective(problem, x), residuals(problem, x)
        if f + pi * float(np.abs(c).sum()) <= start + alpha * eta * slope + rounding:
            return evaluate(problem, x, point.y + alpha * z[n:], (f, c))
        alpha *= 0.5
    return None
