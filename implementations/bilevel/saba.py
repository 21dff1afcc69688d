"""SABA, SOBA with SAGA's variance reduction (Dagreou, Ablin, Vaiter & Moreau 2022)."""

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
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def saba(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.3,
    outer_ratio: float = 3.0,
    batch_size: int = 64,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Stochastic average bilevel algorithm: SOBA's directions, corrected by tables of past ones.

    With v for -H^-1 F_y, the samples of each level are cut into batches once, as even as can be.
    Each step draws one batch b of each level uniformly, evaluates (f_y, H v, f_xy v) and (F_y, F_x)
    there, and with B batches of weights w and a table T of the last values takes
    sum_i w_i T_i + B w_b (g - T_b), unbiased, for each; T_b becomes g. Then y -= rho f_y,
    v -= rho (H v + F_y), x -= gamma (f_xy v + F_x), with constant steps. The tables are filled by
    one pass at the start.

    The paper has a table entry for each sample, the authors' benchmark one for each batch, as here.
    Tables hold B (2 dim_y + dim_x) numbers for f and B (dim_y + dim_x) for F; where that is above
    1 GiB, batches are made larger until it is not. Batches of 64 are the benchmark's default, which
    ``scaled=False`` with step 0.1 and ratio 1 is, but for tables that start at zero there. The
    default steps and their units are ours, see ``measured_steps``: near SAGA's 1 / (3 L), and a
    slower x than where steps fall.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: rho, of y and v, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of both levels.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel._saga import Tables
    from tiltyard.implementations.bilevel._stochastic import EVERY, answer
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    x, y = problem.start()
    yield answer(x, y)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled)
    v = y.new_zeros(len(y))
    tables = Tables(problem, batch_size, rng)
    tables.fill(x, y, v)
    for k in itertools.count(1):
        direction, slope, residual = tables.directions(x, y, v)
        y = y.sub(slope, alpha=steps.lower)
        v = v.sub(residual, alpha=steps.lower)
        x = problem.project_x(x.sub(direction, alpha=steps.upper))
        if k % EVERY == 0:
            yield answer(x, y)
            steps.follow(x)
