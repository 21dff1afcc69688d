"""Exact interior-point method on a working set of tail scenarios, by increasing samples.

Our own combination. Only scenarios at or above the value at risk matter to the CVaR: the method runs
on a working set of the largest losses, and passes over all the data only to check it. Dropping the
others gives a lower bound on the CVaR, so that the working set's dual value is a bound for the whole
problem. Adapting constraints in an interior-point method: Jung, O'Leary & Tits (2012),
doi:10.1007/s10589-010-9368-6.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tiltyard import Unsupported, implementation
from tiltyard.implementations.cvar._pieces import Scenarios
from tiltyard.implementations.cvar._tail import probabilities, tail_risk
from tiltyard.implementations.cvar._working_set import Goal, Point, WorkingSet
from tiltyard.suites.cvar.problem import CVaRProblem

Array = NDArray[np.float64]


@implementation(suite="cvar", cites="doi:10.1007/s10589-010-9368-6")
def tail_ipm(
    problem: CVaRProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-10,
    sample: float = 20.0,
    growth: float = 5.0,
    iterations: int = 200,
) -> Iterator[tuple[Array, float]]:
    """Solve on a sample of the scenarios, then on larger ones, then on all, to a duality gap.

    Args:
        problem: any loss, mu and domain; but for the free linear loss with mu = 0.
        rng: draws the samples.
        tolerance: ends when F(w) less its dual bound is this part of F(start) - F(w), or of
            F(start) / 1000 where that is larger, so that rounding errors do not decide.
        sample: tail scenarios per variable in the first sample.
        growth: how many times larger each next sample is.
        iterations: limit for each sample.

    Yields:
        (w, alpha) at each interior-point iteration: w, (d,) float64, strictly inside the domain. The
        last answer is the best point found, with alpha the value at risk at w.
    """
    if problem.loss == "linear" and problem.domain == "free" and problem.mu == 0:
        raise Unsupported("with mu = 0 a free linear loss has its minimum at w = 0, or none")
    scenarios, shift = _scenarios(problem)
    w, _ = problem.start()
    point = Point.at(w, scenarios, problem)
    yield w, point.alpha + shift
    goal = Goal(tolerance, point.objective, iterations)
    for rows in _samples(problem, sample, growth, rng):
        part = scenarios.take(np.sort(rows))
        rough = Goal(0.01, Point.at(point.w, part, problem).objective, iterations)
        inner = WorkingSet(problem, part, point, rough)
        for w, alpha in inner.iterate():
            yield w, alpha + shift
        point = inner.best
    outer = WorkingSet(problem, scenarios, point, goal)
    for w, alpha in outer.iterate():
        yield w, alpha + shift
    yield outer.best.w, outer.best.alpha + shift


def _scenarios(problem: CVaRProblem) -> tuple[Scenarios, float]:
    """Return the scenarios of positive probability, and what to add to their losses.

    On the simplex linear losses are made nonnegative, so that alpha may be.
    """
    p = probabilities(problem)
    A, y, shift = problem.A, problem.y, 0.0
    if problem.loss == "linear":
        shift = float(A.min()) if problem.domain == "simplex" else 0.0
        y = np.full(problem.n, shift)
    cap = np.minimum(p / (1.0 - problem.beta), 1.0)
    if not p.all():
        A, y, cap = A[p > 0], y[p > 0], cap[p > 0]
    return Scenarios(A, y, cap, problem.loss, problem.pinball), shift


def _samples(
    problem: CVaRProblem, sample: float, growth: float, rng: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    """Yield the scenarios of each sample, all but the last, which is everything."""
    size = sample * problem.d / (1.0 - problem.beta)
    while size * growth < problem.n:
        yield rng.choice(problem.n, int(size), replace=False, shuffle=False)
        size *= growth
