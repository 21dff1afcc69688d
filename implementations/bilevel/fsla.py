"""FSLA, a fully single-loop algorithm without Hessian inverses (Li, Gu & Huang 2022)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2112.04660",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "eta": (1e-2, 1.0, "log"),
        "decay": (0.0, 1.0, "linear"),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def fsla(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    eta: float = 0.1,
    decay: float = 1.0,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Fully single-loop algorithm: a step of y, of the linear system and of x, with momentum on x.

    At step k, y' = y - rho f_y(x, y), then v' = v - rho (H v + F_y) at (x, y') for v = -H^-1 F_y,
    then with r = F_x + f_xy v on one minibatch at (x, y', v') and at the point of the step before,
    d = r + (1 - eta) (d - r_before), and x -= gamma d; each of the three draws its minibatches.
    rho, gamma and eta fall as 1/sqrt(k), and eta is never above 1.

    Schedule, batches of 64 and eta = 0.1 are the defaults of benchmark_bilevel, which
    ``scaled=False`` with step 0.1 and ratio 1 is; there d starts with a gradient at x = 0, here
    with r. The default step and its units are ours: see ``measured_steps``.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: the first rho, of y and v, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of both levels.
        eta: the first weight of the fresh r; 1 is no momentum.
        decay: multiplies the exponents 1/2 of the schedules; 0 keeps them constant.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel._stochastic import EVERY, answer, batches, outward
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled)
    lower, upper = (batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    v = y.new_zeros(len(y))
    direction, last = x.new_zeros(len(x)), (x, y, v)
    for k in itertools.count(1):
        fade = k ** (-0.5 * decay)
        y = y.sub(problem.lower_gradient_y(x, y, next(lower)), alpha=steps.lower * fade)
        residual = problem.hessian_product(x, y, v, next(lower))
        residual = residual + problem.upper_gradient_y(x, y, next(upper))
        v = v.sub(residual, alpha=steps.lower * fade)
        rows, samples = next(lower), next(upper)
        fresh = outward(problem, (x, y, v), rows, samples)
        if k > 1:
            keep = 1.0 - min(1.0, eta * fade)
            fresh = fresh.add(direction - outward(problem, last, rows, samples), alpha=keep)
        direction, last = fresh, (x, y, v)
        x = problem.project_x(x.sub(direction, alpha=steps.upper * fade))
        if k % EVERY == 0:
            yield answer(x, y)
            steps.follow(x)
