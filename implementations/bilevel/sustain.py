"""SUSTAIN, single-timescale double momentum (Khanduri, Zeng, Hong, Wai, Wang & Yang 2021)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2102.07367",
    tune={
        "step": (1e-2, 1.0, "log"),
        "outer_ratio": (1e-2, 1e2, "log"),
        "batch_size": (16, 64, 256),
        "eta": (1e-1, 1.0, "log"),
        "terms": (5, 10, 20),
        "decay": (0.0, 1.0, "linear"),
    },
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def sustain(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.5,
    outer_ratio: float = 1.0,
    batch_size: int = 64,
    eta: float = 0.5,
    terms: int = 10,
    decay: float = 1.0,
    scaled: bool = True,
) -> Iterator[Answer]:
    """Double momentum in a single loop: recursive estimates for y and for x, at the same pace.

    With h_y and h_x the directions, all gradients of a step on the same minibatches at the new and
    the last point, h = g + (1 - eta_k) (h - g_last) for g = f_y and for the hypergradient
    g = F_x - f_xy v, v = terms rho prod_{j=1..p} (I - rho H_j) F_y with p drawn from
    0, ..., terms - 1; then y -= rho_k h_y and x -= gamma_k h_x, which start as g.
    rho_k and gamma_k fall as k^-1/3 and eta_k as k^-2/3; rho inside the series is constant.

    eta = 0.5, ten terms and batches of 64 are the defaults of benchmark_bilevel, which
    ``scaled=False`` with step 0.1 and ratio 1 is; there directions start from gradients at 0. The
    default step and its units are ours: see ``measured_steps``.

    Args:
        problem: a strongly convex, unconstrained lower level.
        rng: draws the minibatches.
        step: the first rho, of y and of the series, times L.
        outer_ratio: rho over gamma, each in its unit.
        batch_size: of every minibatch.
        eta: the first weight of fresh gradients; 1, with decay 0, is no momentum.
        terms: of the series.
        decay: multiplies the exponents of all schedules; 0 keeps them constant.
        scaled: whether steps are in units of the problem's curvature.
    """
    from tiltyard.implementations.bilevel import _stochastic as shared
    from tiltyard.implementations.bilevel._stochastic_scale import measured_steps

    yield shared.answer(*problem.start())
    steps = measured_steps(problem, rng, step, outer_ratio, scaled=scaled)
    lower, upper = (shared.batches(problem, level, batch_size, rng) for level in ("lower", "upper"))
    yield from shared.double_momentum(
        problem,
        lower,
        lambda: shared.drawn_term(rng, lower, upper, terms),
        shared.neumann_term,
        shared.Schedule(steps, eta, decay),
    )
