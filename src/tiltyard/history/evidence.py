"""What speaks for a step in one series: exact comparison, tests, and their correction."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import Kind
from tiltyard.history.series import Series
from tiltyard.history.steps import LONG, bounds_of, difference_spread, repeats, shifts_at
from tiltyard.stats import Array

_ROUNDING = 1e-12
"""No worsening of an error, whatever its size."""

_FEW = 8
"""Mann and Whitney's test is exact where one side has at most this many samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When worse is a regression.

    Attributes:
        time: relative margin of noisy seconds.
        memory: of noisy bytes.
        energy: of noisy joules.
        log10: of noisy gaps; relative to the gap itself, not to its logarithm.
        linear: of noisy errors.
        exact: of what repeats exactly, of every kind.
        p_value: what every test must be below.
        samples: the fewest on each side.
        family: the largest chance of a false alarm in a whole check.

    Raises:
        TiltyardError: fewer than one sample, or another threshold outside (0, 1).
    """

    time: float = 0.10
    memory: float = 0.10
    energy: float = 0.10
    log10: float = 0.25
    linear: float = 0.10
    exact: float = 0.01
    p_value: float = 0.002
    samples: int = 6
    family: float = 0.05

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if name == "samples" and value < 1:
                raise TiltyardError(f"threshold samples is {value}; expected 1 or more")
            if name != "samples" and not 0 < value < 1:
                raise TiltyardError(
                    f"threshold {name} is {value}; expected more than 0 and less than 1, such as "
                    "0.1 for 10 %"
                )

    def barrier(self, kind: Kind, levels: Array, *, exact: bool) -> Array:
        """Return the levels that one must exceed to be worse, on the axis of the kind."""
        if kind is Kind.SHARE:
            return levels
        margin = self.exact if exact else getattr(self, kind)
        if kind is Kind.LINEAR:
            return np.asarray(levels + np.maximum(margin * np.abs(levels), _ROUNDING))
        return levels + math.log10(1 + margin)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A level that a series had and that it has no more.

    Attributes:
        before: that level, on the axis of the kind.
        after: the level at the last commit.
        first: index in the series of the first bad commit.
        p_value: the largest one of the tests; None where the comparison is exact.
        corrected: the p-value that the correction for many series judges.
        reach: the smallest one that so many samples could give; 0 where more could be had.
    """

    before: float
    after: float
    first: int
    p_value: float | None = None
    corrected: float = 0.0
    reach: float = 0.0


def exact_evidence(series: Series, thresholds: Thresholds, since: int) -> Iterator[Evidence]:
    """Yield what needs no test, because the commits before repeated the same samples.

    Args:
        series: at least two commits.
        thresholds: the margin.
        since: position of the last commit whose steps are accepted.
    """
    values, now = series.levels, float(series.levels[-1])
    if series.kind is Kind.SHARE:
        failing = values > 0
        first = int(failing.argmax())
        if first >= 2 and failing[first:].all() and now == 1 and series.positions[first] > since:
            yield Evidence(0.0, now, first)
        return
    barriers = thresholds.barrier(series.kind, values[:-1], exact=True)
    for before, barrier in zip(values[:-1], barriers, strict=True):
        if now > barrier:
            first = int(np.flatnonzero(values <= barrier)[-1]) + 1
            if series.positions[first] > since and repeats(series.same[: first - 1]):
                yield Evidence(float(before), now, first)


def tested_evidence(series: Series, thresholds: Thresholds, since: int) -> list[Evidence]:
    """Return what the tests confirm; the arguments are those of ``exact_evidence``."""
    for division, places in _divisions(series):
        levels = np.array([series.level(*piece) for piece in itertools.pairwise(division)])
        barriers = thresholds.barrier(series.kind, levels, exact=False)
        found: list[Evidence] = []
        for piece in np.flatnonzero(levels[-1] > barriers[:-1]).tolist():
            good = int(np.flatnonzero(levels <= barriers[piece])[-1])
            first = division[good + 1]
            if series.positions[first] > since:
                step = Evidence(float(levels[piece]), float(levels[-1]), first)
                found.extend(_test(series, division, piece, step, places, thresholds))
        if found:
            return found
    return []


def _divisions(series: Series) -> Iterator[tuple[list[int], int]]:
    """Yield bounds of levels, each with the number of places that the last one was chosen from.

    First the steps that were found. Where the spread between commits is not known, the last level
    is divided at its largest rise. Last, the newest commit stands alone, where no choice was made.
    """
    n = len(series.levels)
    bounds = bounds_of(series)
    choices = len(bounds) - 2 if repeats(series.same) else n - 1
    yield bounds, 1 if bounds[-2] == n - 1 else max(choices, 1)
    last = series.levels[bounds[-2] :]
    if len(last) > 1 and (n < LONG or series.kind is Kind.SHARE):
        place = bounds[-2] + int(shifts_at(last).argmax()) + 1
        yield [*bounds[:-1], place, n], 1 if place == n - 1 else len(last) - 1
    if len(last) > 2:
        yield [*bounds[:-1], n - 1, n], 1


