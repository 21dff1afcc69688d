"""Regions of lipschitz problems: membership, projection, random points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Owner = NDArray[np.int64]

TOLERANCE = 1e-9
"""By how much, relative to its size, a point may lie outside its region."""


class Regions:
    """The k regions of a problem; ``owner`` (N,) says which one each of N points belongs to.

    Attributes:
        size: (k, n) extent of every region in every coordinate; for R^n that of the known inputs.
    """

    def __init__(self, problem: LipschitzProblem) -> None:
        self._kind = problem.region
        self._radius = problem.radius
        self._tokens = problem.tokens
        self._centers = problem.centers
        self._lower, self._upper = problem.box
        self._known = problem.points
        self.count = problem.regions
        self.n = problem.network.inputs
        self.size = self._size()

    def contains(self, points: Array, owner: Owner) -> NDArray[np.bool_]:
        """Return (N,) whether each point lies in its region, up to ``TOLERANCE``."""
        if self._kind == "global":
            every = np.isfinite(points)
        elif self._kind == "box":
            slack = TOLERANCE * (self._radius + np.abs(points))
            lower, upper = self._lower[owner], self._upper[owner]
            every = (points >= lower - slack) & (points <= upper + slack)
        else:
            slack = TOLERANCE * (self._radius + np.abs(points).max(axis=1, keepdims=True))
            every = self._lengths(points, owner) <= self._radius + slack
        inside: NDArray[np.bool_] = np.logical_and.reduce(every, axis=1)
        return inside

    def project(self, points: Array, owner: Owner) -> Array:
        """Return the points, those outside moved onto their region's boundary."""
        if self._kind == "global":
            return points
        if self._kind == "box":
            return np.clip(points, self._lower[owner], self._upper[owner])
        lengths = np.maximum(self._lengths(points, owner), np.finfo(float).tiny)
        factors = np.minimum(1.0, self._radius * (1.0 - 1e-15) / lengths)
        return self._scaled(points, owner, factors)

    def inside(self, owner: Owner, rng: np.random.Generator) -> Array:
        """Return one random interior point for each entry of ``owner``."""
        shape = (len(owner), self.n)
        if self._kind == "global":
            spread = 10.0 ** rng.uniform(-1.5, 1.0, (len(owner), 1))
            around = self._known[rng.integers(len(self._known), size=len(owner))]
            return around + spread * self.size[owner] * rng.standard_normal(shape)
        if self._kind == "box":
            lower, upper = self._lower[owner], self._upper[owner]
            return lower + (upper - lower) * rng.uniform(1e-6, 1.0 - 1e-6, shape)
        points = self._directions(owner, rng)
        lengths = self._lengths(points, owner)
        parts = rng.uniform(1e-6, 1.0 - 1e-6, lengths.shape) ** (lengths.shape[1] / self.n)
        return self._scaled(points, owner, parts * self._radius / lengths)

    def extreme(self, owner: Owner, rng: np.random.Generator) -> Array:
        """Return one random boundary point each: a corner, a point of a sphere; far off in R^n."""
        if self._kind == "global":
            return 10.0 * self.inside(owner, rng)
        if self._kind == "box":
            high = rng.random((len(owner), self.n)) < 0.5
            return np.where(high, self._upper[owner], self._lower[owner])
        points = self._directions(owner, rng)
        return self.project(self._scaled(points, owner, np.full((1, 1), 1e3)), owner)

    def centers(self) -> Array:
        """Return (k, n) the middle of every region; the first known input for R^n."""
        if self._kind == "box":
            return (self._lower + self._upper) / 2.0
        if self._kind == "ball":
            return self._centers.copy()
        if self._kind == "tokens":
            return np.zeros((1, self.n))
        return self._known[:1].copy()

    def known(self) -> Array:
        """Return the (p, n) known inputs."""
        return self._known

    def _size(self) -> Array:
        if not len(self._known):
            self._known = np.zeros((1, self.n))
        if self._kind == "global":
            typical = np.abs(self._known).mean() or 1.0
            return np.full((1, self.n), typical)
        if self._kind == "ball":
            return np.full((self.count, self.n), self._radius / self.n**0.5)
        size: Array = (self._upper - self._lower) / 2.0
        return size if self._kind == "box" else np.full((1, self.n), self._radius)

    def _directions(self, owner: Owner, rng: np.random.Generator) -> Array:
        steps = rng.standard_normal((len(owner), self.n))
        return self._centers[owner] + self._radius * steps if self._kind == "ball" else steps

    def _lengths(self, points: Array, owner: Owner) -> Array:
        """Return (N, 1) distances from the center, or (N, tokens) root mean squares."""
        if self._kind == "ball":
            made: Array = np.linalg.norm(points - self._centers[owner], axis=1)[:, None]
            return made
        tokens = points.reshape(len(points), self._tokens, -1)
        root: Array = np.sqrt((tokens**2).mean(axis=2))
        return root

    def _scaled(self, points: Array, owner: Owner, factors: Array) -> Array:
        if self._kind == "ball":
            return self._centers[owner] + factors * (points - self._centers[owner])
        tokens = points.reshape(len(points), self._tokens, -1)
        return (factors[:, :, None] * tokens).reshape(points.shape)
