"""Statistics over records: sustained cost, profile scores, rank intervals, paired comparisons.

Arrays of scores have the axes implementation, problem, seed. NaN marks a pair that is unsupported
or was not run: it counts neither for nor against the implementation.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record

Array = NDArray[np.float64]

RATIO_LIMIT = 100.0
"""A cost this many times the best one earns as little as never reaching the target."""

RESAMPLES = 2000
CONFIDENCE = 0.95


def sustained(record: Record, gap: str, target: float) -> Checkpoint | None:
    """Return the checkpoint from which on the gap stays at or below a target.

    A run that oscillates across the target is charged for its last checkpoint above it. A failed
    run, and one that came to the target only after its budget, sustained nothing.

    Args:
        record: the run.
        gap: the name of the suite's gap metric.
        target: the level.
    """
    if record.status.failed:
        return None
    gaps = record.columns.metric(gap)
    first = len(gaps)
    while first and gaps[first - 1] <= target:
        first -= 1
    if first == len(gaps):
        return None
    found, limit = record.checkpoints[first], record.spec.budget.seconds
    return found if limit is None or found.seconds <= limit else None


def profile_credit(costs: Array) -> Array:
    """Return each run's share of the area under its Dolan-More performance profile.

    With r the ratio of a cost to the best implementation's median cost on the same problem, a run
    earns max(0, 1 - log r / log RATIO_LIMIT), and 0 when it never reached the target. Its mean
    over problems is the area under the performance profile (Dolan & More 2002,
    doi:10.1007/s101070100263) on a logarithmic axis from 1 to ``RATIO_LIMIT``.

    Args:
        costs: (implementations, problems, seeds); inf where the target was not reached, NaN where
            there is no run.

    Returns:
        Credits in [0, 1], of the same shape; NaN where the cost is.
    """
    best = np.full(costs.shape[1], math.inf)
    for row in costs:
        for problem, seeds in enumerate(row):
            known = seeds[~np.isnan(seeds)]
            if known.size:
                # The lower median: a mean with inf would be inf.
                best[problem] = min(best[problem], np.sort(known)[(known.size - 1) // 2])
    best = np.maximum(best, np.finfo(float).tiny)[None, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        credit = 1.0 - np.log(np.maximum(costs / best, 1.0)) / math.log(RATIO_LIMIT)
    return np.where(np.isnan(costs), np.nan, np.where(np.isfinite(costs), np.fmax(credit, 0), 0.0))


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

    Args:
        credits_: (implementations, problems, seeds) in [0, 1], NaN where there is no run; every
            implementation has at least one.
        rng: for the resampling; the same generator state gives the same intervals.
    """
    _, problems, seeds = credits_.shape
    scores = mean_credit(credits_)
    resampled = np.empty((RESAMPLES, len(scores)))
    for sample in resampled:
        chosen = rng.integers(problems, size=(problems, 1))
        within = rng.integers(seeds, size=(problems, seeds))
        values = mean_credit(credits_[:, np.broadcast_to(chosen, within.shape), within])
        sample[:] = np.where(np.isnan(values), scores, values)
    ranks = ranks_of(scores)
    bootstrap = np.array([ranks_of(sample) for sample in resampled])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(bootstrap, [tail, 1 - tail], axis=0, method="inverted_cdf")
    return Ranking(
        scores,
        ranks,
        np.minimum(low.astype(np.int64), ranks),
        np.maximum(high.astype(np.int64), ranks),
    )


def ranks_of(scores: Array) -> NDArray[np.int64]:
    """Return 1 + the number of strictly higher scores, for each."""
    higher = scores[None, :] > scores[:, None]
    return 1 + np.asarray(np.sum(higher, axis=1, dtype=np.int64))


def mean_credit(credits_: Array) -> Array:
    """Return (implementations,) means over seeds, then over problems, of what is not NaN."""
    known = ~np.isnan(credits_)
    per_seed = np.where(known, credits_, 0.0).sum(axis=2)
    runs = known.sum(axis=2)
    with np.errstate(invalid="ignore"):
        per_problem = per_seed / runs
        taken = runs > 0
        return np.asarray(np.where(taken, per_problem, 0.0).sum(axis=1) / taken.sum(axis=1))


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two implementations on the problems that both take.

    Attributes:
        wins: problems on which the first is better by more than the tie's width.
        losses: problems on which the second is.
        ties: the others.
        p_value: of the two-sided Wilcoxon signed-rank test on mean credits; NaN below 6 problems,
            where it cannot reach 5 %.
        low: lower end of the 95 % bootstrap interval of the mean difference in credit.
        high: its upper end.
        difference: the mean difference in credit.
    """

    wins: int
    losses: int
    ties: int
    p_value: float
    difference: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """Return plain JSON values; NaN is null."""
        values = dataclasses.asdict(self)
        return {key: None if math.isnan(value) else value for key, value in values.items()}

    def sentence(self, first: str, second: str) -> str:
        """Return the comparison in words."""
        if not self.wins + self.losses + self.ties:
            return f"{first} and {second} have no problem in common"
        test = (
            "too few problems for a test"
            if math.isnan(self.p_value)
            else f"Wilcoxon signed-rank p = {self.p_value:.2g}"
        )
        interval = f"[{self.low:+.3f}, {self.high:+.3f}]"
        return (
            f"{first} wins {self.wins}, {second} wins {self.losses}, {self.ties} ties; mean "
            f"difference in credit {self.difference:+.3f} {interval}; {test}"
        )


TIE_WIDTH = 0.01
"""Difference in credit that is called a tie: 5 % in cost."""


def pair(first: Array, second: Array, rng: np.random.Generator) -> Pairing:
    """Compare two implementations by their mean credits on common problems.

    Args:
        first: (problems,) mean credits, NaN where there is none.
        second: the same for the other implementation.
        rng: for the bootstrap.
    """
    both = ~np.isnan(first) & ~np.isnan(second)
    differences = first[both] - second[both]
    n = len(differences)
    wins = int((differences > TIE_WIDTH).sum())
    losses = int((differences < -TIE_WIDTH).sum())
    if n == 0:
        return Pairing(0, 0, 0, math.nan, math.nan, math.nan, math.nan)
    means = differences[rng.integers(n, size=(RESAMPLES, n))].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Pairing(
        wins,
        losses,
        n - wins - losses,
        _wilcoxon(differences),
        float(differences.mean()),
        float(low),
        float(high),
    )


def _wilcoxon(differences: Array) -> float:
    """Return the two-sided p-value; 1 where nothing differs, NaN below 6 problems."""
    from scipy.stats import wilcoxon

    if len(differences) < 6:
        return math.nan
    if not differences.any():
        return 1.0
    return float(wilcoxon(differences, zero_method="pratt").pvalue)


def decades(values: Sequence[float], good: Sequence[bool]) -> float:
    """Return the width, in decades, of the longest run of good values on a logarithmic grid.

    Each value stands for its cell of the grid, which reaches half-way to its neighbours, so one
    good value counts as one grid step.

    Args:
        values: increasing, positive, at least two, equally spaced on a logarithmic axis.
        good: whether each value was good enough.
    """
    step = math.log10(values[-1] / values[0]) / (len(values) - 1)
    longest = current = 0
    for one in good:
        current = current + 1 if one else 0
        longest = max(longest, current)
    return longest * step
