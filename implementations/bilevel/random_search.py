"""Random search over x: the baseline that uses no gradient of the upper level.

Bergstra and Bengio (2012), Random search for hyper-parameter optimization, JMLR 13.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import OPTIMISE
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="https://jmlr.org/papers/v13/bergstra12a.html",
    tune={"radius": (0.1, 100.0, "log")},
    devices=("cpu", "cuda"),
    requires=OPTIMISE,
)
def random_search(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-8,
    radius: float = 10.0,
) -> Iterator[Answer]:
    """Draw x uniformly from its box, solve the lower level there, and keep the best.

    A point that violates an upper-level constraint, or where no lower-level solution is found, is
    worse than any that does not. Defaults are ours: the paper's boxes are the experimenter's.

    Args:
        problem: of any track but ``hypergradient``.
        rng: draws x, and starts of lower levels that are not convex.
        tolerance: the lower level's projected gradient, relative to that at its start.
        radius: the box reaches this far from the start where X has no bound.
    """
    from tiltyard.implementations.bilevel._search import Search

    search = Search(problem, rng, tolerance=tolerance, radius=radius)
    yield search.answer
    search.look(search.start)
    while True:
        yield search.answer
        search.look(rng.uniform(search.low, search.high))
