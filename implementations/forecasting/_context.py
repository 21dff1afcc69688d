"""What forecasters make of the past: complete series of the length they look back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def filled(past: Array) -> Array:
    """Return a copy, (S, t), without gaps.

    A missing value is what came before it; before a series' first value, it is that one. A series
    without any value is 0.
    """
    known = ~np.isnan(past)
    column = np.where(known, np.arange(past.shape[1]), 0)
    np.maximum.accumulate(column, axis=1, out=column)
    first = known.argmax(axis=1)
    column = np.maximum(column, first[:, None])
    made = np.take_along_axis(past, column, axis=1)
    return np.nan_to_num(made, nan=0.0)


def context(past: Array, length: int) -> Array:
    """Return the last ``length`` values, (S, length), without gaps.

    A shorter series is preceded by its first value.
    """
    last = past[:, -length:]
    # What precedes a gap may lie further back.
    last = filled(past)[:, -length:] if np.isnan(last[:, 0]).any() else filled(last)
    lack = length - last.shape[1]
    return np.pad(last, ((0, 0), (lack, 0)), mode="edge") if lack > 0 else last
