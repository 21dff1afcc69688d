"""BOME, a first-order bilevel method by dynamic barriers (Liu, Ye, Wright, Stone & Liu 2022)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import UNCONSTRAINED
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2209.08709",
    tune={
        "step": (0.01, 1.0, "log"),
        "inner_steps": (1, 5, 10, 20),
        "eta": (0.1, 0.9, "linear"),
    },
    requires=UNCONSTRAINED,
    devices=("cpu", "cuda"),
)
def bome(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.1,
    inner_steps: int = 10,
    eta: float = 0.5,
) -> Iterator[Answer]:
    """Descend F along directions that also lower the value gap q(x, y) = f(x, y) - f(x, y_T).

    y_T is y after T gradient steps on f(x, .) and counts as constant. With grad q =
    (f_x(x, y) - f_x(x, y_T), f_y(x, y)) and lambda = max(eta |grad q|^2 - <grad F, grad q>, 0) /
    |grad q|^2, one step of (x, y) goes against grad F + lambda grad q. eta = 0.5 and T = 10 are the
    paper's. Ours: y_T's steps 1 / M and joint steps ``step`` / (M + M_F), with M the published
    bound of f's curvature in y or an estimate, M_F one of F's in (x, y); and x is projected onto X,
    where the paper has none.

    Args:
        problem: an unconstrained lower level, convex or not.
        rng: draws directions of the power method.
        step: of (x, y), in those units.
        inner_steps: T.
        eta: in (0, 1).
    """
    import torch

    from tiltyard.implementations.bilevel._penalty import Pair, answer, barrier, bend

    x, y = problem.start()
    yield answer(x, y)
    n, pair = len(x), Pair(problem, x, y, rng)
    upper = bend(lambda u: torch.cat(problem.upper_gradients(u[:n], u[n:])), torch.cat((x, y)), rng)
    while True:
        pair.z = y
        pair.settle(x, inner_steps)
        lower_x, lower_y = problem.lower_gradients(x, y)
        gap = torch.cat((lower_x - problem.lower_gradient_x(x, pair.z), lower_y))
        direction = barrier(torch.cat(problem.upper_gradients(x, y)), gap, eta)
        length = step / (pair.lower(x) + upper)
        x = problem.project_x(x - length * direction[:n])
        y = y - length * direction[n:]
        yield answer(x, y)
