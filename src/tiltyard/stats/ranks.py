"""Ranks of implementations, with intervals by bootstrap over problems and seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.stats.bootstrap import Array, Resamples, interval
from tiltyard.stats.credit import mean_credit

_DIGITS = 12  # equal credits summed in another order are still equal


@dataclass(frozen=True, slots=True)
class Ranking:
    """Scores with their ranks; rank 1 is best, and equal scores share a rank.

    Attributes:
        scores: (implementations,) mean credit over the problems that each one takes.
        ranks: (implementations,).
        low: (implementations,) lower end of each rank's bootstrap interval.
        high: (implementations,) its upper end.
    """

    scores: Array
    ranks: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]


def rank(credits_: Array, rng: np.random.Generator) -> Ranking:
    """Rank implementations by mean credit, with intervals by bootstrap over problems and seeds.

    Without any problem or seed all share rank 1, and may have any.

    Args:
        credits_: (implementations, problems, seeds) in [0, 1], NaN where there is no run; every
            implementation has at least one.
        rng: for the resampling; the same generator state gives the same intervals.
    """
    count, problems, seeds = credits_.shape
    scores = mean_credit(credits_)
    ranks = ranks_of(np.round(scores, _DIGITS))
    if problems * seeds == 0:
        return Ranking(scores, ranks, ranks, np.full(count, count))
    resampled = Resamples(problems, seeds, rng).means(credits_)
    resampled = np.where(np.isnan(resampled), scores[:, None], resampled)
    low, high = interval(ranks_of(np.round(resampled.T, _DIGITS)), axis=0)
    return Ranking(scores, ranks, np.minimum(low, ranks), np.maximum(high, ranks))


def ranks_of(scores: Array) -> NDArray[np.int64]:
    """Return 1 + the number of strictly higher scores on the last axis, for each."""
    higher = scores[..., None, :] > scores[..., :, None]
    return 1 + np.asarray(np.sum(higher, axis=-1, dtype=np.int64))
