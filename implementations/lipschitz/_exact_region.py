"""Regions of inputs for the exact methods: how far affine functions reach, which cells exist."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]

THIN = 1e-9
"""Cells that are thinner, relative to the region, are taken for lower-dimensional."""


DEPTHS = 30
"""How often a distance from a cell's sides, at first that of the region's, is halved."""


@dataclass(frozen=True, eq=False)
class Region:
    """A box, a Euclidean ball, or all of R^n.

    Attributes:
        center: (n,) float64.
        half: (n,) half widths of a box; infinite for R^n, the radius for a ball.
        ball: whether it is a ball.
    """

    center: Array
    half: Array
    ball: bool = False

    @property
    def bounded(self) -> bool:
        """Whether it is not R^n."""
        return bool(np.isfinite(self.half).all())

    def reach(self, rows: Array) -> Array:
        """Return the maximum over the region of |rows (x - center)|: (q,) for rows (q, n)."""
        if not self.bounded:
            return np.where(rows.any(axis=1), np.inf, 0.0)
        if self.ball:
            return np.asarray(np.linalg.norm(rows, axis=1) * self.half[0], dtype=np.float64)
        return np.asarray(np.abs(rows) @ self.half, dtype=np.float64)

    def interior(self, rows: Array, offsets: Array) -> Cell:
        """Return whether rows (x - center) + offsets > 0 somewhere in the region, and where.

        That it holds nowhere is certified in float64 by weak duality: for y >= 0 with sum y = 1, no
        point has all entries above y . offsets + the reach of y' rows.

        Args:
            rows: (q, n) gradients of the functions that must be positive.
            offsets: (q,) their values at the center.
        """
        scale = self.reach(rows) if self.bounded else np.linalg.norm(rows, axis=1)
        constant = scale == 0.0
        if (offsets[constant] <= 0.0).any():
            return NOWHERE
        unit = self.half if self.bounded else 1.0
        rows = rows[~constant] * unit / scale[~constant, None]
        offsets = offsets[~constant] / scale[~constant]
        if not len(rows):
            return Cell(nonempty=True, point=self.center)
        point, y = self._search(rows, offsets)
        if point is not None and (rows @ point + offsets > 0.0).all() and self._holds(point):
            return Cell(nonempty=True, point=self.center + point * unit)
        if self._refuted(rows, offsets, y):
            return NOWHERE
        # Neither is proved. The cell counts: it can only raise a bound.
        return Cell(nonempty=True, point=None)

    def deep(self, rows: Array, offsets: Array) -> Array | None:
        """Return a point of that cell that is about as far from its sides as any, if one is found.

        Args:
            rows: (q, n), as for ``interior``.
            offsets: (q,).
        """
        best = self.interior(rows, offsets).point
        scale = self.reach(rows) if self.bounded else np.linalg.norm(rows, axis=1)
        margin = 1.0
        for _ in range(DEPTHS):
            cell = self.interior(rows, offsets - margin * scale)
            if cell.point is not None:
                return cell.point
            margin /= 2.0
        return best

    def _holds(self, point: Array) -> bool:
        if self.ball:
            return float(point @ point) <= 1.0
        return not self.bounded or float(np.abs(point).max()) <= 1.0

    def _refuted(self, rows: Array, offsets: Array, y: Array) -> bool:
        y = np.maximum(y, 0.0)
        total = y.sum()
        slope = y @ rows
        size = np.linalg.norm(slope) if self.ball else np.abs(slope).sum()
        if not self.bounded:  # y' rows must vanish
            size = 0.0 if size <= THIN * total else np.inf
        return bool(total > 0.0 and y @ offsets + size <= THIN * total)

    def _search(self, rows: Array, offsets: Array) -> tuple[Array | None, Array]:
        """Return a point of the cell in units of the region if one is found, and multipliers."""
        if self.ball or not self.bounded:
            return _nearest(rows, offsets)
        q, n = rows.shape
        sides = np.empty((0, n))
        # Only the sides of the box that a nearest point leaves are imposed, at most all of them.
        for _ in range(2 * n + 1):
            point, y = _nearest(
                np.vstack([rows, sides]), np.concatenate([offsets, np.ones(len(sides))])
            )
            if point is None or self._refuted(rows, offsets, y[:q]):
                return None, y[:q]
            outside = np.flatnonzero(np.abs(point) > 1.0 + 1e-12)
            if not len(outside):
                return np.clip(point, -1.0, 1.0), y[:q]
            more = np.zeros((len(outside), n))
            more[np.arange(len(outside)), outside] = -np.sign(point[outside])
            sides = np.vstack([sides, more])
        return None, np.zeros(q)


@dataclass(frozen=True, eq=False)
class Cell:
    """Whether a cell has points, and one of them, (n,), where one is known."""

    nonempty: bool
    point: Array | None


NOWHERE = Cell(nonempty=False, point=None)


def _nearest(rows: Array, offsets: Array) -> tuple[Array | None, Array]:
    """Return the shortest z with rows z + offsets >= THIN, if any, and the multipliers.

    Least-distance programming by nonnegative least squares: Lawson & Hanson (1974), chapter 23.
    """
    needed = THIN - offsets
    try:
        y, _ = nnls(np.vstack([rows.T, needed]), np.append(np.zeros(rows.shape[1]), 1.0))
    except RuntimeError:  # it has cycled
        return None, np.zeros(len(rows))
    slope = rows.T @ y
    last = 1.0 - float(needed @ y)
    return (slope / last if last > 1e-12 else None), y


def regions(problem: LipschitzProblem) -> list[Region]:
    """Return the problem's regions."""
    if problem.region == "ball":
        half = np.full(problem.network.inputs, problem.radius)
        return [Region(center, half, ball=True) for center in problem.centers]
    if problem.region == "global":
        n = problem.network.inputs
        return [Region(np.zeros(n), np.full(n, np.inf))]
    return [
        Region((lower + upper) / 2.0, (upper - lower) / 2.0)
        for lower, upper in zip(*problem.box, strict=True)
    ]