def _test(  # noqa: PLR0913, PLR0917 - what is tested
    series: Series,
    division: Sequence[int],
    piece: int,
    step: Evidence,
    places: int,
    thresholds: Thresholds,
) -> Iterator[Evidence]:
    """Yield the step with its p-values, if they are small enough."""
    long = len(series.levels) >= LONG and series.kind is not Kind.SHARE
    samples = _without_seeds(series.samples) if long else series.samples
    before = np.concatenate(samples[division[piece] : division[piece + 1]])
    after = np.concatenate(samples[division[-2] :])
    between = _between_commits(series.levels, division, piece) if long else 0.0
    if between >= thresholds.p_value:
        return
    if series.kind is Kind.SHARE:
        within = _fisher(before, after)
    elif min(len(before), len(after)) >= thresholds.samples and (
        long or step.after > _worst(series, division, piece, thresholds)
    ):
        within = _mann_whitney(before, after)
    else:
        return
    # Where commits are tested, it is that test which answers for the choice of the place.
    p_value = max(within, places * between) if long else places * within
    chosen = long or places > 1 or len(division) > 3
    if p_value < thresholds.p_value:
        yield dataclasses.replace(
            step,
            p_value=p_value,
            corrected=places * between if long else p_value,
            reach=0.0 if chosen else _reach(len(before), len(after)),
        )


def _without_seeds(samples: Sequence[Array]) -> Sequence[Array]:
    """Return samples less what their seed takes above others, at the median of all commits.

    A random method may take twice as long with one seed as with another, commit after commit; that
    spread hides what a commit changes. Where the numbers of seeds differ, nothing is known of it.
    """
    if len({len(one) for one in samples}) > 1:
        return samples
    table = np.array(samples)
    seeds = np.median(table, axis=0)
    return list(table - (seeds - np.median(seeds)))


def _worst(series: Series, division: Sequence[int], piece: int, thresholds: Thresholds) -> float:
    """Return what must be exceeded where the spread between commits is not known."""
    commits = series.levels[division[piece] : division[piece + 1]]
    return float(thresholds.barrier(series.kind, commits, exact=False).max())


def _reach(before: int, after: int) -> float:
    """Return the p-value when all samples of one side exceed all of the other."""
    return math.exp(-math.log(math.comb(before + after, after)))


def _mann_whitney(before: Array, after: Array) -> float:
    """Return the one-sided p-value; ties count against a difference."""
    from scipy.stats import mannwhitneyu

    exact = min(len(before), len(after)) <= _FEW
    lowered: Array = np.nextafter(after, -np.inf)
    return float(
        mannwhitneyu(
            lowered, before, alternative="greater", method="exact" if exact else "asymptotic"
        ).pvalue
    )


def _fisher(before: Array, after: Array) -> float:
    """Return the one-sided p-value; 1 where the samples are no outcomes that could be counted."""
    from scipy.stats import fisher_exact

    if not np.isin(np.concatenate([before, after]), (0, 1)).all():
        return 1.0
    counts = np.array([[side.sum(), (1 - side).sum()] for side in (after, before)])
    return float(fisher_exact(counts.astype(np.int64), alternative="greater").pvalue)


def _between_commits(values: Array, division: Sequence[int], piece: int) -> float:
    """Return Student's one-sided p-value for the last level against an earlier one."""
    from scipy.special import stdtr

    pieces = [values[start:stop] for start, stop in itertools.pairwise(division)]
    freedom = len(values) - len(pieces)
    if not freedom:
        return 1.0
    around = math.sqrt(sum(float(((one - one.mean()) ** 2).sum()) for one in pieces) / freedom)
    spread = max(around, float(difference_spread(values[None])[0]))
    rise = float(pieces[-1].mean() - pieces[piece].mean())
    scale = spread * math.sqrt(1 / len(pieces[-1]) + 1 / len(pieces[piece]))
    return float(stdtr(freedom, -rise / scale)) if scale > 0 else float(rise <= 0)


def holm(p_values: Sequence[float], tests: int, family: float) -> float:
    """Return the level that Holm's correction (1979) sets: p-values up to it are rejected.

    Args:
        p_values: the smaller ones of the tests; the others are taken for 1.
        tests: how many there are.
        family: the largest chance of one false rejection.
    """
    rejected = 0
    for p_value in sorted(p_values):
        if p_value > family / (tests - rejected):
            break
        rejected += 1
    return family / max(tests - rejected, 1)
