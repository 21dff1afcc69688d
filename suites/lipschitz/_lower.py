"""The judge's own lower bounds: random points of every region, then hill climbing.

The work is fixed by the size of the problem and not by a clock, and the seed by its content, so
every process finds the same.
"""

from __future__ import annotations

import numpy as np

from tiltyard.suites.lipschitz._regions import Owner, Regions
from tiltyard.suites.lipschitz._values import Values, one_thread
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import LipschitzProblem

OPERATIONS = 4e9
"""Floating-point operations that the judge spends on a problem."""

_ELITE = 4
_ROUNDS = 40
_MOST = 20_000


def lower_bounds(
    problem: LipschitzProblem, seed: int, operations: float = OPERATIONS
) -> tuple[Array, Array]:
    """Return the largest values found, (k, parts), and (k, parts, n) where they are attained."""
    search = _Search(problem, seed)
    each = min(_MOST, operations / (search.values.row_cost * problem.network.outputs))
    with one_thread():
        search.sample(int(each / 3.0 / problem.regions))
        search.climb(int(each / 1.5))
    return search.best()


class _Search:
    """The best points so far, ``_ELITE`` for every region and part."""

    def __init__(self, problem: LipschitzProblem, seed: int) -> None:
        self.values = Values(problem)
        self._regions = Regions(problem)
        self._rng = np.random.default_rng(seed)
        k, parts, n = problem.regions, self.values.parts, problem.network.inputs
        self._shape = (k, parts, n)
        self._points = np.empty((k, parts, _ELITE, n))
        self._found = np.full((k, parts, _ELITE), -np.inf)
        centers = self._regions.centers()
        self._first = self.values.attained(centers, np.arange(k))
        self._points[:] = centers[:, None, None]

    def sample(self, each: int) -> None:
        """Look at random points, half of them on the boundaries."""
        k = self._shape[0]
        owner = np.repeat(np.arange(k), max(1, each // 2))
        for draw in (self._regions.inside, self._regions.extreme):
            self._take(draw(owner, self._rng), owner)
        known = self._regions.known()[:each]
        if k == 1:
            zeros = np.zeros(len(known), dtype=int)
            self._take(self._regions.project(known, zeros), zeros)

    def climb(self, evaluations: int) -> None:
        """Change the best points a little, coordinates of them, or mix two; keep what is better."""
        k, parts, _ = self._shape
        self._width = max(2, evaluations // (_ROUNDS * k * parts))
        owner = np.repeat(np.arange(k), parts * self._width)
        for _ in range(max(1, evaluations // len(owner))):
            self._take(self._proposals(owner), owner)

    def best(self) -> tuple[Array, Array]:
        """Return the values with their points, computed anew beside no kink."""
        k, parts, n = self._shape
        owner = np.repeat(np.arange(k), parts)
        points = self._points[:, :, 0].reshape(-1, n)
        every, where = self.values.attained(points, owner)
        part = np.tile(np.arange(parts), k)
        rows = np.arange(len(owner))
        found = every[rows, part].reshape(k, parts)
        at = where[rows, part].reshape(k, parts, n)
        better = self._first[0] > found
        return np.where(better, self._first[0], found), np.where(
            better[:, :, None], self._first[1], at
        )

    def _take(self, points: Array, owner: Owner) -> None:
        values = self.values.at(points)
        for region in range(self._shape[0]):
            mine = owner == region
            for part in range(self._shape[1]):
                every = np.concatenate([self._found[region, part], values[mine, part]])
                places = np.concatenate([self._points[region, part], points[mine]])
                order = np.argsort(-every, kind="stable")[:_ELITE]
                self._found[region, part] = every[order]
                self._points[region, part] = places[order]

    def _proposals(self, owner: Owner) -> Array:
        rng, (k, parts, n) = self._rng, self._shape
        which = rng.integers(_ELITE, size=(k, parts, self._width))
        rows = np.arange(k)[:, None, None], np.arange(parts)[None, :, None]
        base = self._points[(*rows, which)].reshape(-1, n)
        other = self._points[(*rows, rng.integers(_ELITE, size=which.shape))].reshape(-1, n)
        count = len(base)
        kind = rng.integers(4, size=(count, 1))
        some = rng.random((count, n)) < rng.choice([1.0 / n, 3.0 / n, 0.1, 0.5], size=(count, 1))
        some[np.arange(count), rng.integers(n, size=count)] = True
        fresh = np.where(
            rng.random((count, 1)) < 0.5,
            self._regions.inside(owner, rng),
            self._regions.extreme(owner, rng),
        )
        width = 10.0 ** rng.uniform(-3.0, 0.0, (count, 1))
        near = base + width * self._regions.size[owner] * rng.standard_normal((count, n))
        mixed = base + rng.uniform(-0.5, 1.5, (count, 1)) * (other - base)
        made = np.where(kind <= 1, np.where(some, fresh, base), np.where(kind == 2, near, mixed))
        return self._regions.project(made, owner)
