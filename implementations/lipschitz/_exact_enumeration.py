"""All regions of a problem, enumerated in turns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard.implementations.lipschitz._exact_bounds import Array, piecewise
from tiltyard.implementations.lipschitz._exact_region import regions
from tiltyard.implementations.lipschitz._exact_search import Search, measures
from tiltyard.suites.lipschitz.problem import LipschitzProblem

WORK = 10**6
"""Weights that a region's turn may pass through, about."""


class Enumeration:
    """One search for every region and quantity of a problem.

    Attributes:
        upper: (k, c) float64 bounds, infinite where there is none yet; c quantities a region.
    """

    def __init__(self, problem: LipschitzProblem, nodes: int) -> None:
        self._problem = problem
        self._net = piecewise(problem)
        # A turn in a large network is shorter: one set costs as much as its weights.
        self._nodes = max(1, min(nodes, WORK // sum(W.size for W in self._net.weights)))
        self._regions = regions(problem)
        self._measures = measures(problem)
        self._searches: dict[tuple[int, int], Search] = {}
        self.upper = np.full((len(self._regions), len(self._measures)), np.inf)

    def rounds(self) -> Iterator[None]:
        """Bound region after region, then split in turns until all is exact; pause at progress."""
        for i, region in enumerate(self._regions):
            for j, measure in enumerate(self._measures):
                self._searches[i, j] = Search(self._net, region, measure)
                self.upper[i, j] = self._searches[i, j].upper
            yield
        while not all(search.done for search in self._searches.values()):
            before = self.upper.copy()
            for at, search in self._searches.items():
                if not search.done:
                    cells = search.cells
                    self._problem.count("branch", search.run(self._nodes))
                    self._problem.count("linear_program", search.cells - cells)
                    self.upper[at] = search.upper
            if (self.upper < before).any():
                yield

    def witness(self) -> Array:
        """Return (k, c, n) points well inside the best cells found so far, or centers."""
        points = np.repeat(
            np.array([region.center for region in self._regions])[:, None], len(self._measures), 1
        )
        for at, search in self._searches.items():
            points[at] = search.witness()
        return points
