"""Single-loop penalty method with momentum (Kwon, Kwon, Wright & Nowak 2024)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import partial

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import SETS_ONLY
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2309.01753",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "sigma": (1e-2, 10.0, "log"),
        "decay": (0.0, 1.0, "linear"),
    },
    requires={**SETS_ONLY, "lower_convexity": ("strong",)},
    devices=("cpu", "cuda"),
)
def penalty_single_loop(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    sigma: float = 1.0,
    decay: float = 1.0,
) -> Iterator[Answer]:
    """One projected step each of z on f, y on sigma F + f and x on psi_sigma, with momentum.

    Every direction is a recursive one (STORM): d_k = g(u_k; B) + (1 - eta_k) (d_{k-1} -
    g(u_{k-1}; B)) with g the stochastic gradient on a minibatch B of either level at the present
    and the last point. sigma_k falls as k^-1/5, steps as k^-2/5 and eta_k as k^-4/5, which gives
    the paper's rate of eps^-5; these exponents are derived from that rate, not read in the paper,
    of which excerpts were at hand. The answer's y is z. Units of the steps are those of
    ``measured_steps``; y's is half of z's, since sigma F adds to its curvature.

    Args:
        problem: a strongly convex lower level, with sets X and Y alone as constraints.
        rng: draws the minibatches.
        step: the first of z, times L.
        outer_ratio: that step over the first one of x, each in its unit.
        batch_size: of both levels.
        sigma: the first sigma.
        decay: multiplies every exponent; 0 keeps all constant.
    """
    from tiltyard.implementations.bilevel._penalty import answer, penalty_slopes, recursive
    from tiltyard.implementations.bilevel._stochastic import batches
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps, penalised

    x, y = problem.start()
    yield answer(x, y)
    estimate = partial(penalised, multiplier=1.0 / sigma)
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=True, estimate=estimate)
    lower, upper = (batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    here, last, weight = (x, y, y), (x, y, y), sigma
    kept = penalty_slopes(problem, here, weight, (next(lower), next(upper)))
    for k in itertools.count(1):
        shrink = k ** (-0.4 * decay)
        last, (x, y, z) = here, here
        here = (
            problem.project_x(x.sub(kept[0], alpha=shrink * steps.upper)),
            problem.project_y(y.sub(kept[1], alpha=0.5 * shrink * steps.lower)),
            problem.project_y(z.sub(kept[2], alpha=shrink * steps.lower)),
        )
        yield answer(here[0], here[2])
        steps.follow(here[0])
        rows, keep = (next(lower), next(upper)), 1.0 - (k + 1) ** (-0.8 * decay)
        stale = penalty_slopes(problem, last, weight, rows)
        weight = sigma * (k + 1) ** (-0.2 * decay)
        fresh = penalty_slopes(problem, here, weight, rows)
        kept = recursive(fresh, kept, stale, keep)
