"""Grid search over one or two upper-level variables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import OPTIMISE
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="unpublished",
    tune={"radius": (0.1, 100.0, "log")},
    devices=("cpu", "cuda"),
    requires={**OPTIMISE, "dim_x": (1, 2)},
)
def grid(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-8,
    radius: float = 10.0,
) -> Iterator[Answer]:
    """Solve the lower level on grids that halve their spacing, and keep the best x.

    The first grid is the corners of the box of x; each further one adds the midpoints of the last,
    and no point is looked at twice. Points are ranked as by ``random_search``.

    Args:
        problem: of one or two upper-level variables, of any track but ``hypergradient``.
        rng: draws starts of lower levels that are not convex.
        tolerance: the lower level's projected gradient, relative to that at its start.
        radius: the box reaches this far from the start where X has no bound.
    """
    from tiltyard.implementations.bilevel._search import Search

    search = Search(problem, rng, tolerance=tolerance, radius=radius)
    yield search.answer
    search.look(search.start)
    for level in itertools.count():
        cells = 2**level
        for indices in itertools.product(range(cells + 1), repeat=problem.dim_x):
            if level and all(index % 2 == 0 for index in indices):
                continue
            yield search.answer
            shares = np.array(indices) / cells
            search.look(search.low + shares * (search.high - search.low))
