"""Two implementations head to head: wins, effect sizes and their intervals."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.stats.bootstrap import CONFIDENCE, RESAMPLES, Array, interval
from tiltyard.stats.costs import median_of_runs, require_costs
from tiltyard.stats.credit import RATIO_LIMIT
from tiltyard.stats.significance import signed_rank

TIE_WIDTH = 0.01
"""Difference in credit that is called a tie: 5 % in cost."""

TIE_RATIO = RATIO_LIMIT**TIE_WIDTH
"""Ratio of costs that is called a tie: the same 5 %."""

Outcome = Literal["win", "tie", "loss", "neither", "missing"]


@dataclass(frozen=True, slots=True)
class Pairing:
    """Two implementations on the problems that both take.

    Attributes:
        wins: problems on which the first is better by more than the tie's width.
        losses: problems on which the second is.
        ties: the others.
        p_value: of the two-sided Wilcoxon signed-rank test on mean credits; NaN below 6 problems,
            where it cannot reach 5 %.
        difference: the mean difference in credit.
        low: lower end of the 95 % bootstrap interval of the mean difference in credit.
        high: its upper end.
        rank_biserial: the matched-pairs rank-biserial correlation of the same differences, from -1
            (the second is always better) to 1.
    """

    wins: int
    losses: int
    ties: int
    p_value: float
    difference: float
    low: float
    high: float
    rank_biserial: float

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
        interval_ = f"[{self.low:+.3f}, {self.high:+.3f}]"
        return (
            f"{first} wins {self.wins}, {second} wins {self.losses}, {self.ties} ties; mean "
            f"difference in credit {self.difference:+.3f} {interval_}; {test}"
        )


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
        return Pairing(0, 0, 0, *[math.nan] * 5)
    means = differences[rng.integers(n, size=(RESAMPLES, n))].mean(axis=1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    test = signed_rank(differences)
    return Pairing(
        wins,
        losses,
        n - wins - losses,
        test.p_value,
        float(differences.mean()),
        float(low),
        float(high),
        test.rank_biserial,
    )


@dataclass(frozen=True, slots=True)
class HeadToHead:
    """Two implementations' costs to one target, problem by problem and over all.

    Costs are medians over seeds, inf where most runs missed the target; a cost of 0 counts as the
    smallest positive number. ``low`` and ``high`` are
    95 % bootstrap intervals, over seeds for one problem and over problems for the mean.

    Attributes:
        ratios: (problems,) first over second: below 1 the first is faster; 0 where only the first
            reached the target, inf where only the second did, NaN where neither did or one has no
            run.
        low: (problems,) lower ends; NaN where one of the two has fewer than 2 seeds.
        high: (problems,) upper ends.
        outcomes: one a problem, for the first.
        both: problems on which both reached the target.
        only_first: on which only the first did.
        only_second: on which only the second did.
        neither: on which none did.
        mean_ratio: geometric mean of the ratios where both reached the target; NaN for none.
        mean_low: lower end of its interval; NaN below 2 such problems.
        mean_high: its upper end.
    """

    ratios: Array
    low: Array
    high: Array
    outcomes: tuple[Outcome, ...]
    both: int
    only_first: int
    only_second: int
    neither: int
    mean_ratio: float
    mean_low: float
    mean_high: float


@np.errstate(over="ignore")  # a ratio to a cost of 0 may be inf
def head_to_head(first: Array, second: Array, rng: np.random.Generator) -> HeadToHead:
    """Compare two implementations' costs to one target.

    A problem is won where the ratio's interval lies below 1; with fewer than 2 seeds of either,
    where the ratio is below 1 by more than the tie's width. It is lost likewise, and tied
    otherwise; where neither reached the target, nobody wins.

    Args:
        first: (problems, seeds) costs; inf where the target was not reached, NaN where there is no
            run.
        second: (problems, seeds) the other implementation's; seeds are not paired.
        rng: for the bootstrap.

    Raises:
        TiltyardError: the arrays have other axes, hold a negative cost, or differ in problems.
    """
    for costs in (first, second):
        require_costs(costs, "problems", "seeds")
    if len(first) != len(second):
        raise TiltyardError(
            f"costs on {len(first)} and {len(second)} problems; expected the same problems"
        )
    medians = [median_of_runs(costs, upper=True) for costs in (first, second)]
    log_ratios = _log_ratio(*medians)
    ratios = np.exp(log_ratios)
    reached = [np.isfinite(one) for one in medians]
    missed = [np.isinf(one) for one in medians]
    both = reached[0] & reached[1]
    neither = missed[0] & missed[1]
    low, high = _ratio_intervals(first, second)
    logs = log_ratios[both]
    mean_low, mean_high = _mean_interval(logs, rng)
    return HeadToHead(
        np.where(neither, math.nan, ratios),
        low,
        high,
        _outcomes(ratios, low, high, neither),
        int(both.sum()),
        int((reached[0] & missed[1]).sum()),
        int((missed[0] & reached[1]).sum()),
        int(neither.sum()),
        float(np.exp(logs.mean())) if logs.size else math.nan,
        mean_low,
        mean_high,
    )


def _log_ratio(first: Array, second: Array) -> Array:
    """Return log(first / second); 0 where both are inf, NaN where one is NaN."""
    tiny = np.finfo(float).tiny
    with np.errstate(invalid="ignore"):
        logs = np.log(np.maximum(first, tiny)) - np.log(np.maximum(second, tiny))
    return np.where(np.isinf(first) & np.isinf(second), 0.0, logs)


def _ratio_intervals(first: Array, second: Array) -> tuple[Array, Array]:
    """Return (problems,) ends of the intervals of the ratios of medians; NaN below 2 seeds.

    They are the ends of a bootstrap over each one's seeds with infinitely many resamples: the
    median of n drawn runs is one of the n, with a known chance, so that every ratio that can come
    out is weighed instead of drawn.
    """
    low, high = np.full(len(first), math.nan), np.full(len(first), math.nan)
    ordered = [np.sort(one, axis=1) for one in (first, second)]  # NaN comes last
    counts = np.stack([np.count_nonzero(~np.isnan(one), axis=1) for one in ordered], axis=1)
    for n, m in sorted({(n, m) for n, m in counts.tolist() if min(n, m) >= 2}):
        rows = np.flatnonzero((counts == (n, m)).all(axis=1))
        logs = _log_ratio(ordered[0][rows, :n, None], ordered[1][rows, None, :m])
        logs = logs.reshape(len(rows), n * m)
        order = np.argsort(logs, axis=1)
        chances = np.outer(_median_chances(n), _median_chances(m)).ravel()
        below = np.cumsum(chances[order], axis=1)
        for ends, level in ((low, (1 - CONFIDENCE) / 2), (high, (1 + CONFIDENCE) / 2)):
            index = (below < level).sum(axis=1).clip(max=n * m - 1)
            column = np.take_along_axis(order, index[:, None], axis=1)
            ends[rows] = np.exp(np.take_along_axis(logs, column, axis=1)[:, 0])
    return low, high


@cache
def _median_chances(n: int) -> Array:
    """Return the chance of each of n ordered runs to be the upper median of n drawn ones.

    It is the j-th or one before it if more than half of the draws are.
    """
    at_most = [
        sum(
            math.comb(n, k) * (j / n) ** k * (1 - j / n) ** (n - k)
            for k in range(n // 2 + 1, n + 1)
        )
        for j in range(n + 1)
    ]
    return np.diff(at_most)


def _mean_interval(logs: Array, rng: np.random.Generator) -> tuple[float, float]:
    """Return the interval of a geometric mean, by bootstrap over problems."""
    if len(logs) < 2:
        return math.nan, math.nan
    means = logs[rng.integers(len(logs), size=(RESAMPLES, len(logs)))].mean(axis=1)
    low, high = interval(np.exp(means))
    return float(low), float(high)


def _outcomes(
    ratios: Array, low: Array, high: Array, neither: np.typing.NDArray[np.bool_]
) -> tuple[Outcome, ...]:
    known = ~np.isnan(high)
    won = np.where(known, high < 1.0, ratios < 1.0 / TIE_RATIO)
    lost = np.where(known, low > 1.0, ratios > TIE_RATIO)
    names = np.select(
        [neither, np.isnan(ratios), won, lost], ["neither", "missing", "win", "loss"], "tie"
    )
    return tuple(names.tolist())
