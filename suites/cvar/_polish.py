"""Sharpen a nearly optimal point by Newton's method on the KKT system of its active set.

At the optimum rows above the value at risk carry their full weight, rows below none; rows at it
(ties) have unknown weights, and rows at the kink of their loss (kinks) unknown slopes. With these
sets and the support of w known, optimality is a system of equations, linear but for curved losses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tiltyard.suites.cvar._program import Step, curvature
from tiltyard.suites.cvar._risk import Array, Instance, Rows, project_simplex
from tiltyard.suites.cvar.certificate import Bracket, Dual

ROUNDS = 6
THRESHOLDS = (1e-3, 1e-6)


@dataclass
class _Point:
    """A primal-dual point: w (d,), weights q (n,) and slopes t (n,)."""

    w: Array
    q: Array
    t: Array


@dataclass(frozen=True)
class _Active:
    """Ties, kinks, rows in the tail that are not ties, and the support of w."""

    ties: Rows
    kinks: Rows
    tail: Rows
    support: Rows


def polish(bracket: Bracket, w: Array, step: Step) -> None:
    """Offer the bracket sharper points near w with the weights and slopes of a step."""
    instance = bracket.instance
    for threshold in THRESHOLDS:
        active = _identify(instance, w, step, threshold)
        if len(active.ties) + len(active.kinks) > 2 * len(w) + 20 or not len(active.support):
            continue
        point = _Point(w.copy(), step.q.copy(), step.t.copy())
        for _ in range(ROUNDS if instance.smooth else 2):
            _newton(instance, point, active)
            better = bracket.offer(_feasible(instance, point.w))
            better |= bracket.offer_dual(Dual.of(point.q, point.t))
            if not better:
                break


def _feasible(instance: Instance, w: Array) -> Array:
    return project_simplex(w) if instance.domain == "simplex" else w


def _identify(instance: Instance, w: Array, step: Step, threshold: float) -> _Active:
    share = np.divide(step.q, instance.cap, out=np.zeros_like(step.q), where=instance.cap > 0)
    tie = (share > threshold) & (share < 1.0 - threshold)
    tail = share >= 1.0 - threshold
    kink = np.zeros_like(tie)
    if instance.loss in ("abs", "pinball"):
        room = threshold * (instance.over + instance.under)
        between = (step.t < instance.over - room) & (step.t > -instance.under + room)
        kink = between & (tie | tail)
    support = np.arange(len(w))
    if instance.domain == "simplex":
        support = np.flatnonzero(w > threshold * w.max())
    return _Active(np.flatnonzero(tie), np.flatnonzero(kink), np.flatnonzero(tail), support)


def _newton(instance: Instance, point: _Point, active: _Active) -> None:
    """Take one Newton step on the KKT system, in place.

    Unknown are the step of w on its support, alpha, the ties' weights, the kinks' pushes q t, and
    on the simplex the multiplier of sum w = 1.
    """
    ties, kinks, support = active.ties, active.kinks, active.support
    _drop_outside(point, support)
    z = instance.products(point.w)
    slopes = instance.slopes(z)
    tail_q = np.zeros(len(z))
    tail_q[active.tail] = instance.cap[active.tail]
    push = tail_q * slopes
    push[kinks] = 0.0
    loose = slopes.copy()
    loose[kinks] = 0.0
    pulled = np.flatnonzero(push)

    d, m, k = len(support), len(ties), len(kinks)
    simplex = int(instance.domain == "simplex")
    M = np.zeros((d + 1 + m + k + simplex,) * 2)
    a, tie, kink = d, slice(d + 1, d + 1 + m), slice(d + 1 + m, d + 1 + m + k)
    M[:d, :d] = curvature(instance, z, point.q)[np.ix_(support, support)]
    M[:d, tie] = instance.A[np.ix_(ties, support)].T * loose[ties]
    M[a, tie] = -1.0
    M[:d, kink] = instance.A[np.ix_(kinks, support)].T
    M[tie, :a], M[tie, a], M[kink, :d] = M[:a, tie].T, M[a, tie], M[:d, kink].T
    M[:d, d + 1 + m + k :] = 1.0
    M[d + 1 + m + k :, :d] = 1.0
    right = np.zeros(len(M))
    right[:d] = -instance.mu * point.w[support]
    right[:d] -= instance.A[np.ix_(pulled, support)].T @ push[pulled]
    right[a] = tail_q.sum() - 1.0
    # A tie at its kink has loss zero: its equation says that alpha is zero, too.
    right[tie] = -np.where(np.isin(ties, kinks), 0.0, instance.values(z)[ties])
    right[kink] = (instance.y - z)[kinks]
    right[d + 1 + m + k :] = 1.0 - point.w.sum()
    x = _solve_symmetric(M, right)

    point.w[support] += x[:d]
    point.q = tail_q
    point.q[ties] = x[tie]
    point.t = instance.slopes(instance.products(point.w))
    held = kinks[point.q[kinks] > 0]
    point.t[held] = x[kink][point.q[kinks] > 0] / point.q[held]


def _drop_outside(point: _Point, support: Rows) -> None:
    inside = point.w[support]
    point.w = np.zeros_like(point.w)
    point.w[support] = inside


def _solve_symmetric(M: Array, right: Array) -> Array:
    """Return the least-squares solution of a symmetric system, equilibrated and refined once."""
    from scipy.linalg import lstsq

    largest = np.abs(M).max(axis=0)
    scale = 1.0 / np.sqrt(np.where(largest > 0, largest, 1.0))
    scaled = M * scale[:, None] * scale
    x = scale * lstsq(scaled, scale * right, cond=1e-15)[0]
    x += scale * lstsq(scaled, scale * (right - M @ x), cond=1e-15)[0]
    solution: Array = x
    return solution
