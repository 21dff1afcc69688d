"""Panels from a user's own tables: a column a series, or a row a value."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.suites.forecasting._calendar import (
    Bools,
    Ints,
    Where,
    infer,
    modern,
    places,
    read_times,
)
from tiltyard.suites.forecasting._tables import Table, read_table
from tiltyard.suites.forecasting.panel import Panel, Times

_LONGEST_GAP = 100
"""Missing values in a row, for each row of the file."""


def read_panel(  # noqa: PLR0913 - what a user may say of a file
    file: str | Path,
    *,
    time: str = "auto",
    id: str = "auto",  # noqa: A002 - as the column is called
    value: str = "auto",
    frequency: str = "auto",
    format: str = "iso",  # noqa: A002 - as strptime's argument is called
) -> Panel:
    """Return the series in a .csv, .parquet or .pq file.

    *Wide*: a column of times and a column for each series. *Long*: a column of ids, one of times
    and one of values; others are left aside. Rows of one series follow each other in time; in a
    long file, those of different series may be mixed, and the panel has them in the order of ids.

    A field that is empty, ``NA``, ``NaN`` or ``null`` is a missing value, and so is a time that the
    frequency has and the file leaves out. A series ends with its last row. Times with an offset
    from UTC are brought to UTC; local times without one are taken as they stand, so the hour that a
    change to summer time skips is missing, and the one that a change back repeats is refused.

    Args:
        file: its path. A CSV file is UTF-8, with commas and a header; every line has an end.
        time: the column of times; ``auto``: ``ds``, ``time``, ``timestamp``, ``date``,
            ``datetime``, in any case.
        id: the column of ids; ``none`` for a wide file; ``auto``: ``unique_id``, ``id``,
            ``item_id``, and a file without any is wide.
        value: the column of values; ``auto``: ``y``, ``value``, ``target`` or the only other one of
            a long file, and every other one of a wide file.
        frequency: pandas' alias, or ``auto``.
        format: ``iso`` (ISO 8601), or that of the times as ``strptime`` takes it.

    Raises:
        TiltyardError: in one line, with the file and the line or row where there is one.
    """
    table = read_table(Path(file), time, id, value)
    names, order, owner = _grouped(table)
    first = np.diff(owner, prepend=-1) > 0

    def where(row: int) -> str:
        return table.where(int(order[row]))

    times = read_times(table.times, format, table.where)[order]
    _need_order(times, first, where)
    alias = infer(times, first, where) if frequency == "auto" else modern(frequency)
    steps = places(times, first, alias, where)
    _need_rows(steps, first, where)
    last = np.append(np.flatnonzero(first)[1:], len(times)) - 1
    columns = int(steps[last].max()) + 1
    place = columns - 1 - (steps[last][owner] - steps)
    values = np.full((len(names), columns), np.nan)
    ends = times[last]
    if table.ids is None:
        values[:, place] = table.values.T
        ends = np.repeat(ends, len(names))
    else:
        values[owner, place] = table.values[order, 0]
    for name, series in zip(names, values, strict=True):
        if np.isnan(series).all():
            raise TiltyardError(f"{table.path}: series {name} has no value")
    return Panel(values=values, frequency=alias, ends=ends, names=names)


def _grouped(table: Table) -> tuple[tuple[str, ...], Ints, Ints]:
    """Return the names of series, the rows in the order of series, and the series of each.

    The rows of a wide table are one series of times.
    """
    rows = np.arange(len(table.values))
    if table.ids is None:
        return table.names, rows, np.zeros_like(rows)
    import pandas as pd

    owner, names = pd.factorize(pd.Series(table.ids), sort=True)
    if not names[0]:
        row = int((owner == 0).argmax())
        raise TiltyardError(f"{table.where(row)}: expected the id of a series, found nothing")
    order = np.argsort(owner, kind="stable")
    return tuple(map(str, names)), order, owner[order]


def _need_order(times: Times, first: Bools, where: Where) -> None:
    """Refuse a time that is not later than the one before it in its series."""
    wrong = np.append(False, np.diff(times) <= np.timedelta64(0, "s")) & ~first
    if not wrong.any():
        return
    row = int(wrong.argmax())
    before = where(row - 1).rpartition(", ")[2]
    if times[row] == times[row - 1]:
        raise TiltyardError(
            f"{where(row)}: the time {times[row]} is that of {before} again; where clocks go back, "
            "give times with their offset from UTC"
        )
    raise TiltyardError(
        f"{where(row)}: the time {times[row]} is before {times[row - 1]} of {before}; sort the "
        "rows of a series by time"
    )


def _need_rows(steps: Ints, first: Bools, where: Where) -> None:
    """Refuse a gap that is most of a file, as a wrong year makes one: the panel would be huge."""
    gaps = np.where(first, 0, np.diff(steps, prepend=0))
    row = int(gaps.argmax())
    if gaps[row] > _LONGEST_GAP * max(len(steps), 10):
        raise TiltyardError(
            f"{where(row)}: {gaps[row] - 1} values in a row are missing before it; is its time "
            "right?"
        )
