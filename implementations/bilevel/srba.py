"""SRBA, stochastic recursive bilevel algorithm (Dagreou, Moreau, Vaiter & Ablin 2024)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2302.08766",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "period_frac": (0.25, 0.5, 1.0, 2.0),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def srba(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.3,
    outer_ratio: float = 3.0,
    batch_size: int = 64,
    period_frac: float = 0.5,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Stochastic recursive bilevel algorithm: SARAH on the three directions of SOBA.

    With u = (x, y, v) and D(u) = (f_y, H v + F_y, f_xy v + F_x), v for -H^-1 F_y: every ``period``
    steps h = D(u) on all samples; between, on one minibatch of each level,
    h += D(u) - D(u_last). Then y -= rho h_y, v -= rho h_v, x -= gamma h_x, with constant steps. The
    period is ``period_frac`` passes over the samples of both levels, at least one step.

    v is not projected onto the ball that the paper's theory bounds it by, as in its experiments.
    Half a pass and batches of 64 are the defaults of the authors' benchmark, which ``scaled=False``
    with step 0.1 and ratio 1 is. The default steps and their units are ours, see
    ``measured_steps``: as for SABA, as these do not fall either.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: rho, of y and v, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of both levels.
        period_frac: passes over all samples between two full evaluations.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel._stochastic import EVERY, answer, batches, directions
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled)
    lower, upper = (batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    period = max(1, int(period_frac * (problem.n_lower + problem.n_upper) / batch_size))
    v = y.new_zeros(len(y))
    last = h = x, y, v
    for k in itertools.count():
        if k % period == 0:
            h = directions(problem, (x, y, v), None, None)
        else:
            rows, samples = next(lower), next(upper)
            fresh = directions(problem, (x, y, v), rows, samples)
            old = directions(problem, last, rows, samples)
            h = (h[0] + (fresh[0] - old[0]), h[1] + (fresh[1] - old[1]), h[2] + (fresh[2] - old[2]))
        last = x, y, v
        x = problem.project_x(x.sub(h[0], alpha=steps.upper))
        y = y.sub(h[1], alpha=steps.lower)
        v = v.sub(h[2], alpha=steps.lower)
        if k % EVERY == EVERY - 1:
            yield answer(x, y)
            steps.follow(x)
