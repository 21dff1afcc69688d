"""AmIGO, amortised implicit gradient optimisation (Arbel & Mairal 2022)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2111.14580",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "inner_steps": (1, 5, 10, 20),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def amigo(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    inner_steps: int = 10,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Amortised implicit gradients: y and the linear system go on from where the last x left them.

    For each x, ``inner_steps`` steps y -= rho f_y(x, y), then as many v -= rho (H v + F_y) for
    v = -H^-1 F_y, each on a minibatch of its own but for F's, which is one for the step; then
    x -= gamma (F_x + f_xy v). Steps are constant.

    The published method leaves both inner solvers open; these are its AmIGO with stochastic
    gradients. Ten steps and batches of 64 are the defaults of benchmark_bilevel, and
    ``scaled=False`` with step 0.1 and ratio 1 is it. The default step and its units are ours: see
    ``measured_steps``.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: rho, of y and v, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of both levels.
        inner_steps: steps of y and of v for each step of x.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel._stochastic import answer, batches
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled, inner=inner_steps)
    lower, upper = (batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    v = y.new_zeros(len(y))
    while True:
        for _ in range(inner_steps):
            y = y.sub(problem.lower_gradient_y(x, y, next(lower)), alpha=steps.lower)
        slope_x, slope_y = problem.upper_gradients(x, y, next(upper))
        for _ in range(inner_steps):
            residual = problem.hessian_product(x, y, v, next(lower)) + slope_y
            v = v.sub(residual, alpha=steps.lower)
        direction = problem.cross_product(x, y, v, next(lower)) + slope_x
        x = problem.project_x(x.sub(direction, alpha=steps.upper))
        yield answer(x, y)
        steps.follow(x)
