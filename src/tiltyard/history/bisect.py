"""Finds the commit that brought a regression: what is good, what is bad, and where to look next.

Both ends are measured first, twice each, in the order good, bad, bad, good: a drift of the machine
cancels, and what a commit differs from itself is known. Where every measurement repeats exactly,
any worsening beyond rounding counts. Elsewhere each of the four must lie clearly nearer to its own
end. What is worse, but not clearly, gets one second chance. With normal noise and no regression 6 %
of simulated pairs pass, and in under 1 % of cases a commit is named and confirmed.

The commits between are searched by halves along first parents: these are the commits that a history
is made of, and a merge counts as one step. A commit is good or bad by the end that it is nearer to,
as ratios where all is positive. One that lies between is measured again, each time beside both
ends. Commits that cannot be run are left out, and the search goes on far from them, since what
breaks one mostly breaks its neighbours. At last the first bad commit and the good one before it are
measured afresh, as the ends were, since noise may have led the search astray.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import Kind
from tiltyard.history.tested import Ends, Mark, Measurement, Tested, value_of

REPEATS = 3
"""How often a commit is measured at most whose value lies between both ends."""

CLEAR = 0.25
"""A value this share of the way from one end to the other still clearly belongs to the one."""

_RELATIVE, _ABSOLUTE = 1e-9, 1e-12
"""Changes up to which a deterministic value is the same."""


class CannotRun(TiltyardError):
    """A commit could not be measured; the message says why."""


Measure = Callable[[str], Measurement]
"""Measures a commit, given its full hash; raises ``CannotRun``."""


@dataclass(slots=True)
class Bisection:
    """How a bisection ended.

    Attributes:
        good: the good end.
        bad: the bad end.
        shown: whether the regression shows here; without it nothing is searched.
        tested: the commits between, in the order of the tests.
        suspects: oldest first, the commits of which one is the first bad one: just that one, unless
            all others of them were skipped. Empty where nothing is shown.
        before: the last good commit before them.
        after: the first commit from there on that was found bad.
        confirmed: whether these two differ beyond the noise when measured afresh.
    """

    good: Tested
    bad: Tested
    shown: bool
    tested: list[Tested] = field(default_factory=list)
    suspects: tuple[str, ...] = ()
    before: Tested | None = None
    after: Tested | None = None
    confirmed: bool = False


def bisect(
    good: str,
    commits: Sequence[str],
    measure: Measure,
    kind: Kind,
    watch: Callable[[Tested], None] = lambda _: None,
) -> Bisection:
    """Find the first bad commit.

    Args:
        good: full hash of the good end.
        commits: full hashes of the commits after it up to the bad end, oldest first.
        measure: measures a commit.
        kind: how values are compared.
        watch: told of every commit, the ends included, as soon as its mark is known.

    Raises:
        TiltyardError: an end cannot be run.
    """
    ends = compare(good, commits[-1], measure, kind)
    for end in ends:
        watch(end)
    result = Bisection(*ends, shown=shows(*ends))
    if not result.shown:
        return result
    known = {end.commit: end for end in ends}

    def test(commit: str) -> Mark:
        known[commit] = found = classify(commit, measure, *ends)
        result.tested.append(found)
        watch(found)
        return found.mark

    result.suspects = search(commits, test)
    first = commits.index(result.suspects[0])
    before, after = known[commits[first - 1] if first else good], known[result.suspects[-1]]
    result.before, result.after = before, after
    again = not exact(*ends) and (before, after) != ends
    result.confirmed = not again or shows(*compare(before.commit, after.commit, measure, kind))
    return result


def compare(good: str, bad: str, measure: Measure, kind: Kind) -> tuple[Tested, Tested]:
    """Measure a good and a bad commit, twice each, in turn; afresh if the bad one is unclear.

    Raises:
        TiltyardError: one of them cannot be run.
    """
    pair = _measure_pair(good, bad, measure, kind)
    noisy = math.isfinite(pair[0].value) and pair[0].value < pair[1].value and not exact(*pair)
    return _measure_pair(good, bad, measure, kind) if noisy and not shows(*pair) else pair


def _measure_pair(good: str, bad: str, measure: Measure, kind: Kind) -> tuple[Tested, Tested]:
    first, last = Tested(good, kind, Mark.GOOD), Tested(bad, kind, Mark.BAD)
    for end in (first, last, last, first):
        try:
            end.measurements.append(measure(end.commit))
        except CannotRun as error:
            raise TiltyardError(
                f"the {end.mark} commit {end.commit[:10]} cannot be measured: {error}; name "
                f"another one with --{end.mark}"
            ) from None
    return first, last


def exact(good: Tested, bad: Tested) -> bool:
    """Whether every measurement of either commit gave the same samples."""
    return all(len(set(end.measurements)) == 1 for end in (good, bad))


def shows(good: Tested, bad: Tested) -> bool:
    """Whether the bad commit is worse than the good one, beyond the noise."""
    if math.isinf(good.value) or math.isinf(bad.value):
        return math.isfinite(good.value)
    if bad.value <= good.value:
        return False
    if exact(good, bad):
        return not math.isclose(good.value, bad.value, rel_tol=_RELATIVE, abs_tol=_ABSOLUTE)
    levels = Ends(good.kind, good.value, bad.value)

    def places(end: Tested) -> list[float]:
        return [levels.place(value_of(end.kind, one.samples)) for one in end.measurements]

    return max(places(good)) <= CLEAR and min(places(bad)) >= 1 - CLEAR


def classify(commit: str, measure: Measure, good: Tested, bad: Tested) -> Tested:
    """Measure a commit, again where it is unclear, and say which end it is nearer to.

    Args:
        commit: full hash.
        measure: measures a commit.
        good: the good end; takes the measurements that are made beside the commit's.
        bad: the bad end; as above.
    """
    found = Tested(commit, good.kind, Mark.SKIPPED)
    once = exact(good, bad)
    try:
        found.measurements.append(measure(commit))
        while not once and len(found.measurements) < REPEATS and _unclear(found, good, bad):
            for one in (good, bad, found):
                one.measurements.append(measure(one.commit))
    except CannotRun as error:
        found.reason = str(error)
        return found
    fault = next((one.fault for one in found.measurements if one.fault), "")
    if fault and math.isinf(found.value) and math.isfinite(bad.value):
        found.reason = fault  # something else than the regression, which it hides
        return found
    place = Ends(found.kind, good.value, bad.value).place(found.value)
    found.mark = Mark.BAD if place >= 0.5 else Mark.GOOD
    if len(found.measurements) > 1:
        found.reason = f"between good and bad, so measured {len(found.measurements)} times"
    return found


def _unclear(found: Tested, good: Tested, bad: Tested) -> bool:
    """Whether a commit's value lies between both ends."""
    return CLEAR < Ends(found.kind, good.value, bad.value).place(found.value) < 1 - CLEAR


