"""The toy of the penalty method PBGD.

H. Shen and T. Chen, On penalty-based bilevel gradient descent method, ICML 2023, arXiv:2302.05185.
"""

from __future__ import annotations

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel.problem import BilevelProblem


@problem(
    suite="bilevel",
    track="library",
    tiers={
        "smoke": ({"start": 2.0},),
        "standard": ({"start": 2.0}, {"start": 0.0}),
    },
)
def pbgd_toy(_rng: np.random.Generator, *, start: float = 2.0) -> BilevelProblem:
    """A lower level that is not convex with the one solution y = -x, and an F with local minima.

    f = t^2 + x sin(t)^2 with t = x + y and F = cos(4 y + 2) / (1 + e^{2 - 4 x}) +
    log((4 x - 2)^2 + 1) / 2, for x in [0, 3] from ``start`` and y from 0. Phi(x) = F(x, -x) is
    least at x = 1.21515, to which it falls from 2; from 0 it falls to a local minimum at 0.38236.

    Raises:
        TiltyardError: the start is not in [0, 3].
    """
    if not 0.0 <= start <= 3.0:
        raise TiltyardError(f"pbgd-toy: start={start:g} is not in [0, 3]")
    from tiltyard.suites.bilevel._toy import Toy

    return BilevelProblem(model=Toy(start), track="library")
