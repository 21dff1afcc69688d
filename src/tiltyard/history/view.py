"""Selects series of a history and lays them out by commit, for tables, plots and the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tiltyard.errors import TiltyardError, unknown
from tiltyard.git import Repository
from tiltyard.history.frame import SERIES
from tiltyard.names import matches

if TYPE_CHECKING:
    import pandas as pd


def choose(
    frame: pd.DataFrame,
    *,
    benchmarks: Sequence[str] = (),
    problems: Sequence[str] = (),
    implementations: Sequence[str] = (),
    machine: str | None = None,
) -> pd.DataFrame:
    """Return the rows that match; every argument is patterns with ``*`` and ``?``, empty for all.

    Raises:
        TiltyardError: nothing matches; the message says which argument is at fault.
    """
    wanted = {
        "machine": [machine] if machine else [],
        "benchmark": benchmarks,
        "problem": problems,
        "implementation": implementations,
    }
    for column, patterns in wanted.items():
        if patterns:
            names = frame[column].unique().tolist()
            kept = {name for name in names if any(matches(one, name) for one in patterns)}
            if not kept:
                raise unknown(f"{column} of the history", patterns[0], names)
            frame = frame[frame[column].isin(kept)]
    if frame.empty:
        raise TiltyardError("the history holds nothing that matches all of these options at once")
    return frame


def by_commit(frame: pd.DataFrame, commits: Sequence[str]) -> pd.DataFrame:
    """Return the rows of these commits, ordered by series, then as the commits are.

    Args:
        frame: from ``read_history``.
        commits: full hashes, oldest first; rows of other commits are dropped.
    """
    position = {commit: index for index, commit in enumerate(commits)}
    kept = frame[frame["commit"].isin(position)]
    order = kept["commit"].map(position)
    return (
        kept.assign(position=order).sort_values([*SERIES, "position"], kind="stable")
    ).reset_index(drop=True)


def measured(frame: pd.DataFrame, repository: Repository, commit: str = "HEAD") -> list[str]:
    """Return the commits along the first parents of one that have results, oldest first.

    Raises:
        TiltyardError: none has, the commit is unknown, or the clone is shallow.
    """
    known = set(frame["commit"])
    full = repository.resolve(commit)
    found = [one for one in repository.history(full) if one in known]
    if not found:
        raise TiltyardError(
            f"none of the {len(known)} commits with results leads to {commit} ({full[:10]})"
        )
    return found


def describe_conditions(series: Mapping[str, str]) -> str:
    """Return in words what a series was measured under; parts that asv does not know are left out.

    Args:
        series: its columns ``frame.CONDITIONS``.
    """
    words = {
        "machine": "",
        "python": "Python ",
        "device": "",
        "threads": "threads ",
        "tier": "tier ",
    }
    return ", ".join(f"{word}{series[key]}" for key, word in words.items() if series[key])