def search(commits: Sequence[str], test: Callable[[str], Mark]) -> tuple[str, ...]:
    """Return the commits among which the first bad one is, oldest first.

    They are just one, unless the others of them were skipped. Without skipped commits as many tests
    are made as a search by halves needs.

    Args:
        commits: oldest first; what came before the first one is good, the last one is bad.
        test: gives a commit's mark; asked at most once for each, never for the last one.
    """
    low, high = -1, len(commits) - 1
    skipped: set[int] = set()
    while untested := [index for index in range(low + 1, high) if index not in skipped]:
        index = max(untested, key=partial(_merit, (low, high), skipped))
        match test(commits[index]):
            case Mark.GOOD:
                low = index
            case Mark.BAD:
                high = index
            case Mark.SKIPPED:
                skipped.add(index)
    return tuple(commits[low + 1 : high + 1])


def _merit(ends: tuple[int, int], skipped: Iterable[int], index: int) -> tuple[int, int]:
    """Return how well an index halves what is left: far from all that is known, near the middle."""
    return min(abs(index - known) for known in (*ends, *skipped)), -abs(2 * index - sum(ends))


def last_good(commits: Sequence[str], values: Mapping[str, float], kind: Kind) -> str | None:
    """Return the newest commit whose stored value is good, None if there is none.

    Good is nearer to the best value of all than to that of the last commit that has one.

    Args:
        commits: full hashes, oldest first, the bad one last.
        values: what a history holds; infinite for no value.
        kind: how values are compared.
    """
    measured = [commit for commit in commits if commit in values]
    if not measured:
        return None
    ends = Ends(kind, min(values[commit] for commit in measured), values[measured[-1]])
    if not ends.good < ends.bad:
        return None
    return next(one for one in reversed(measured) if ends.place(values[one]) < 0.5)
