"""Bootstrap resamples of problems and seeds, shared by ranks, profiles and comparisons."""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95

_T = TypeVar("_T", np.float64, np.int64)


class Resamples:
    """Draws of problems with replacement, and of seeds within each drawn problem.

    One set of draws serves every implementation, so that differences between them are paired.

    Args:
        problems: how many there are, at least one.
        seeds: runs of one implementation on one problem, at least one.
        rng: the same state gives the same draws.
    """

    def __init__(self, problems: int, seeds: int, rng: np.random.Generator) -> None:
        self._shape = (problems, seeds)
        chosen = np.empty((RESAMPLES, problems, 1), np.int64)
        within = np.empty((RESAMPLES, problems, seeds), np.int64)
        for b in range(RESAMPLES):
            chosen[b] = rng.integers(problems, size=(problems, 1))
            within[b] = rng.integers(seeds, size=(problems, seeds))
        self._chosen = chosen[:, :, 0]
        self._runs = chosen * seeds + within
        self._last: tuple[bytes, Array, Array] | None = None

    def weights(self, known: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Return what each run and each problem weighs in each resample.

        A drawn problem stands for the mean over those of its drawn seeds that are known, and drops
        out where none is. The weight of a run sums its parts in these means.

        Args:
            known: (problems, seeds) where there is a run.

        Returns:
            (problems x seeds, RESAMPLES) weights of runs, and (problems, RESAMPLES) how often each
            problem was drawn with a known seed.
        """
        key = known.tobytes()
        if self._last is None or self._last[0] != key:
            drawn = known.ravel()[self._runs]
            seeds = drawn.sum(axis=2)
            part = drawn / np.maximum(seeds, 1)[:, :, None]
            runs = _tally(self._runs.reshape(RESAMPLES, -1), part, known.size)
            problems = _tally(self._chosen, seeds > 0, len(known))
            self._last = (key, runs, problems)
        return self._last[1:]

    def means(self, values: Array) -> Array:
        """Return each row's mean over drawn seeds, then over drawn problems.

        Args:
            values: (rows, problems, seeds), NaN where there is no run.

        Returns:
            (rows, RESAMPLES); NaN where a resample holds no run of the row.
        """
        known = ~np.isnan(values)
        taken = np.asarray(known.any(axis=2))
        filled = np.where(known, values, 0.0).reshape(len(values), -1)
        # Problems without any run weigh nothing by `taken`: most rows then share one set of weights
        pattern = (known | ~taken[:, :, None]).reshape(len(values), -1)
        means = np.empty((len(values), RESAMPLES))
        patterns, which = np.unique(pattern, axis=0, return_inverse=True)
        for index, one in enumerate(patterns):
            rows = which == index
            runs, problems = self.weights(one.reshape(self._shape))
            with np.errstate(invalid="ignore"):
                means[rows] = (filled[rows] @ runs) / (taken[rows].astype(float) @ problems)
        return means


def interval(samples: NDArray[_T], axis: int = -1) -> tuple[NDArray[_T], NDArray[_T]]:
    """Return the ends of the central 95 % of samples: order statistics, so that inf may occur.

    Args:
        samples: without NaN.
        axis: the axis of the samples.
    """
    count = samples.shape[axis]
    tail = (1 - CONFIDENCE) / 2
    first = math.ceil(round(tail * count, 9)) - 1
    last = math.ceil(round((1 - tail) * count, 9)) - 1
    ordered = np.partition(samples, [first, last], axis=axis)
    return ordered.take(first, axis), ordered.take(last, axis)


def _tally(drawn: NDArray[np.int64], part: NDArray[np.float64 | np.bool_], size: int) -> Array:
    """Return (size, RESAMPLES) sums of parts by what was drawn; ``drawn`` has a row a resample."""
    cells = drawn * RESAMPLES + np.arange(RESAMPLES)[:, None]
    total = np.bincount(cells.ravel(), weights=part.ravel(), minlength=size * RESAMPLES)
    return np.asarray(total, np.float64).reshape(size, RESAMPLES)
