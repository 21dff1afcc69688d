"""One hypergradient by differentiation through the steps on the lower level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

MOST = 2**27
"""Numbers of iterates that are kept, 1 GiB; the run ends before it needs more."""


@implementation(
    suite="bilevel",
    cites="arXiv:1703.01785",
    tune={"share": (0.0625, 1.0, "log")},
    requires={"track": ("hypergradient",)},
    devices=("cpu", "cuda"),
)
def hypergradient_itd(
    problem: BilevelProblem, rng: np.random.Generator, *, share: float = 1.0
) -> Iterator[Answer]:
    """ITD at one x: T gradient steps of 1 / L on f, and the gradient of F through them, in reverse.

    Franceschi, Donini, Frasconi and Pontil (2017). T doubles from 1, each time from the start: the
    chain rule needs all iterates, which are kept.

    Args:
        problem: of the hypergradient track.
        rng: unused, the method is deterministic.
        share: of the steps that are differentiated, the last ones (Shaban et al. 2019).
    """
    del rng
    from tiltyard.implementations.bilevel._implicit import curvature
    from tiltyard.implementations.bilevel._unrolled import unrolled

    x, y = problem.start()
    step = 1.0 / curvature(problem, x, y)[1]
    inner = 1
    while share * inner * len(y) <= MOST:
        back = max(1, round(share * inner))
        _, d = unrolled(problem, x, y, step=step, inner=inner, back=back)
        yield {"hypergradient": d}
        inner *= 2
