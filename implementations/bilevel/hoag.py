"""Hyperparameter optimisation with approximate gradients (HOAG; Pedregosa 2016)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import Unsupported, implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:1602.02355",
    tune={"schedule": ("geometric", "quadratic", "cubic"), "accuracy": (1e-4, 1e-1, "log")},
    requires=STRONGLY_CONVEX,
    devices=("cpu", "cuda"),
)
def hoag(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    schedule: str = "geometric",
    accuracy: float = 1e-3,
) -> Iterator[Answer]:
    """HOAG: hypergradients whose tolerance shrinks by a schedule that can be summed.

    Step k (Pedregosa 2016, Algorithm 1): f is solved by L-BFGS to a tolerance e_k from the last y,
    H q = F_y by conjugate gradients to e_k from the last q, and x <- P(x - p / Lambda) with
    p = F_x - J q. e_k is accuracy times 0.9^k, 1 / k^2 or 1 / k^3, the schedules of the paper's
    experiments, over the gradients' norms at the start. A step is kept if F falls by
    Lambda / 4 |step|^2 up to what the tolerances leave open, |F_y| (|f_y| + |f_y|') / mu, and
    Lambda then shrinks by 0.95; else x and y return, Lambda doubles and e is halved. The first step
    has the length sqrt(dim_x), as in the author's code. The paper's test has unknown constants in
    place of that slack; where mu is not known, it is 0.

    Args:
        problem: strongly convex lower level without constraints.
        rng: unused, the method is deterministic.
        schedule: ``geometric``, ``quadratic`` or ``cubic``.
        accuracy: the first tolerance.

    Raises:
        Unsupported: the schedule is none of these.
    """
    del rng
    from tiltyard.implementations.bilevel._hoag import Hoag

    x, y = problem.start()
    yield {"x": x, "y": y}
    decays: dict[str, Callable[[int], float]] = {
        "geometric": lambda k: 0.9**k,
        "quadratic": lambda k: (k + 1.0) ** -2,
        "cubic": lambda k: (k + 1.0) ** -3,
    }
    if schedule not in decays:
        raise Unsupported(f"schedule {schedule!r} is none of {', '.join(decays)}")
    state = Hoag(problem, accuracy)
    k = 0
    while True:
        state.step(decays[schedule](k))
        yield {"x": state.x, "y": state.y}
        k += 1
