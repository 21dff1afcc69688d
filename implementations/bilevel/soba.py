"""SOBA, the stochastic bilevel algorithm (Dagreou, Ablin, Vaiter & Moreau 2022)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2201.13409",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "decay": (0.0, 1.0, "linear"),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def soba(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    decay: float = 1.0,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Stochastic bilevel algorithm: y, the linear system and x step at once, on one minibatch.

    With v for -H^-1 F_y, and all derivatives at (x, y) on one minibatch of each level,
    y -= rho f_y, v -= rho (H v + F_y), x -= gamma (f_xy v + F_x); rho and gamma fall as 1/sqrt(k).

    The schedule, v = 0 at the start and batches of 64 are those of the authors' benchmark, whose
    step 0.1 and ratio 1 on problems with L = 1 ``scaled=False`` takes as they are. The default step
    and its units are ours: see ``measured_steps``. X is projected onto.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: the first step rho of y and v, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of both levels.
        decay: multiplies the exponent 1/2 of the schedule; 0 keeps steps constant.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel._stochastic import EVERY, answer, batches, directions
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled)
    lower, upper = (batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    v = y.new_zeros(len(y))
    for k in itertools.count(1):
        direction, slope, residual = directions(problem, (x, y, v), next(lower), next(upper))
        fade = k ** (-0.5 * decay)
        y = y.sub(slope, alpha=steps.lower * fade)
        v = v.sub(residual, alpha=steps.lower * fade)
        x = problem.project_x(x.sub(direction, alpha=steps.upper * fade))
        if k % EVERY == 0:
            yield answer(x, y)
            steps.follow(x)
