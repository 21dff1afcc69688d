"""The levels of a series: asv's step detection, and what it misses in short histories."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import Kind
from tiltyard.history.series import Series, read, unit_of
from tiltyard.stats import Array

if TYPE_CHECKING:
    import pandas as pd

LONG = 7
"""Commits from which on the spread between them is known well enough to test against it."""

_CHANCE = 0.002
"""Below this p-value a difference between consecutive commits is a step."""

_QUARTILE = 1.1503493803760079
"""Three quarters of standard normal numbers are closer to 0 than this."""


@dataclass(frozen=True, slots=True)
class Step:
    """Consecutive commits at one level.

    Attributes:
        first: the full hash of the commit at which the level begins.
        last: of the last commit that has it.
        level: in the unit of the kind.
    """

    first: str
    last: str
    level: float


def steps(frame: pd.DataFrame, commits: Sequence[str]) -> list[Step]:
    """Return the levels of one series, oldest first; empty where it has no value.

    Args:
        frame: the rows of the series, as ``frame.read_history`` returns them.
        commits: full hashes, oldest first.

    Raises:
        TiltyardError: the rows are of several series, or ``read`` refuses them.
    """
    table = read(frame, commits, list(Kind))
    if len(table.keys) > 1:
        raise TiltyardError(f"expected the rows of one series, got {len(table.keys)} series")
    if table.keys.empty:
        return []
    series = table[0]
    names = [commits[position] for position in series.positions]
    return [
        Step(names[start], names[stop - 1], unit_of(series.kind, series.level(start, stop)))
        for start, stop in itertools.pairwise(bounds_of(series))
    ]


def repeats(same: NDArray[np.bool_]) -> bool:
    """Return whether commits give the same samples again: at least once, and half of the time."""
    return bool(same.any() and 2 * same.sum() >= len(same))


def bounds_of(series: Series) -> list[int]:
    """Return where the levels of a series begin, and its length.

    Where the samples repeat, every change is a step. Elsewhere ``asv.step_detect`` decides, with
    asv's weights. Since it takes steps of up to about seven standard deviations for the noise of a
    random walk where there are few commits, its levels are divided further wherever Student's test
    finds a step, corrected for the number of places. Last, a level that one commit alone had inside
    the history is joined to the closer neighbour: machines have bad days.
    """
    n = len(series.levels)
    if repeats(series.same):
        return [0, *(np.flatnonzero(~series.same) + 1).tolist(), n]
    from asv._stats import get_weight
    from asv.step_detect import detect_steps
    from asv_runner.statistics import compute_stats

    # Relative to the median: asv takes the sizes of values for a hint at their noise.
    centred = series.levels - np.median(series.levels)
    weights = [get_weight(compute_stats(samples.tolist(), 1)[1]) for samples in series.samples]
    bounds = [step[0] for step in detect_steps(centred.tolist(), weights)] + [n]
    if n >= LONG and series.kind is not Kind.SHARE:
        spread = float(difference_spread(centred[None])[0])
        pieces = itertools.pairwise(bounds)
        bounds = [place for piece in pieces for place in _divide(centred, *piece, spread)] + [n]
    return _joined(series, bounds)


def _divide(levels: Array, start: int, stop: int, spread: float) -> list[int]:
    """Return where the levels within one of asv's begin: binary segmentation."""
    from scipy.special import stdtr

    if stop - start < 2 or spread == 0:
        return [start]
    shifts = shifts_at(levels[start:stop]) / spread
    best = int(np.abs(shifts).argmax())
    chance = 2 * len(shifts) * stdtr(len(levels) - 2, -abs(shifts[best]))
    if chance >= _CHANCE:
        return [start]
    place = start + best + 1
    return [*_divide(levels, start, place, spread), *_divide(levels, place, stop, spread)]


def shifts_at(levels: Array) -> Array:
    """Return (n - 1,) how much the mean rises at each place, over the standard error of a unit."""
    n = len(levels)
    before = np.arange(1, n)
    sums = np.cumsum(levels)
    rises = (sums[-1] - sums[:-1]) / (n - before) - sums[:-1] / before
    return np.asarray(rises / np.sqrt(1 / before + 1 / (n - before)))


def _joined(series: Series, bounds: list[int]) -> list[int]:
    """Return the bounds without inner levels of a single commit."""
    inner = 1
    while inner < len(bounds) - 2:
        before, start, stop, after = bounds[inner - 1 : inner + 3]
        if stop - start > 1:
            inner += 1
            continue
        level = series.levels[start]
        down = abs(level - series.level(before, start))
        up = abs(level - series.level(stop, after))
        bounds = (
            [*bounds[:inner], *bounds[inner + 1 :]]
            if down <= up
            else [*bounds[: inner + 1], *bounds[inner + 2 :]]
        )
    return bounds


def difference_spread(values: Array) -> Array:
    """Return each row's standard deviation between commits, from successive differences.

    Steps and single bad days are outliers among the differences; the upper quartile of their sizes
    does not see them while they are fewer than a quarter.

    Args:
        values: (S, commits), NaN on the left of shorter series; two commits or more in each.
    """
    sizes = np.sort(np.abs(np.diff(values, axis=1)), axis=1)
    known = (~np.isnan(sizes)).sum(axis=1)
    upper = np.ceil(0.75 * known).astype(np.int64) - 1
    return np.asarray(sizes[np.arange(len(sizes)), upper] / (_QUARTILE * math.sqrt(2)))
