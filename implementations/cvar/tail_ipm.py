"""Exact interior-point method on a working set of tail scenarios, by increasing samples.

Our own combination. Only scenarios at or above the value at risk matter to the CVaR: the method
runs on a working set of the largest losses, and passes over all the data only to check it. Without
the others the CVaR is no larger, so that a dual value of the working set bounds the whole problem's
optimum. Adapting constraints in an interior-point method: Jung, O'Leary & Tits (2012),
doi:10.1007/s10589-010-9368-6.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tiltyard import Unsupported, implementation
from tiltyard.implementations.cvar._normal_matrix import factor, gram
from tiltyard.implementations.cvar._pieces import Scenarios
from tiltyard.implementations.cvar._working_set import Goal, Point, WorkingSet, spread_of
from tiltyard.suites.cvar.problem import CVaRProblem

Array = NDArray[np.float64]

GROWTH = 5.0
"""How many times larger each next sample is."""

ROUGH = 0.01
"""The relative gap at which the method leaves a sample."""


@implementation(suite="cvar", cites="doi:10.1007/s10589-010-9368-6")
def tail_ipm(
    problem: CVaRProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-10,
    sample: float = 20.0,
    iterations: int = 200,
) -> Iterator[tuple[Array, float]]:
    """Solve on a sample of the scenarios, then on larger ones, then on all, to a duality gap.

    Args:
        problem: any loss, mu and domain; but for the free linear loss with mu = 0.
        rng: draws the samples.
        tolerance: ends when F(w) less its dual bound is this part of F(start) - F(w), or of a
            thousandth of the losses' spread where that is larger: rounding must not decide.
        sample: tail scenarios per variable in the first sample.
        iterations: limit for each sample, and for the whole.

    Yields:
        (w, alpha) at each interior-point iteration: w, (d,) float64, strictly inside the domain.
        The last answer is the best point found, with alpha the value at risk at w.
    """
    if problem.loss == "linear" and problem.domain == "free" and problem.mu == 0:
        raise Unsupported("with mu = 0 a free linear loss has its minimum at w = 0, or none")
    scenarios, shift = _scenarios(problem)
    point = Point.at(problem.start()[0], scenarios, problem)
    yield point.w, point.alpha + shift
    if point.objective == 0.0 and problem.loss != "linear":
        return
    floor = 1e-3 * spread_of(point, scenarios, problem.mu)
    goal = Goal(tolerance, point.objective, floor, iterations)
    near: Point | None = None
    for part in _samples(scenarios, sample, rng):
        first = Point.at(problem.start()[0], part, problem)
        stage = goal if part is scenarios else Goal(ROUGH, first.objective, floor, iterations)
        start = first if near is None else Point.at(near.w, part, problem)
        if start.objective >= first.objective:
            start, near = _cold(first, part, problem), None
        current = WorkingSet(problem, part, start, near, stage)
        for w, alpha in current.iterate():
            yield w, alpha + shift
        near = current.best
    yield current.best.w, current.best.alpha + shift


def _scenarios(problem: CVaRProblem) -> tuple[Scenarios, float]:
    """Return the scenarios of positive probability, and what to add to their losses.

    On the simplex linear losses are made nonnegative, so that alpha may be.
    """
    p = problem.p
    A, y, shift = problem.A, problem.y, 0.0
    if problem.loss == "linear":
        shift = float(A.min()) if problem.domain == "simplex" else 0.0
        y = np.full(problem.n, shift)
    cap = np.minimum(p / (1.0 - problem.beta), 1.0)
    if not p.all():
        A, y, cap = A[p > 0], y[p > 0], cap[p > 0]
    return Scenarios(A, y, cap, problem.loss, problem.pinball), shift


def _samples(scenarios: Scenarios, sample: float, rng: np.random.Generator) -> Iterator[Scenarios]:
    """Yield each sample, the last of which is everything."""
    n, d = scenarios.A.shape
    size = sample * d * n * float(scenarios.cap.mean())
    while size * GROWTH < n:
        yield scenarios.take(np.sort(rng.choice(n, int(size), replace=False, shuffle=False)))
        size *= GROWTH
    yield scenarios


def _cold(first: Point, scenarios: Scenarios, problem: CVaRProblem) -> Point:
    """Return the better of the common start and the least-squares fit.

    For logistic the fit is a Newton step on the mean loss from w = 0.
    """
    from scipy.linalg import cho_solve

    if problem.domain == "simplex" or problem.loss == "linear":
        return first
    problem.count("sample", scenarios.n)
    target = (2.0 if scenarios.loss == "logistic" else 1.0) * scenarios.y
    p = scenarios.cap / scenarios.cap.sum()
    lower = factor(gram(scenarios.A, p))
    w = cho_solve((lower, True), (p * target) @ scenarios.A)
    fit = Point.at(np.asarray(w), scenarios, problem)
    return min(first, fit, key=lambda point: point.objective)
