"""Which implementations differ: signed-rank tests with Holm's correction, Friedman and Nemenyi."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.stats.bootstrap import Array

LEVEL = 0.05
"""A corrected p-value below it calls two implementations different."""

MINIMUM_PROBLEMS = 6
"""Below it no signed-rank test comes under ``LEVEL``: with 5, all of one sign give 2 / 2**5."""

MINIMUM_IMPLEMENTATIONS = 3
"""What a Friedman test takes; the signed-rank test compares two."""

_EXACT = 50  # up to so many differences every assignment of signs is counted; SciPy's limit

Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class SignedRank:
    """A Wilcoxon signed-rank test with its effect size.

    Attributes:
        p_value: two-sided; 1 where nothing differs, NaN below ``MINIMUM_PROBLEMS``.
        rank_biserial: the ranks in favour less those against, as a share of both (Kerby 2014,
            doi:10.2466/11.IT.3.1); 0 where nothing differs, NaN without differences.
    """

    p_value: float
    rank_biserial: float


def signed_rank(differences: Array) -> SignedRank:
    """Test whether paired differences are symmetric about 0 (Wilcoxon 1945).

    Differences of 0 take part in the ranking and are dropped then (Pratt 1959). Up to 50
    differences the p-value counts every assignment of signs to the ranks, ties included; beyond,
    it is SciPy's normal approximation.

    Args:
        differences: (problems,) finite.
    """
    from scipy.stats import rankdata, wilcoxon

    n = len(differences)
    if not differences.any():
        return SignedRank(1.0 if n >= MINIMUM_PROBLEMS else math.nan, 0.0 if n else math.nan)
    # Twice the ranks are whole numbers, also where ties share a rank.
    doubled = np.rint(2 * rankdata(np.abs(differences))).astype(np.int64)
    plus = int(doubled[differences > 0].sum())
    minus = int(doubled[differences < 0].sum())
    if n < MINIMUM_PROBLEMS:
        p_value = math.nan
    elif n <= _EXACT:
        p_value = _exact(doubled[differences != 0], plus)
    else:
        p_value = float(wilcoxon(differences, zero_method="pratt").pvalue)
    return SignedRank(p_value, (plus - minus) / (plus + minus))


def _exact(ranks: NDArray[np.int64], plus: int) -> float:
    """Return the two-sided p-value of a sum of ranks, each of which counts with probability 1/2."""
    probability = np.ones(1)
    for one in ranks:
        grown = np.zeros(len(probability) + one)
        grown[: len(probability)] = probability
        grown[one:] += probability
        probability = grown / 2
    tail = min(probability[: plus + 1].sum(), probability[plus:].sum())
    return min(1.0, 2 * float(tail))


def holm(p_values: Array) -> Array:
    """Return p-values corrected for their number (Holm 1979), in the order given; NaN stays out.

    Args:
        p_values: (tests,).
    """
    corrected = np.full_like(p_values, math.nan)
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return corrected


@dataclass(frozen=True, slots=True)
class PairwiseTests:
    """Signed-rank tests of every pair of implementations.

    Attributes:
        p_values: (implementations, implementations), symmetric; NaN where there is no test: on the
            diagonal, and with fewer than ``MINIMUM_PROBLEMS`` problems in common.
        corrected: the same after Holm's correction for the number of tests made.
        rank_biserial: the effect size of the row's implementation against the column's.
        groups: the largest sets of implementations of which no two are different, each by index;
            they overlap, and one that differs from all others is a group of its own.
    """

    p_values: Array
    corrected: Array
    rank_biserial: Array
    groups: Groups

    def different(self, first: int, second: int) -> bool:
        """Return whether the corrected p-value tells two implementations apart."""
        return bool(self.corrected[first, second] < LEVEL)


def pairwise_tests(values: Array) -> PairwiseTests:
    """Test every pair of implementations on the problems that both take.

    Args:
        values: (implementations, problems) mean credits, NaN where there is none.
    """
    count = len(values)
    pairs = list(itertools.combinations(range(count), 2))
    tests = [signed_rank(_common(values[i] - values[j])) for i, j in pairs]
    p_values = np.array([test.p_value for test in tests])
    first, second = np.array(pairs, np.int64).reshape(-1, 2).T
    effects = np.array([test.rank_biserial for test in tests])

    def square(above: Array, below: Array) -> Array:
        matrix = np.full((count, count), math.nan)
        matrix[first, second], matrix[second, first] = above, below
        return matrix

    adjusted = holm(p_values)
    corrected = square(adjusted, adjusted)
    groups = groups_of_ties(corrected < LEVEL)
    return PairwiseTests(square(p_values, p_values), corrected, square(effects, -effects), groups)


def _common(differences: Array) -> Array:
    return differences[~np.isnan(differences)]


@dataclass(frozen=True, slots=True)
class Untested:
    """A Friedman test that cannot be made.

    Attributes:
        reason: what is missing, in words.
        problems: on how many problems every implementation has a value.
    """

    reason: str
    problems: int


@dataclass(frozen=True, slots=True)
class Friedman:
    """A Friedman test with Nemenyi's comparisons: a critical-difference diagram (Demsar 2006).

    Attributes:
        statistic: Friedman's chi-squared, corrected for ties.
        p_value: of it, with implementations - 1 degrees of freedom.
        mean_ranks: (implementations,); 1 is best, ties share the mean of their ranks.
        critical_difference: of mean ranks, at the 5 % level.
        nemenyi: (implementations, implementations) p-values; 1 on the diagonal.
        groups: the largest sets of implementations of which no two are different, each by index.
            If Friedman's test finds no difference at the 5 % level, all are one group.
        problems: how many the test used: those on which every implementation has a value.
    """

    statistic: float
    p_value: float
    mean_ranks: Array
    critical_difference: float
    nemenyi: Array
    groups: Groups
    problems: int


def friedman(values: Array) -> Friedman | Untested:
    """Test whether implementations differ at all, and which do (Friedman 1937, Nemenyi 1963).

    Args:
        values: (implementations, problems), higher is better; a problem with a NaN is left out.

    Returns:
        ``Untested``, with the reason, for fewer than ``MINIMUM_IMPLEMENTATIONS`` implementations
        or ``MINIMUM_PROBLEMS`` complete problems.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    complete = values[:, ~np.isnan(values).any(axis=0)]
    count, problems = complete.shape
    if count < MINIMUM_IMPLEMENTATIONS:
        return Untested(
            f"{count} implementations; a Friedman test takes {MINIMUM_IMPLEMENTATIONS}", problems
        )
    if problems < MINIMUM_PROBLEMS:
        return Untested(
            f"{problems} problems that every implementation takes; a Friedman test takes "
            f"{MINIMUM_PROBLEMS}",
            problems,
        )
    statistic, p_value = 0.0, 1.0
    if (complete != complete[0]).any():  # else the correction for ties is 0 / 0
        statistic, p_value = map(float, friedmanchisquare(*complete))
    mean_ranks = rankdata(-complete, axis=0).mean(axis=1)
    # The studentized range of infinitely many degrees of freedom, in units of a mean rank.
    scale = math.sqrt(count * (count + 1) / (12 * problems))
    distances = np.abs(mean_ranks[:, None] - mean_ranks)
    nemenyi = studentized_range.sf(distances / scale, count, math.inf)
    return Friedman(
        statistic,
        p_value,
        mean_ranks,
        float(studentized_range.isf(LEVEL, count, math.inf)) * scale,
        nemenyi,
        groups_of_ties((nemenyi < LEVEL) & (p_value < LEVEL)),
        problems,
    )


def groups_of_ties(different: NDArray[np.bool_]) -> Groups:
    """Return the maximal sets of which no two members are different, in order of their members.

    Args:
        different: (implementations, implementations), symmetric.
    """
    tied = {
        index: {other for other in np.flatnonzero(~row).tolist() if other != index}
        for index, row in enumerate(different)
    }
    return tuple(sorted(_cliques(set(), set(tied), set(), tied))) if tied else ()


def _cliques(
    chosen: set[int], open_: set[int], closed: set[int], tied: dict[int, set[int]]
) -> Iterator[tuple[int, ...]]:
    """Yield the maximal cliques with all of ``chosen`` (Bron & Kerbosch 1973, with a pivot)."""
    if not open_ and not closed:
        yield tuple(sorted(chosen))
        return
    pivot = max(sorted(open_ | closed), key=lambda node: len(tied[node] & open_))
    for node in sorted(open_ - tied[pivot]):
        yield from _cliques(chosen | {node}, open_ & tied[node], closed & tied[node], tied)
        open_ = open_ - {node}
        closed = closed | {node}
