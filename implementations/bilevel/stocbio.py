"""StocBiO, implicit gradients by minibatch Neumann series (Ji, Yang & Liang 2021)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2010.07962",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "inner_steps": (1, 5, 10, 20),
        "terms": (5, 10, 20),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def stocbio(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    inner_steps: int = 10,
    terms: int = 10,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Stochastic bilevel optimiser: y by SGD, H^-1 F_y by a Neumann series, then a step of x.

    For each x, ``inner_steps`` steps y -= rho f_y on fresh minibatches, from the last y; then
    v = rho sum_{q=0..Q} prod_{j=1..q} (I - rho H_j) F_y with Q = ``terms`` minibatches, and
    x -= gamma (F_x - f_xy v). Steps are constant.

    Ten steps, ten terms and batches of 64 are the defaults of benchmark_bilevel, and
    ``scaled=False`` with step 0.1 and ratio 1 is it; the paper's batches for H_j shrink with j in
    theory and not in its experiments. The default step and its units are ours: see
    ``measured_steps``.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: rho, of y and of the series, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of every minibatch.
        inner_steps: steps of y for each step of x.
        terms: products with H in the series; 0 leaves rho F_y.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel import _stochastic as shared
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield shared.answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled, inner=inner_steps)
    lower, upper = (shared.batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    while True:
        for _ in range(inner_steps):
            y = y.sub(problem.lower_gradient_y(x, y, next(lower)), alpha=steps.lower)
        sample = shared.full_series(lower, upper, terms)
        (direction,) = shared.hypergradients(
            problem, [(x, y)], steps.lower, sample, shared.neumann_sum
        )
        x = problem.project_x(x.sub(direction, alpha=steps.upper))
        yield shared.answer(x, y)
        steps.follow(x)
