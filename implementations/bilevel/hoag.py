"""HOAG: hyperparameter optimisation with approximate gradients."""

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
    cites="arXiv:1602.02355",
    tune={"schedule": ("geometric", "quadratic", "cubic"), "accuracy": (1e-5, 1e-1, "log")},
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def hoag(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    schedule: str = "geometric",
    accuracy: float = 1e-3,
    decay: float = 0.9,
) -> Iterator[Answer]:
    """Step along hypergradients whose accuracy follows a schedule, with an adaptive step.

    Round k solves the lower level by L-BFGS to |f_y| <= eps_k and the adjoint by conjugate
    gradients to a residual of eps_k, both from the last solution, and steps to P(x - d / M).
    eps_k is ``accuracy`` times decay^k (``geometric``), 1 / k^2 (``quadratic``), 1 / k^3
    (``cubic``) or 1 (``constant``, for comparison). Pedregosa (2016), section 4: where F has
    decreased by enough for M, up to what the accuracies allow, M becomes 0.95 M; where F has grown
    by 20 % the step is undone, M doubles and eps_k halves. The first M makes the first step
    sqrt(dim_x) long. Defaults are those of the author's code.

    Ours: M doubles, too, where F has neither decreased by enough nor grown by so much; F is
    corrected by -q'f_y, so that the error of y enters it squared: else it hides small decreases,
    and M doubles for ever; where the decrease is below F's rounding, the mean of both
    hypergradients times the step stands in for it; eps_k ends at 1e-13 times |f_y| at the start,
    or 1e-13 if that is below 1.

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        schedule: ``geometric``, ``quadratic``, ``cubic`` or ``constant``.
        accuracy: eps_1.
        decay: of the geometric schedule.

    Raises:
        ValueError: no such schedule.
    """
    del rng
    from tiltyard.implementations.bilevel._hoag import AdaptiveStep, Approximate, accuracies

    x, y = problem.start()
    yield {"x": x, "y": y}
    approximate = Approximate(problem, x, y)
    step = AdaptiveStep(problem)
    for eps in accuracies(schedule, accuracy, decay):
        at = approximate(x, eps * step.caution)
        x = step(at)
        yield {"x": step.kept.x, "y": step.kept.y}
