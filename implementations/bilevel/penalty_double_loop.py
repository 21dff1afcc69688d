"""Penalty method with inner loops (Kwon, Kwon, Wright & Nowak 2024)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import SETS_ONLY
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2309.01753",
    tune={
        "step": (0.1, 2.0, "log"),
        "inner_steps": (5, 10, 20, 50),
        "sigma": (1e-2, 10.0, "log"),
        "decay": (0.0, 1.0, "linear"),
    },
    requires=SETS_ONLY,
    devices=("cpu", "cuda"),
)
def penalty_double_loop(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 1.0,
    inner_steps: int = 20,
    sigma: float = 1.0,
    decay: float = 0.5,
) -> Iterator[Answer]:
    """Descend psi_sigma = (min_y (sigma F + f) - min_y f) / sigma, with sigma going to zero.

    A round takes ``inner_steps`` projected gradient steps on z for f and on y for sigma F + f, both
    from where they were, then x <- P(x - alpha (F_x(x, y) + (f_x(x, y) - f_x(x, z)) / sigma)) with
    sigma_k = sigma (k + 1)^-decay: the form of the paper with full gradients. The answer's y is z.
    Against the gradient of Phi the direction has a bias of order sigma.

    The forms are recalled from the paper, of which excerpts were at hand: it lets sigma fall to the
    order of the wanted accuracy. Steps of its analysis need constants that no problem tells. Ours:
    1 / M for y and z, with M the published bound at x or an estimate by the power method at the
    start; for x lengths from secants, see ``_penalty.Adaptive``. decay = 1/2 is ours.

    Args:
        problem: sets X and Y alone as constraints.
        rng: draws directions of the power method.
        step: multiplies the length of x's steps.
        inner_steps: of y and of z, in each round.
        sigma: the first sigma.
        decay: its exponent.
    """
    from tiltyard.implementations.bilevel._penalty import Adaptive, Pair, answer, upper_bend

    x, y = problem.start()
    yield answer(x, y)
    pair, length = Pair(problem, x, y, rng), Adaptive(step)
    pair.upper = upper_bend(problem, x, y, rng)
    for k in itertools.count():
        direction = pair.hypergradient(x, sigma * (k + 1) ** -decay, inner_steps)
        x = problem.project_x(x - length(x, direction) * direction)
        yield answer(x, pair.z)
