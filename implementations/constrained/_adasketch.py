"""The outer loop of AdaSketch-Newton (Hong, Na, Mahoney and Kolar, ICML 2023), arXiv:2305.18379.

Newton steps on the Lagrangian, solved inexactly, and a line search on the exact augmented
Lagrangian L_eta(x, y) = f + y'c + eta1/2 |c|^2 + eta2/2 |grad f + J'y|^2. The inner accuracy and
eta are adapted until the step is a direction of descent.

Constants are those of the authors' released code. It differentiates |grad f + J'y|^2 with the
Hessian of f where that of the Lagrangian belongs; ours is the exact derivative.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiltyard.implementations.constrained._adasketch_solvers import Solver
from tiltyard.implementations.constrained._newton_lagrangian import (
    Array,
    Point,
    System,
    evaluate,
    frobenius,
    hessian,
    newton_system,
)
from tiltyard.implementations.constrained._regularity import Regularity
from tiltyard.suites.constrained.problem import ConstrainedProblem

REGULAR = 1e-2
"""Smallest eigenvalue of J J' that the method goes on with."""

_LEAST_DELTA = 1e-6
_GIVE_UP = 1e-8
"""Beyond eta1 = 1 / this or eta2 = this, a step is taken whether or not it descends."""

_SHORTEST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Parameters of the outer loop, under the paper's names; see ``adasketch_newton``."""

    eta1: float
    eta2: float
    delta: float
    xi_b: float
    beta: float
    nu: float
    theta: float
    tolerance: float
    max_iterations: int


@dataclass(slots=True)
class _Adapted:
    """What the loop adapts: the penalties and the accuracy."""

    eta1: float
    eta2: float
    delta: float


def adasketch(
    problem: ConstrainedProblem, rng: np.random.Generator, rules: Rules, solve: Solver
) -> Generator[dict[str, Array], None, str | None]:
    """Yield iterates (x, y), and the same one again while an inner solve takes long.

    Returns:
        why the loop ended where it has not converged.
    """
    adapted = _Adapted(rules.eta1, rules.eta2, rules.delta)
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
        accuracy = _Accuracy.of(rules, system, regularity.least, max(frobenius(point.J), size, 1))
        slope = _Slope(point, H)
        for _ in _descend(system, slope, accuracy, adapted, solve):
            yield point.answer
        along = float(slope(adapted) @ system.z)
        moved = _line_search(problem, point, system.z, adapted, rules.beta * along)
        if moved is None:
            return f"no progress: no step from KKT residual {point.kkt:.3g} lowers the merit"
        point = moved
    return f"no convergence in {rules.max_iterations} iterations"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Accuracy:
    """How accurately a system is to be solved: |A| psi |r| <= theta delta |b|.

    Attributes:
        rules: the loop's parameters.
        weight: |A| psi in the Frobenius norm, psi = 20 max(|B|^2, 1) / (min(xi_G, 1) min(xi_B, 1))
            with xi_G the smallest eigenvalue of J J'.
        square: (psi max(|J|, |H|, 1))^2.
        b: norm of the right-hand side.
    """

    rules: Rules
    weight: float
    square: float
    b: float

    @classmethod
    def of(cls, rules: Rules, system: System, least: float, largest: float) -> _Accuracy:
        psi = 20 * max(frobenius(system.B) ** 2, 1.0) / (min(least, 1.0) * min(rules.xi_b, 1.0))
        return cls(
            rules=rules,
            weight=frobenius(system.A) * psi,
            square=(psi * largest) ** 2,
            b=float(np.linalg.norm(system.b)),
        )

    def tighten(self, adapted: _Adapted, delta: float) -> None:
        """Set delta to the least of the given one and what the penalties ask for."""
        eta1, eta2 = adapted.eta1, adapted.eta2
        trial = (0.5 - self.rules.beta) * eta2 / ((1 + eta1 + eta2) * self.square)
        adapted.delta = max(min(delta, trial), _LEAST_DELTA)

    def target(self, delta: float) -> float:
        """Return the largest norm of r that will do."""
        return self.rules.theta * delta * self.b / self.weight


class _Slope:
    """Gradient of the exact augmented Lagrangian at one point, as a function of the penalties."""

    def __init__(self, point: Point, H: Any) -> None:
        s, c, J = point.slope, point.c, point.J
        self._plain = np.concatenate([s, c])
        self._by_eta1 = np.concatenate([J.T @ c, np.zeros_like(c)])
        self._by_eta2 = np.concatenate([H @ s, J @ s])

    def __call__(self, adapted: _Adapted) -> Array:
        slope: Array = self._plain + adapted.eta1 * self._by_eta1 + adapted.eta2 * self._by_eta2
        return slope


def _descend(
    system: System, slope: _Slope, accuracy: _Accuracy, adapted: _Adapted, solve: Solver
) -> Iterator[None]:
    """Solve more and more accurately until z is a direction of sufficient descent.

    Each failure multiplies eta1 by nu^2, divides eta2 by nu and delta by nu^4, and goes on from the
    same z.
    """
    nu = accuracy.rules.nu
    accuracy.tighten(adapted, adapted.delta)
    while True:
        yield from solve(system, accuracy.target(adapted.delta))
        if adapted.eta1 > 1 / _GIVE_UP or adapted.eta2 < _GIVE_UP:
            return
        if slope(adapted) @ system.z <= -0.5 * adapted.eta2 * accuracy.b**2:
            return
        adapted.eta1 *= nu**2
        adapted.eta2 /= nu
        accuracy.tighten(adapted, adapted.delta / nu**4)


def _merit(point: Point, adapted: _Adapted) -> float:
    penalty = adapted.eta1 * (point.c @ point.c) + adapted.eta2 * (point.slope @ point.slope)
    return float(point.f + point.c @ point.y + 0.5 * penalty)


def _line_search(
    problem: ConstrainedProblem, point: Point, z: Array, adapted: _Adapted, descent: float
) -> Point | None:
    """Return the first point of z, z/2, z/4, ... that lowers the merit as Armijo's rule asks.

    Ours: a merit that is not finite is too high, differences at the rounding level are forgiven
    (the published rule halves for ever near a solution), and below 1e-12 the search ends.

    Args:
        problem: charged f, g, c and J for every trial.
        point: where it starts.
        z: (n + m,) direction.
        adapted: the penalties.
        descent: the decrease, a negative number, that a full step must reach.

    Returns:
        the point, or None.
    """
    n = len(point.x)
    start = _merit(point, adapted)
    rounding = 10 * np.finfo(float).eps * max(1.0, abs(start))
    alpha = 1.0
    while alpha >= _SHORTEST:
        trial = evaluate(problem, point.x + alpha * z[:n], point.y + alpha * z[n:])
        if _merit(trial, adapted) <= start + alpha * descent + rounding:
            return trial
        alpha *= 0.5
    return None
