"""Whether a commit is worse than its history, and since when.

The rule. Every series (one number of one problem and implementation, under the same conditions, of
the same version) is lower-is-better. asv's step detection splits it into levels, and the gate asks
whether the level of the checked commit is worse than an earlier one. The first bad commit is the
one since which the series was never again as good. What was worse once and is as good again is no
alarm, nor is an improvement; ``since`` accepts all that happened up to a commit.

- Where commits repeat exactly the same samples, as a deterministic method does, the comparison is
  exact: worse by more than 1 % is a regression.
- Elsewhere it must be worse by a margin (10 % of time, memory, energy and errors, 25 % of a gap)
  and two tests must say so at p < 0.002. One is by Mann and Whitney (1947,
  doi:10.1214/aoms/1177730491), on the samples of both levels, six a side or more; with seven
  commits or more, less what each seed takes above the others. The other is Student's, on commits:
  all samples of a commit share the machine's good or bad day, so with seven commits or more a step
  must stand out from the spread *between* commits, around the levels and from each commit to the
  next; its p-value counts times the number of places that the step was chosen from. With fewer
  commits that spread is unknown: the first test's p-value counts so many times, and the level must
  be worse by the margin than every commit of the earlier one. asv's detection misses steps in short
  histories, so its levels are divided further where a test finds a step, and the newest commit is
  always tested as a level of its own, too.
- Shares of runs that failed or missed a target take Fisher's exact test on the counts instead.
  Where no run ever did and now all do, no test is needed.
- Many series are many chances of a false alarm. So the tests must also pass Holm's correction
  (1979) over all series that are tested: with seven commits or more, a check without any change
  raises an alarm in about 5 % of cases at most. Two commits with so few samples that they could
  never pass it need 0.002 alone, so a large board's first checks do raise false alarms.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import Kind
from tiltyard.history.evidence import (
    Evidence,
    Thresholds,
    exact_evidence,
    holm,
    tested_evidence,
)
from tiltyard.history.frame import CONDITIONS, SERIES
from tiltyard.history.screening import least_p_values
from tiltyard.history.series import Table, read, unit_of
from tiltyard.report.format import number, seconds, share

if TYPE_CHECKING:
    import pandas as pd

KINDS = (Kind.TIME, Kind.SHARE, Kind.LOG10, Kind.LINEAR)
"""What is gated unless the user says otherwise."""

_UNITS = {Kind.MEMORY: " bytes", Kind.ENERGY: " J", Kind.LOG10: " decades", Kind.LINEAR: ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """A series that is worse at the checked commit than it was.

    Attributes:
        machine: asv's name of it.
        python: its version.
        device: it ran on.
        threads: of the runs.
        tier: of the suite.
        benchmark: asv's name of it.
        version: of the benchmark.
        problem: its name.
        implementation: its name.
        kind: how values are compared.
        before: the level that it had, in the unit of the kind.
        after: the level that it has.
        difference: after - before.
        factor: after / before, of gaps the ratio of the gaps; NaN where one is not positive.
        p_value: the largest one of the tests; None where the comparison is exact.
        first_bad: full hash of the first commit since which it is worse.
        last_good: of the series' last commit before that.
    """

    machine: str
    python: str
    device: str
    threads: str
    tier: str
    benchmark: str
    version: str
    problem: str
    implementation: str
    kind: Kind
    before: float
    after: float
    difference: float
    factor: float
    p_value: float | None
    first_bad: str
    last_good: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; NaN is null."""
        factor = None if math.isnan(self.factor) else self.factor
        return dataclasses.asdict(self) | {"kind": str(self.kind), "factor": factor}

    def sentence(self) -> str:
        """Return it in words."""
        name = ", ".join(filter(None, (self.benchmark, self.problem, self.implementation)))
        times = "" if math.isnan(self.factor) else f"{number(self.factor)} times, "
        test = "exact" if self.p_value is None else f"p = {self.p_value:.1g}"
        parts = (*CONDITIONS, "version")
        where = ", ".join(f"{one} {getattr(self, one)}" for one in parts if getattr(self, one))
        return (
            f"{name}: {self._spell(self.before)} -> {self._spell(self.after)} ({times}{test}), "
            f"first bad commit {self.first_bad[:10]}, last good {self.last_good[:10]} ({where})"
        )

    def _spell(self, level: float) -> str:
        if self.kind is Kind.TIME:
            return seconds(level)
        return share(level) if self.kind is Kind.SHARE else f"{number(level)}{_UNITS[self.kind]}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a history a check sees.

    Attributes:
        compared: series with a value at the commit and an earlier one.
        new: series whose first value is at the commit.
        absent: series with earlier values that have none at the commit, where no other version of
            the benchmark has one either.
    """

    compared: int
    new: int
    absent: int


def coverage(
    frame: pd.DataFrame,
    commits: Sequence[str],
    *,
    commit: str | None = None,
    kinds: Sequence[str] = KINDS,
) -> Coverage:
    """Count the series that ``regressions`` compares with the same arguments, and the others.

    Raises:
        TiltyardError: as ``regressions`` does.
    """
    until = commits[: _position(commits, commit) + 1]
    table = read(frame, until, kinds)
    now = table.last == len(until) - 1
    point = [column for column in SERIES if column != "version"]
    measured = set(map(tuple, table.keys.loc[now, point].to_numpy()))
    gone = map(tuple, table.keys.loc[~now, point].to_numpy())
    return Coverage(
        compared=int((now & (table.counts > 1)).sum()),
        new=int((now & (table.counts == 1)).sum()),
        absent=len(set(gone) - measured),
    )


def regressions(  # noqa: PLR0913 - options
    frame: pd.DataFrame,
    commits: Sequence[str],
    *,
    commit: str | None = None,
    since: str | None = None,
    kinds: Sequence[str] = KINDS,
    thresholds: Thresholds | None = None,
) -> list[Regression]:
    """Return the series that are worse at a commit than in its history, worst first.

    What went from nothing to something (a share from 0 %) has no factor and comes first.

    Args:
        frame: as ``frame.read_history`` returns it; a share's level is the mean of its samples.
        commits: full hashes along the first parents, oldest first.
        commit: the full hash of the one to check; by default the last one.
        since: the full hash of the last commit whose steps are accepted; by default none are.
        kinds: which ``Kind``s are gated.
        thresholds: by default ``Thresholds()``.

    Raises:
        TiltyardError: a commit that is not among ``commits``, or a frame that ``series.read``
            refuses.
    """
    thresholds = thresholds or Thresholds()
    until = commits[: _position(commits, commit) + 1]
    accepted = -1 if since is None else _position(commits, since)
    table = read(frame, until, kinds)
    compared = np.flatnonzero((table.last == len(until) - 1) & (table.counts > 1))
    found = _exact(table, compared, thresholds, accepted)
    for index, evidence in _tested(table, compared, thresholds, accepted).items():
        found.setdefault(index, evidence)
    return sorted(
        (_regression(table, index, evidence, until) for index, evidence in found.items()),
        key=_worst_first,
    )


def _position(commits: Sequence[str], commit: str | None) -> int:
    if not commits:
        raise TiltyardError("the history has no commits; 'tiltyard history add' writes results")
    if commit is None:
        return len(commits) - 1
    if commit not in commits:
        raise TiltyardError(
            f"commit {commit!r} is not among the {len(commits)} commits of the history, "
            f"{commits[0][:10]} to {commits[-1][:10]}; give the full hash of one of them"
        )
    return commits.index(commit)


def _exact(
    table: Table, compared: NDArray[np.int64], thresholds: Thresholds, accepted: int
) -> dict[int, Evidence]:
    """Return for each series that an exact comparison finds worse its worst evidence."""
    found = {}
    for kind, chosen in table.by_kind(compared):
        values = table.aligned(table.levels, chosen)
        barriers = thresholds.barrier(kind, values[:, :-1], exact=True)
        for index in chosen[(values[:, -1:] > barriers).any(axis=1)].tolist():
            evidence = list(exact_evidence(table[index], thresholds, accepted))
            if evidence:
                found[index] = max(evidence, key=_size)
    return found


def _tested(
    table: Table, compared: NDArray[np.int64], thresholds: Thresholds, accepted: int
) -> dict[int, Evidence]:
    """Return the same for those that tests find worse, corrected for their number."""
    least: dict[int, float] = {}
    for kind, chosen in table.by_kind(compared[table.varies[compared]]):
        bounds = least_p_values(table, chosen, kind, thresholds)
        least.update(zip(chosen.tolist(), bounds.tolist(), strict=True))
    tests = len(least)
    # Holm's level is the higher, the smaller p-values are: with bounds below them nothing is lost.
    level = holm(list(least.values()), tests, thresholds.family)
    found = {}
    for index, bound in least.items():
        if bound <= level and bound < thresholds.p_value:
            evidence = tested_evidence(table[index], thresholds, accepted)
            if evidence:
                found[index] = evidence
    smallest = [min(one.corrected for one in evidence) for evidence in found.values()]
    level = holm(smallest, tests, thresholds.family)
    # Samples too few for the strictest level that Holm may set are judged by the p-value alone.
    strictest = thresholds.family / max(tests, 1)
    passed = {
        index: [one for one in evidence if one.corrected <= level or one.reach > strictest]
        for index, evidence in found.items()
    }
    return {index: max(evidence, key=_size) for index, evidence in passed.items() if evidence}


def _size(evidence: Evidence) -> float:
    return evidence.after - evidence.before


def _regression(table: Table, index: int, evidence: Evidence, commits: Sequence[str]) -> Regression:
    key = table.keys.iloc[index]
    kind = Kind(key["kind"])
    before, after = (unit_of(kind, level) for level in (evidence.before, evidence.after))
    if kind is Kind.LOG10:
        factor = 10.0 ** (after - before)
    else:
        factor = after / before if before > 0 and after > 0 else math.nan
    positions = table[index].positions
    return Regression(
        **{column: key[column] for column in SERIES},
        kind=kind,
        before=before,
        after=after,
        difference=after - before,
        factor=factor,
        p_value=evidence.p_value,
        first_bad=commits[positions[evidence.first]],
        last_good=commits[positions[evidence.first - 1]],
    )


def _worst_first(regression: Regression) -> tuple[Any, ...]:
    names = tuple(getattr(regression, column) for column in SERIES)
    if math.isnan(regression.factor):
        return (0, -regression.difference, names)
    return (1, -regression.factor, names)
