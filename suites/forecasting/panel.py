"""Panels: the time series of one problem, side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError

Array = NDArray[np.float64]
Times = NDArray[np.datetime64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Panel:
    """Series of one frequency, aligned at their ends.

    Attributes:
        values: (S, T) float64; NaN where a value is missing or a series has not begun.
        frequency: pandas' alias, such as ``h``, ``30min``, ``D``, ``W-SUN`` or ``MS``.
        ends: (S,) datetime64[s], the time of each series' last value.
        names: of the series.
        expected: (S, T) float64, of generated series the mean of each value given all before it
            that a window shows: no forecast has a smaller expected squared error. Empty where it is
            not known. The judge alone sees it.
    """

    values: Array
    frequency: str
    ends: Times = field(default_factory=lambda: np.empty(0, "datetime64[s]"))
    names: tuple[str, ...] = ()
    expected: Array = field(default_factory=lambda: np.empty((0, 0)))

    def __post_init__(self) -> None:
        """Check the shape.

        Raises:
            TiltyardError: there is no series, one has no value, or infinity is among them.
        """
        if self.values.ndim != 2 or not self.values.size:
            raise TiltyardError("a panel needs at least one series with at least one value")
        names = self.names or tuple(f"series {i}" for i in range(len(self.values)))
        ends = self.ends if self.ends.size else np.full(len(self.values), np.datetime64(0, "s"))
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "ends", ends)
        for name, series in zip(names, self.values, strict=True):
            if np.isnan(series).all():
                raise TiltyardError(f"series {name} has no value")
            if np.isinf(series).any():
                raise TiltyardError(f"series {name} holds infinity")


def panel_of(data: Arrays, frequency: str, names: tuple[str, ...] = ()) -> Panel:
    """Return the panel of a dataset's ``values`` (S, T) and ``ends`` (S,) in seconds since 1970."""
    ends = np.asarray(data["ends"]).astype("datetime64[s]")
    return Panel(values=data["values"], frequency=frequency, ends=ends, names=names)
