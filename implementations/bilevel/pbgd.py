"""V-PBGD, penalty-based bilevel gradient descent on the value gap (Shen & Chen 2023)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import SETS_ONLY
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2302.05185",
    tune={
        "step": (0.1, 2.0, "log"),
        "inner_steps": (1, 5, 10, 20),
        "gamma": (1.0, 1000.0, "log"),
    },
    requires=SETS_ONLY,
    devices=("cpu", "cuda"),
)
def pbgd(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 1.0,
    inner_steps: int = 10,
    gamma: float = 10.0,
) -> Iterator[Answer]:
    """Projected gradient descent in (x, y) on F + gamma (f - v), v the lower level's value.

    A round takes ``inner_steps`` projected gradient steps on w for f(x, .), from where w was, then
    one of (x, y) along F_x + gamma (f_x(x, y) - f_x(x, w)) and F_y + gamma f_y(x, y), onto X x Y:
    the paper's V-PBGD, which needs neither second derivatives nor convexity. The answer's y is w;
    gamma stays, and so does a bias of order 1 / gamma.

    The paper's text was at hand as an excerpt; gamma = 10 is of its toy, recalled. Steps are ours:
    1 / M for w, with M the published bound of f's curvature or an estimate at the start, and
    lengths from secants of the joint direction, see ``_penalty.Adaptive``.

    Args:
        problem: sets X and Y alone as constraints.
        rng: draws directions of the power method.
        step: multiplies the length of the joint steps.
        inner_steps: of w, in each round.
        gamma: the penalty.
    """
    import torch

    from tiltyard.implementations.bilevel._penalty import Adaptive, Pair, answer

    x, y = problem.start()
    yield answer(x, y)
    pair, length = Pair(problem, x, y, rng), Adaptive(step)
    while True:
        pair.settle(x, inner_steps)
        upper_x, upper_y = problem.upper_gradients(x, y)
        lower_x, lower_y = problem.lower_gradients(x, y)
        dx = upper_x + gamma * (lower_x - problem.lower_gradient_x(x, pair.z))
        dy = upper_y + gamma * lower_y
        size = length(torch.cat((x, y)), torch.cat((dx, dy)))
        x, y = problem.project_x(x - size * dx), problem.project_y(y - size * dy)
        yield answer(x, pair.z)
