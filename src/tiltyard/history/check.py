"""The gate's answer on one commit: what ``tiltyard history check`` tells."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tiltyard.errors import TiltyardError
from tiltyard.git import Repository
from tiltyard.history.gate import KINDS, Coverage, Regression, coverage, regressions

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 40
"""Regressions that are told one by one: a slow method is slow on every problem and target."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the gate found.

    Attributes:
        commit: the full hash of the checked one.
        commits: how many with results it was compared with.
        coverage: how many series were compared.
        regressions: worst first.
    """

    commit: str
    commits: int
    coverage: Coverage
    regressions: Sequence[Regression]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "commit": self.commit,
            "commits_before": self.commits,
            "series_compared": self.coverage.compared,
            "series_new": self.coverage.new,
            "series_absent": self.coverage.absent,
            "regressions": [one.to_json() for one in self.regressions],
        }

    def lines(self) -> list[str]:
        """Return the answer in words, with the command that looks for each one's cause."""
        lines = []
        for one in self.regressions[:_SHOWN]:
            lines.append(one.sentence())
            if one.implementation:  # timings of pytest-benchmark have none, and no runs to repeat
                lines.append(f"    {bisect_command(one)}")
        count, seen = len(self.regressions), self.coverage
        if count > _SHOWN:
            lines.append(f"... and {count - _SHOWN} more; --json tells all of them")
        summary = (
            f"{count or 'no'} regression{'s' if count > 1 else ''} in {seen.compared} series at "
            f"commit {self.commit[:10]}, compared with {self.commits} commits before it"
        )
        if seen.new:
            summary += f"; {seen.new} series are new"
        if seen.absent:
            summary += f"; {seen.absent} series have no value at this commit"
        return [*lines, summary]


def bisect_command(one: Regression) -> str:
    """Return the command that finds the commit that brought a regression."""
    words = ["tiltyard", "history", "bisect", one.benchmark, one.problem, one.implementation]
    words += ["--good", one.last_good[:10], "--bad", one.first_bad[:10]]
    conditions = {"--tier": one.tier, "--device": one.device, "--threads": one.threads}
    return shlex.join([*words, *(word for pair in conditions.items() for word in pair)])


def check(  # noqa: PLR0913 - options
    frame: pd.DataFrame,
    commits: Sequence[str],
    repository: Repository,
    *,
    commit: str = "HEAD",
    since: str | None = None,
    kinds: Sequence[str] = KINDS,
) -> Outcome:
    """Compare a commit with its history.

    Args:
        frame: from ``view.by_commit``.
        commits: those with results that lead to the commit, oldest first.
        repository: resolves names.
        commit: the one to check.
        since: accept what happened up to this commit, itself included.
        kinds: which kinds of series are gated.

    Raises:
        TiltyardError: the commit has no results, or a name or kind is unknown.
    """
    full = repository.resolve(commit)
    if commits[-1] != full:
        raise TiltyardError(f"no results of commit {full[:10]}; 'tiltyard history add' writes them")
    accepted = None if since is None else _accepted(repository, full, since, commits)
    return Outcome(
        full,
        len(commits) - 1,
        coverage(frame, commits, kinds=kinds),
        regressions(frame, commits, since=accepted, kinds=kinds),
    )


def _accepted(
    repository: Repository, commit: str, since: str, commits: Sequence[str]
) -> str | None:
    """Return the last measured commit up to ``since``; None if it is older than all of them."""
    full = repository.resolve(since)
    order = repository.history(commit)
    if full not in order:
        raise TiltyardError(f"commit {full[:10]} ({since}) does not lead to {commit[:10]}")
    before = set(order[: order.index(full) + 1])
    return next((one for one in reversed(commits) if one in before), None)
