"""TTSA, two-timescale stochastic approximation (Hong, Wai, Wang & Yang 2023)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2007.05170",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "terms": (5, 10, 20),
        "decay": (0.0, 1.0, "linear"),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def ttsa(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    terms: int = 10,
    decay: float = 1.0,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Two-timescale stochastic approximation: one step of y, a faster one than that of x.

    y -= rho_k f_y(x, y); then with p drawn from 0, ..., terms - 1,
    v = terms rho prod_{j=1..p} (I - rho H_j) F_y at the new y, and x -= gamma_k (F_x - f_xy v),
    projected onto X. rho_k falls as k^-2/5 and gamma_k as k^-3/5, the paper's exponents where Phi
    is not convex; rho inside the series is constant.

    Ten terms and batches of 64 are the defaults of benchmark_bilevel, which ``scaled=False`` with
    step 0.1 and ratio 1 is. The default step and its units are ours: see ``measured_steps``.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: rho, of y and of the series, times L.
        outer_ratio: the first rho over the first gamma, each in its unit.
        batch_size: of every minibatch.
        terms: of the series, of which one is drawn.
        decay: multiplies the exponents of both schedules; 0 keeps steps constant.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel import _stochastic as shared
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield shared.answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled)
    lower, upper = (shared.batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    for k in itertools.count(1):
        y = y.sub(
            problem.lower_gradient_y(x, y, next(lower)), alpha=steps.lower * k ** (-0.4 * decay)
        )
        sample = shared.drawn_term(rng, lower, upper, terms)
        (direction,) = shared.hypergradients(
            problem, [(x, y)], steps.lower, sample, shared.neumann_term
        )
        x = problem.project_x(x.sub(direction, alpha=steps.upper * k ** (-0.6 * decay)))
        if k % shared.EVERY == 0:
            yield shared.answer(x, y)
        steps.follow(x)
