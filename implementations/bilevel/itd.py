"""Iterative differentiation: gradients through the steps on the lower level (ITD)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:1703.01785",
    tune={"inner": (5, 10, 20, 50, 200), "back": (0, 5, 10), "ratio": (0.1, 1.5, "log")},
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def itd(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    inner: int = 20,
    back: int = 0,
    ratio: float = 1.0,
) -> Iterator[Answer]:
    """ITD: descend on f for some steps, and follow the gradient of F through all of them.

    A round (Franceschi et al. 2017; ITD-BiO of Ji, Yang and Liang 2021): ``inner`` gradient steps
    on y from the last y, reverse-mode differentiation of F(x, y_T) through them, and a projected
    step on x. The gradient leaves out what the warm start depends on: a bias (1 - mu / L)^inner
    stays, so that the method ends near the optimum and not at it. ``back`` > 0 differentiates the
    last steps only (Shaban, Cheng, Hatch and Boots 2019). Ours: inner steps of 1 / L and outer
    steps from secants (see ``_implicit.SecantStep``).

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        inner: gradient steps on f a round; as many vectors are kept.
        back: of these how many are differentiated; 0 for all.
        ratio: of the outer step to 1 / Lambda.
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import SecantStep, curvature
    from tiltyard.implementations.bilevel._unrolled import unrolled

    x, y = problem.start()
    yield {"x": x, "y": y}
    outer = SecantStep(problem, ratio)
    while True:
        step = 1.0 / curvature(problem, x, y)[1]
        y, d = unrolled(problem, x, y, step=step, inner=inner, back=back or inner)
        x = outer(x, d)
        yield {"x": x, "y": y}
