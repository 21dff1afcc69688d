"""F2SA, the fully first-order stochastic approximation (Kwon, Kwon, Wright & Nowak 2023)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2301.10945",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "inner_steps": (1, 5, 10, 20),
        "multiplier": (1.0, 1e2, "log"),
        "decay": (0.0, 1.0, "linear"),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def f2sa(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    inner_steps: int = 10,
    multiplier: float = 1.0,
    decay: float = 1.0,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Fully first-order method: the value function's gradient, without second derivatives.

    For each x, ``inner_steps`` times z -= gamma_k f_y(x, z) and
    y -= alpha_k (F_y(x, y) + lambda_k f_y(x, y)); then
    x -= xi alpha_k (F_x(x, y) + lambda_k (f_x(x, y) - f_x(x, z))), each gradient on its own
    minibatch. As in the paper for noise in both levels gamma_k falls as k^-4/7, alpha_k as k^-5/7,
    and lambda_k = gamma_k / (2 alpha_k) grows as k^1/7. Its bias is of order 1 / lambda_k.

    The answer's y is z, which aims at y*(x). Ten steps, batches of 64 and a first multiplier of 1
    are the defaults of benchmark_bilevel; in that code lambda grows as k^6/7 and x's step falls as
    k^-4/7. ``scaled=False`` takes steps as they are. The default step and its units are ours: see
    ``measured_steps``, with this method's own hypergradient.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: the first gamma, of z, times L.
        outer_ratio: that step over the first one of x, each in its unit.
        batch_size: of every minibatch.
        inner_steps: steps of y and z for each step of x.
        multiplier: the first lambda.
        decay: multiplies every exponent of the schedule; 0 keeps steps and lambda constant.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel._stochastic import answer, batches
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps, penalised

    x, y = problem.start()
    yield answer(x, y)
    steps = measured_steps(
        problem,
        rng,
        step,
        outer_ratio,
        scaled=scaled,
        inner=inner_steps,
        estimate=partial(penalised, multiplier=multiplier),
    )
    lower, upper = (batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    z = y
    for k in itertools.count(1):
        gamma, lam = steps.lower * k ** (-4.0 / 7.0 * decay), multiplier * k ** (decay / 7.0)
        alpha = gamma / (2.0 * lam)
        for _ in range(inner_steps):
            z = z.sub(problem.lower_gradient_y(x, z, next(lower)), alpha=gamma)
            slope = problem.upper_gradient_y(x, y, next(upper))
            slope = slope.add(problem.lower_gradient_y(x, y, next(lower)), alpha=lam)
            y = y.sub(slope, alpha=alpha)
        excess = problem.lower_gradient_x(x, y, next(lower))
        excess = excess - problem.lower_gradient_x(x, z, next(lower))
        direction = problem.upper_gradient_x(x, y, next(upper)).add(excess, alpha=lam)
        x = problem.project_x(x.sub(direction, alpha=steps.upper * k ** (-5.0 / 7.0 * decay)))
        yield answer(x, z)
        steps.follow(x)
