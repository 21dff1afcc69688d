"""Pareto fronts of uncertain points: who is not dominated beyond doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.stats.bootstrap import Array


@dataclass(frozen=True, slots=True)
class Front:
    """A Pareto front; points by index.

    Attributes:
        members: the points that no other dominates.
        dominated: for every other point, those that dominate it.
        left_out: the points that lack a value, each with the reason.
    """

    members: tuple[int, ...]
    dominated: dict[int, tuple[int, ...]]
    left_out: dict[int, str]


def pareto_front(points: Array, axes: Sequence[str]) -> Front:
    """Return the Pareto front of points with an interval on every axis; lower is better.

    Point a dominates point b if a's value is nowhere above b's, and on at least one axis a is
    better beyond doubt: its interval ends below the start of b's. So a front holds every point
    that the values alone would put there, and those whose dominance is within the noise. Values
    decide where intervals overlap because overlap alone is not transitive: if it counted as no
    worse, three points could dominate each other in a circle, and leave an empty front.

    Args:
        points: (points, axes, 3) low end, value and high end; inf for a target that was not
            reached, NaN where the point has no value on the axis.
        axes: names of the axes, for the reasons.

    Raises:
        TiltyardError: the shape does not fit the axes, or a value lies outside its interval.
    """
    if points.ndim != 3 or points.shape[1:] != (len(axes), 3):
        raise TiltyardError(
            f"points of a Pareto front have shape {points.shape}; expected (points, {len(axes)}, "
            "3): low end, value and high end on every axis"
        )
    low, value, high = np.moveaxis(points, 2, 0)
    missing = np.asarray(np.isnan(points).any(axis=2))
    outside = ~missing & ~((low <= value) & (value <= high))
    if outside.any():
        point, axis = np.argwhere(outside)[0].tolist()
        raise TiltyardError(
            f"point {point} of a Pareto front has {axes[axis]} {points[point, axis].tolist()}; "
            "expected low <= value <= high"
        )
    dominates = _dominates(low, value, high) & ~missing.any(axis=1)
    taken = [index for index, lacks in enumerate(missing) if not lacks.any()]
    by = {index: tuple(np.flatnonzero(dominates[:, index]).tolist()) for index in taken}
    left_out = {
        index: f"no {', '.join(name for name, lack in zip(axes, lacks, strict=True) if lack)}"
        for index, lacks in enumerate(missing)
        if lacks.any()
    }
    members = tuple(index for index, others in by.items() if not others)
    return Front(members, {index: others for index, others in by.items() if others}, left_out)


def _dominates(low: Array, value: Array, high: Array) -> NDArray[np.bool_]:
    """Return (points, points): whether the row's point dominates the column's; NaN never does."""
    nowhere_above = (value[:, None] <= value).all(axis=2)
    beyond_doubt = (high[:, None] < low).any(axis=2)
    return np.asarray(nowhere_above & beyond_doubt)
