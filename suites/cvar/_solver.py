"""Solve one CVaR problem to high accuracy; how is of no consequence to the certificate.

Sequential quadratic programming on the Rockafellar-Uryasev form. Around the current w the losses
are linearised (piecewise linear ones are kept whole), with the exact Hessian of the Lagrangian.
Scenarios far above the value at risk enter as one linear term and those far below not at all; the
rest, the band, are constraints of a quadratic program for Clarabel. Rows that leave their side
join the band. Each step is followed by a polish of the active set (``_polish``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tiltyard.suites.cvar._polish import polish
from tiltyard.suites.cvar._program import Model, Step, build_model, curvature, solve_program
from tiltyard.suites.cvar._risk import (
    Array,
    Instance,
    Rows,
    project_simplex,
    tail_weights,
    value_at_risk,
)
from tiltyard.suites.cvar.certificate import Bracket, Dual

GOAL = 1e-13
GOOD = 1e-11
BAND = (600, 2000)
BAND_ENTRIES = 30_000
CROSSING = 3
SUBSAMPLE = 8
PATIENCE = 10


def solve(instance: Instance) -> Bracket:
    """Return the best point and the best dual point found, with the values they prove."""
    scaled, units = _normalise(instance)
    found = _solve(scaled, _warm_start(scaled), GOAL, rounds=60)
    bracket = Bracket(instance)
    bracket.offer(found.w * units.w)
    bracket.offer_dual(replace(found.dual, t=found.dual.t * units.slope))
    return bracket


class _Units(NamedTuple):
    w: float
    slope: float


def _normalise(instance: Instance) -> tuple[Instance, _Units]:
    """Return the same problem in units in which the start's objective is about one."""
    losses = np.abs(instance.values(instance.products(instance.start())))
    level = instance.risk(losses)
    if instance.loss == "logistic" or not 0.0 < level < np.inf:
        return instance, _Units(1.0, 1.0)
    square = instance.loss == "sq"
    unit = np.sqrt(2.0 * level) if square else level
    # On R^d responses and w share the unit; on the simplex, and with no responses, A takes it.
    free = instance.domain == "free" and instance.loss != "linear"
    scaled = replace(
        instance,
        A=instance.A if free else instance.A / unit,
        y=instance.y / unit,
        mu=instance.mu * (unit**2 if free else 1.0) / (unit**2 if square else unit),
    )
    return scaled, _Units(unit if free else 1.0, unit if square else 1.0)


def _warm_start(instance: Instance) -> Array:
    """Return a start from a solution of the problem on every eighth row, where there are many."""
    if len(instance.y) <= SUBSAMPLE * _band(instance):
        return instance.start()
    part = instance.rows(np.arange(0, len(instance.y), SUBSAMPLE))
    if not part.p.sum() > 0:
        return instance.start()
    part = replace(part, p=part.p / part.p.sum())
    return _solve(part, _warm_start(part), goal=1e-6, rounds=15).w


def _solve(instance: Instance, start: Array, goal: float, rounds: int) -> Bracket:
    bracket = Bracket(instance)
    bracket.offer(start)
    band = _band(instance)
    damping = 1e-2 if instance.smooth or len(instance.y) > band else 0.0
    opened: Rows = np.zeros(0, dtype=np.intp)
    stalled = 0
    for _ in range(rounds):
        before = bracket.gap
        model = build_model(instance, bracket.w, opened, band, damping)
        step = solve_program(model)
        if step is None:
            damping = max(100.0 * damping, 1e-3)
            continue
        bracket.offer_dual(_dual(instance, model, step))
        length = _search(bracket, model, step)
        crossing = _crossing(model, model.w + (length or 1.0) * step.v)
        opened = _nearest(model, crossing if length == 1.0 else np.union1d(opened, crossing), band)
        if length < 1.0:
            damping = max(damping * 30.0, 1e-4)
        elif len(crossing) <= band:
            damping = damping * 0.1 if damping > 1e-8 else 0.0
        polish(bracket, model.w + length * step.v, step)
        stalled = 0 if bracket.gap < 0.9 * before else stalled + 1
        done = bracket.gap <= goal or (bracket.gap <= GOOD and stalled)
        if done or stalled == PATIENCE:
            break
    return bracket


def _band(instance: Instance) -> int:
    """Return how many rows the band has at first: fewer where they are long."""
    least, most = BAND
    return min(max(BAND_ENTRIES // len(instance.start()), least), most)


def _search(bracket: Bracket, model: Model, step: Step) -> float:
    """Offer the longest step that decreases the objective enough; return its length, or 0."""
    value = bracket.upper
    for length in (1.0, 0.5, 0.2, 0.05, 0.01):
        w = model.w + length * step.v
        if model.instance.domain == "simplex":
            w = project_simplex(w)
        if model.instance.objective(w) <= value - 1e-3 * length * step.decrease:
            bracket.offer(w)
            return length
    return 0.0


def _crossing(model: Model, w: Array) -> Rows:
    """Return the rows outside the band that have left their side, or their piece, at w."""
    instance = model.instance
    z = instance.products(w)
    losses = instance.values(z)
    alpha = value_at_risk(losses, tail_weights(losses, instance.p, instance.beta))
    moved = (losses > alpha) != model.tail
    if not instance.smooth:
        moved |= model.tail & (instance.slopes(z) != model.t)
    moved[model.band] = False
    return np.flatnonzero(moved)


def _nearest(model: Model, rows: Rows, band: int) -> Rows:
    """Return the rows whose losses are nearest to alpha, as many as one program should take."""
    most = CROSSING * band
    if len(rows) <= most:
        return rows
    return rows[np.argpartition(np.abs(model.losses[rows] - model.alpha), most)[:most]]


def _dual(instance: Instance, model: Model, step: Step) -> Dual:
    """Return the step's dual point; for curved losses with the best slopes for its weights."""
    if not instance.smooth:
        return Dual.of(step.q, step.t)
    rows = np.flatnonzero(step.q > 0)
    part = instance.rows(rows)
    q, w = step.q[rows], model.w + step.v
    if instance.domain == "free":
        for _ in range(2 if instance.loss == "sq" else 4):
            z = part.products(w)
            gradient = part.A.T @ (q * part.slopes(z)) + instance.mu * w
            w = w - np.linalg.lstsq(curvature(part, z, q), gradient, rcond=1e-14)[0]
    return Dual(rows, q, part.slopes(part.products(w)))
