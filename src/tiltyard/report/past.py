"""asv's history as the report shows it: the series that a project has at its newest commit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiltyard.history.frame import SERIES, read_history
from tiltyard.history.gate import regressions
from tiltyard.history.project import open_project
from tiltyard.history.view import by_commit, describe_conditions, measured
from tiltyard.report.history import Series

if TYPE_CHECKING:
    import pandas as pd

COMMITS = 60
"""The newest commits that a line shows."""


def read_series(folder: Path) -> list[Series]:
    """Return the series of the project that a folder is in, over the commits that lead to HEAD.

    A series is marked where it became worse and was never again as good, as ``tiltyard history
    check`` finds it. What never had another value than one, such as shares that stayed zero, is
    left out, and so are versions that the newest commits do not measure any more.

    Raises:
        TiltyardError: no repository, no configuration of asv, no results, or damaged ones.
    """
    project = open_project(folder)
    frame = read_history(project)
    commits = measured(frame, project.repository)
    frame = by_commit(frame, commits)
    worse = {_key(one): one.first_bad for one in regressions(frame, commits)}
    shown = commits[-COMMITS:]
    current = frame.groupby(["benchmark", "machine"])["version"].transform("last")
    frame = frame[(frame["version"] == current) & frame["commit"].isin(shown)]
    found = (_series(rows, shown, worse) for _, rows in frame.groupby(list(SERIES), sort=False))
    return [one for one in found if one.regressions or _varies(one.values)]


def _series(rows: pd.DataFrame, commits: Sequence[str], worse: dict[Any, str]) -> Series:
    first = dict(rows.iloc[0])
    values = dict(zip(rows["commit"], rows["value"].tolist(), strict=True))
    bad = worse.get(tuple(first[name] for name in SERIES))
    name = (first["benchmark"], first["problem"], first["implementation"])
    return Series(
        group=first["benchmark"].partition(".")[0],
        name=", ".join(filter(None, name)),
        conditions=describe_conditions(first),
        unit=first["unit"],
        commits=commits,
        values=[values.get(commit, math.nan) for commit in commits],
        regressions=[commits.index(bad)] if bad in commits else [],
    )


def _key(one: Any) -> tuple[str, ...]:
    return tuple(getattr(one, name) for name in SERIES)


def _varies(values: Sequence[float]) -> bool:
    return len({value for value in values if math.isfinite(value)}) > 1
