"""The judge's own lower bounds: random points of every region, ascent, then hill climbing.

The work is fixed by the size of the problem and not by a clock, and the seed by its content, so
every process finds the same.
"""

from __future__ import annotations

import numpy as np
import torch

from tiltyard.suites.lipschitz._ascent import Ascent
from tiltyard.suites.lipschitz._regions import Owner, Regions
from tiltyard.suites.lipschitz._values import Values, jacobians, one_thread
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import LipschitzProblem

OPERATIONS = 4e9
"""Floating-point operations that the judge spends on a problem."""

_ELITE = 4
_ROUNDS = 40
_STEPS = 30
_MOST = 20_000


def lower_bounds(
    problem: LipschitzProblem, seed: int, operations: float = OPERATIONS
) -> tuple[Array, Array]:
    """Return the largest values found, (k, parts), and (k, parts, n) where they are attained.

    Args:
        problem: which one.
        seed: of the random points.
        operations: floating-point operations to spend, about.
    """
    search = Search(problem, seed)
    most = _MOST * max(1.0, operations / OPERATIONS)
    each = min(most, operations / (search.values.row_cost * problem.network.outputs))
    with one_thread():
        search.sample(int(0.3 * each))
        search.ascend(int(0.3 * each))
        search.climb(int(0.4 * each))
        return search.best()


class Search:
    """The best points so far, several for every region and part, of different values."""

    def __init__(self, problem: LipschitzProblem, seed: int) -> None:
        self.values = Values(problem)
        self._problem = problem
        self._regions = Regions(problem)
        self._rng = np.random.default_rng(seed)
        k, parts, n = problem.regions, self.values.parts, problem.network.inputs
        self._shape = (k, parts, n)
        centers = self._regions.centers()
        self._first = self.values.attained(centers, np.arange(k))
        self._points = np.repeat(np.repeat(centers[:, None, None], parts, 1), _ELITE, 2)
        self._found = np.full((k, parts, _ELITE), -np.inf)

    def add(self, points: Array) -> None:
        """Look at given points, (k, many, n)."""
        values = self.values.at(points.reshape(-1, self._shape[2]))
        self._take(points, values.reshape(*points.shape[:2], -1))

    def sample(self, evaluations: int) -> None:
        """Look at random points, half of them on the boundaries."""
        k, _, n = self._shape
        each = max(1, evaluations // (2 * k))
        owner = np.repeat(np.arange(k), each)
        for draw in (self._regions.inside, self._regions.extreme):
            self.add(draw(owner, self._rng).reshape(k, each, n))
        if k == 1:
            self.add(self._regions.project(self._regions.known()[:each], owner[:1])[None])

    def ascend(self, evaluations: int) -> None:
        """Follow gradients from the best points, or from some of them."""
        k, parts, n = self._shape
        rows = 1 + 8 // self._problem.network.outputs  # a step costs about two rows
        starts = int(np.clip(evaluations * 8 // (rows * _STEPS * k * parts), 1, _ELITE))
        points = self._points[:, :, :starts].reshape(-1, n)
        owner = np.repeat(np.arange(k), parts * starts)
        part = np.tile(np.repeat(np.arange(parts), starts), k)
        rank = np.tile(np.arange(starts), k * parts)
        ascent = Ascent(self._problem)
        u = ascent.start(jacobians(self._problem.network, torch.tensor(points)), part, rank)
        way = ascent.climb(points, owner, part, u, _STEPS)
        self.add(way.reshape(len(way), k, -1, n).swapaxes(0, 1).reshape(k, -1, n))

    def climb(self, evaluations: int) -> None:
        """Change the best points a little, coordinates of them, or mix two; keep what is better."""
        k, parts, n = self._shape
        width = max(2, evaluations // (_ROUNDS * k * parts))
        for _ in range(max(1, evaluations // (width * k * parts))):
            self.add(self._proposals(width).reshape(k, -1, n))

    def found(self) -> Array:
        """Return the largest values so far, (k, parts)."""
        first: Array = np.maximum(self._found[:, :, 0], self._first[0])
        return first

    def best(self) -> tuple[Array, Array]:
        """Return the values with their points, computed anew beside no kink."""
        k, parts, n = self._shape
        owner = np.repeat(np.arange(k), parts)
        every, where = self.values.attained(self._points[:, :, 0].reshape(-1, n), owner)
        part = np.tile(np.arange(parts), k)
        rows = np.arange(len(owner))
        found = every[rows, part].reshape(k, parts)
        at = where[rows, part].reshape(k, parts, n)
        first, there = self._first
        return np.maximum(first, found), np.where((first > found)[:, :, None], there, at)

    def _take(self, points: Array, values: Array) -> None:
        """Keep the best of (k, many, n) points with (k, many, parts) values and of those known.

        Of equal values one stays, the newest: a point may drift through the piece it is in.
        """
        for part in range(self._shape[1]):
            every = np.concatenate([values[:, :, part], self._found[:, part]], axis=1)
            places = np.concatenate([points, self._points[:, part]], axis=1)
            order = np.argsort(-every, axis=1, kind="stable")
            ordered = np.take_along_axis(every, order, axis=1)
            again = ordered[:, 1:] >= ordered[:, :-1] - 1e-12 * np.abs(ordered[:, :-1])
            ordered[:, 1:][again] = -np.inf
            order = np.take_along_axis(order, np.argsort(-ordered, axis=1, kind="stable"), axis=1)
            order = order[:, :_ELITE]
            self._found[:, part] = np.take_along_axis(every, order, axis=1)
            self._points[:, part] = np.take_along_axis(places, order[:, :, None], axis=1)

    def _proposals(self, width: int) -> Array:
        rng, (k, parts, n) = self._rng, self._shape
        owner: Owner = np.repeat(np.arange(k), parts * width)
        which = rng.integers(_ELITE, size=(k, parts, width)) * (rng.random((k, parts, width)) < 0.6)
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
        width_of = 10.0 ** rng.uniform(-3.0, 0.0, (count, 1))
        near = base + width_of * self._regions.size[owner] * rng.standard_normal((count, n))
        mixed = base + rng.uniform(-0.5, 1.5, (count, 1)) * (other - base)
        made = np.where(kind <= 1, np.where(some, fresh, base), np.where(kind == 2, near, mixed))
        return self._regions.project(made, owner)
