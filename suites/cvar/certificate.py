"""Lower bounds of the optimal value that hold whatever the solver did.

For weights q in the risk envelope Q = {q >= 0, sum q = 1, q_i <= p_i / (1 - beta)} and any slopes
t in the domain of the losses' conjugates, Fenchel's inequality gives

    F(w) >= sum_i q_i phi_i(a_i . w) + mu/2 ||w||^2
         >= -sum_i q_i phi_i*(t_i) + min over w in the domain of g . w + mu/2 ||w||^2

with g = A' (q t). The last minimum is -||g||^2 / (2 mu) on R^d, and attained at a projection on
the simplex. On R^d with mu = 0 it is -infinity unless g = 0, which rounding forbids; then a radius
R that holds a minimiser gives the bound -||g|| R. (Rockafellar & Uryasev 2002; Fenchel duality.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.suites.cvar._risk import Array, Instance, Rows, project_simplex


@dataclass(frozen=True)
class Dual:
    """A dual point of few scenarios.

    Attributes:
        rows: (m,) the scenarios with a positive weight.
        q: (m,) float64 weights.
        t: (m,) float64 slopes of their losses.
    """

    rows: Rows
    q: Array
    t: Array

    @classmethod
    def of(cls, q: Array, t: Array) -> Self:
        """Return the dual point of (n,) weights and slopes."""
        rows = np.flatnonzero(q > 0)
        return cls(rows, q[rows], t[rows])


def repair(instance: Instance, dual: Dual) -> Dual:
    """Return the dual point moved into the risk envelope and the conjugates' domain.

    A finite point with distinct scenarios of the instance becomes feasible up to rounding; one
    that is feasible already hardly moves.
    """
    cap = instance.cap[dual.rows]
    q = np.clip(dual.q, 0.0, cap)
    total = math.fsum(q)
    rows, t = dual.rows, dual.t
    if total > 1.0:
        q = q / total
    elif total < 1.0:
        # Fill what is missing evenly into the room left, of all scenarios if these cannot hold it.
        if math.fsum(cap) < 1.0 and len(rows) < len(instance.y):
            return repair(instance, _spread(instance, dual))
        room = cap - q
        share = (1.0 - total) / max(math.fsum(room), 1.0 - total)
        q = q + room * share
    return Dual(rows, q, instance.rows(rows).clip_slopes(t))


def _spread(instance: Instance, dual: Dual) -> Dual:
    """Return the dual point on all scenarios, with slope 0 where it had no weight."""
    n = len(instance.y)
    q, t = np.zeros(n), np.zeros(n)
    q[dual.rows], t[dual.rows] = dual.q, dual.t
    return Dual(np.arange(n), q, t)


def lower_bound(instance: Instance, dual: Dual, radius: float) -> float:
    """Return the bound that a repaired dual point proves.

    Args:
        instance: the problem.
        dual: a point that ``repair`` returned.
        radius: a bound on the norm of some minimiser; used only on R^d with mu = 0.
    """
    part = instance.rows(dual.rows)
    fixed = -math.fsum(dual.q * part.conjugates(dual.t))
    g = part.A.T @ (dual.q * dual.t)
    if instance.domain == "simplex":
        if instance.mu == 0.0:
            return fixed + float(g.min())
        w = project_simplex(-g / instance.mu)
        return fixed + float(g @ w) + 0.5 * instance.mu * float(w @ w)
    if instance.mu == 0.0:
        return fixed - float(np.linalg.norm(g)) * radius
    return fixed - float(g @ g) / (2.0 * instance.mu)


def minimiser_radius(instance: Instance, upper: float) -> float:
    """Return a bound on the norm of some minimiser, given an upper bound of the optimal value.

    CVaR is at least the mean, so a minimiser has mean loss at most ``upper``. With the slope
    c = min(over, under), sum_i p_i |a_i . w| <= upper / c + sum_i p_i |y_i|, and the left side is
    at least the norm of (p_i a_i . w)_i. For the squared loss the norm of (sqrt(p_i) a_i . w)_i is
    at most sqrt(2 upper) + the norm of (sqrt(p_i) y_i)_i. Either norm is at least the smallest
    positive singular value times ||w||, for the shortest of the minimisers.

    Raises:
        TiltyardError: the loss is linear or logistic, where mu = 0 may leave no minimiser.
    """
    if instance.mu > 0 or instance.domain == "simplex":
        return 0.0
    if instance.loss in ("linear", "logistic"):
        raise TiltyardError(f"the {instance.loss} loss on R^d needs mu > 0 to have a minimiser")
    if instance.loss == "sq":
        root = np.sqrt(instance.p)
        reach = math.sqrt(2.0 * upper) + float(np.linalg.norm(root * instance.y))
        return reach / _smallest_singular_value(instance.A, root)
    reach = upper / min(instance.over, instance.under) + float(instance.p @ np.abs(instance.y))
    return reach / _smallest_singular_value(instance.A, instance.p)


def _smallest_singular_value(A: Array, weights: Array) -> float:
    """Return the smallest positive singular value of diag(weights) A."""
    # Through the triangular factors of blocks of rows, so that a million rows need no copy.
    R = np.zeros((0, A.shape[1]))
    for first in range(0, len(A), 65536):
        block = A[first : first + 65536] * weights[first : first + 65536, None]
        R = np.asarray(np.linalg.qr(np.vstack((R, block)), mode="r"))
    values = np.linalg.svd(R, compute_uv=False)
    positive = values[values > values[0] * 1e-12]
    # With A = 0 the shortest minimiser is 0.
    return float(positive.min()) if positive.size else math.inf


class Bracket:
    """The best point and the best dual point offered so far, and the values between them.

    Attributes:
        w: (d,) the best point.
        upper: its objective; infinite before the first point.
        dual: the best dual point.
        lower: the bound it proves; minus infinity before the first.
    """

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.w = instance.start()
        self.upper = instance.objective(self.w)
        self.lower = -math.inf
        self.dual = Dual(np.zeros(0, dtype=np.intp), np.zeros(0), np.zeros(0))
        self._radius = minimiser_radius(instance, self.upper)

    def offer(self, w: Array) -> bool:
        """Keep w, shape (d,) and in the domain, if it is the best; tell whether it is."""
        value = self.instance.objective(w)
        better = value < self.upper
        if better:
            self.w, self.upper = w, value
        return better

    def offer_dual(self, dual: Dual) -> bool:
        """Repair a dual point and keep it if it is the best; tell whether it is."""
        if not (np.isfinite(dual.q).all() and np.isfinite(dual.t).all()):
            return False
        dual = repair(self.instance, dual)
        value = lower_bound(self.instance, dual, self._radius)
        better = value > self.lower
        if better:
            self.dual, self.lower = dual, value
        return better

    @property
    def gap(self) -> float:
        """The relative duality gap (upper - lower) / max(|upper|, tiny)."""
        return max(0.0, self.upper - self.lower) / max(abs(self.upper), 1e-300)
