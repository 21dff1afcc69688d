"""VRBO, variance-reduced bilevel optimiser (Yang, Ji & Liang 2021)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2106.04692",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "inner_steps": (1, 5, 10),
        "terms": (5, 10, 20),
        "period_frac": (0.25, 0.5, 1.0, 2.0),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def vrbo(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    inner_steps: int = 10,
    terms: int = 10,
    period_frac: float = 0.5,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Variance-reduced bilevel optimiser: SPIDER's estimates in nested loops.

    h_y and h_x estimate f_y and the hypergradient d = F_x - f_xy v, v = rho sum_{q=0..Q}
    prod_{j=1..q} (I - rho H_j) F_y with Q = ``terms``. Every ``period`` steps of x they are taken
    on all samples. A step is x -= gamma h_x, then ``inner_steps`` times both are corrected, h +=
    g(x, y) - g(x_last, y_last) on the same minibatches, and y -= rho h_y; a last correction leaves
    them at the new point. Steps are constant.

    Ten steps, ten terms and batches of 64 are the defaults of benchmark_bilevel, whose period,
    128 passes, and whose first correction, at the new x twice, are not the paper's. The period here
    is ``period_frac`` passes over both levels' samples, at least one step, as for SRBA.
    ``scaled=False`` takes steps as they are. The default step and its units are ours: see
    ``measured_steps``.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: rho, of y and of the series, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of every minibatch.
        inner_steps: steps of y for each step of x.
        terms: products with H in the series.
        period_frac: passes over all samples between two full evaluations.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel import _stochastic as shared
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield shared.answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled, inner=inner_steps)
    lower, upper = (shared.batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    period = max(1, int(period_frac * (problem.n_lower + problem.n_upper) / batch_size))
    spider = shared.Spider(problem, steps, (x, y))
    for k in itertools.count():
        if k % period == 0:
            spider.restart((x, y), terms)
        x = problem.project_x(x.sub(spider.direction, alpha=steps.upper))
        for _ in range(inner_steps):
            spider.correct((x, y), next(lower), shared.full_series(lower, upper, terms))
            y = y.sub(spider.slope, alpha=steps.lower)
        spider.correct((x, y), next(lower), shared.full_series(lower, upper, terms))
        yield shared.answer(x, y)
        steps.follow(x)
