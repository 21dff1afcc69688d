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
        chosen = np.empty((RESAMPLES, problems, 1), np.int64)
        within = np.empty((RESAMPLES, problems, seeds), np.int64)
        for b in range(RESAMPLES):
            chosen[b] = rng.integers(problems, size=(problems, 1))
            within[b] = rng.integers(seeds, size=(problems, seeds))
        self._chosen = chosen[:, :, 0]
        self._runs = chosen * seeds + within
        everything = np.arange(RESAMPLES)[:, None]
        self._of_runs = (
            _tally(self._runs.reshape(RESAMPLES, -1), everything, problems * seeds) / seeds
        )
        self._of_problems = _tally(self._chosen, everything, problems)

    def weights(self, known: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Return what each run and each problem weighs in each resample.

        A drawn problem stands for the mean over those of its drawn seeds that are known, and drops
        out where none is. The weight of a run sums its parts in these means. A problem without any
        run weighs as if it had all: it is for the caller to leave it out.

        Args:
            known: (problems, seeds) where there is a run.

        Returns:
            (problems x seeds, RESAMPLES) weights of runs, and (problems, RESAMPLES) how often each
            problem was drawn with a known seed.
        """
        partial = np.asarray(known.any(axis=1) & ~known.all(axis=1))
        if not partial.any():
            return self._of_runs, self._of_problems
        resample, draw = np.nonzero(partial[self._chosen])
        runs = self._runs[resample, draw]
        drawn = known.ravel()[runs]
        seeds = drawn.sum(axis=1, keepdims=True)
        part = drawn / np.maximum(seeds, 1)
        of_runs, of_problems = self._of_runs.copy(), self._of_problems.copy()
        again = np.repeat(partial, known.shape[1])
        of_runs[again] = _tally(runs, resample[:, None], known.size, part)[again]
        problems = self._chosen[resample, draw]
        of_problems[partial] = _tally(problems, resample, len(known), seeds[:, 0] > 0)[partial]
        return of_runs, of_problems

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
        means = np.empty((len(values), RESAMPLES))
        # Most rows lack no seed of a problem that they take: these share one set of weights.
        patterns, which = np.unique(known | ~taken[:, :, None], axis=0, return_inverse=True)
        for index, pattern in enumerate(patterns):
            rows = which == index
            of_runs, of_problems = self.weights(pattern)
            with np.errstate(invalid="ignore"):
                means[rows] = (filled[rows] @ of_runs) / (taken[rows].astype(float) @ of_problems)
        return means


def interval(samples: NDArray[_T], axis: int = -1) -> tuple[NDArray[_T], NDArray[_T]]:
    """Return the ends of the central 95 % of samples, which may be inf.

    As many samples lie below the lower end as above the upper one.

    Args:
        samples: without NaN.
        axis: the axis of the samples.
    """
    first, last = _ends(samples.shape[axis])
    ordered = np.partition(samples, [first, last], axis=axis)
    return np.asarray(ordered.take(first, axis)), np.asarray(ordered.take(last, axis))


def median_interval(samples: Array) -> tuple[float, float, float]:
    """Return the lower end of ``interval``, the lower median and the upper end.

    Args:
        samples: (samples,) without NaN.
    """
    first, last = _ends(len(samples))
    middle = (len(samples) - 1) // 2
    ordered = np.partition(samples, [first, middle, last])
    return float(ordered[first]), float(ordered[middle]), float(ordered[last])


def _ends(count: int) -> tuple[int, int]:
    """Return the places of the ends of the central 95 % among ordered samples."""
    cut = math.floor(round(count * (1 - CONFIDENCE) / 2, 9))
    return cut, count - 1 - cut


def _tally(
    drawn: NDArray[np.int64],
    resample: NDArray[np.int64],
    size: int,
    part: NDArray[np.float64 | np.bool_] | None = None,
) -> Array:
    """Return (size, RESAMPLES) how often each index was drawn in each resample, or its parts."""
    cells = (drawn * RESAMPLES + resample).ravel()
    weights = None if part is None else part.ravel()
    total = np.bincount(cells, weights=weights, minlength=size * RESAMPLES)
    return np.asarray(total, np.float64).reshape(size, RESAMPLES)
