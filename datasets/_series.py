"""Readers of the tables that time series come in."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tiltyard.dataset import Arrays


def dated(path: Path, *, columns: Sequence[str], step: int) -> Arrays:
    """Read a CSV file with a column of times and one of each series.

    Args:
        path: of the file.
        columns: the header, the time's column first.
        step: seconds from one row to the next.

    Returns:
        values: (S, T) float64.
        ends: (S,) int64, the time of the last row in seconds since 1970.

    Raises:
        ValueError: another header, a row of another length or a field that is no number or time,
            fewer than two rows, or times that are not ``step`` apart.
    """
    import pandas as pd

    table = pd.read_csv(path)
    if list(table.columns) != list(columns):
        raise ValueError(f"columns {', '.join(map(str, table.columns))}, not {', '.join(columns)}")
    times = pd.to_datetime(table[columns[0]], format="%Y-%m-%d %H:%M:%S").to_numpy("datetime64[s]")
    seconds = times.astype(np.int64)
    apart = np.diff(seconds)
    if len(apart) == 0:
        raise ValueError(f"{len(seconds)} rows instead of two or more")
    if (apart != step).any():
        row = int((apart != step).argmax())
        raise ValueError(
            f"{times[row + 1]} follows {times[row]}; rows are to be {step} seconds apart"
        )
    values = table[list(columns[1:])].to_numpy(dtype=np.float64).T.copy()
    return {"values": values, "ends": np.full(len(values), seconds[-1])}


def undated(path: Path, *, shape: tuple[int, int], end: str) -> Arrays:
    """Read a gzipped table without header or times: a column for each series.

    Args:
        path: of the file.
        shape: (T, S) that it has.
        end: the time of the last row.

    Returns:
        values: (S, T) float64.
        ends: (S,) int64, in seconds since 1970.

    Raises:
        ValueError: another shape, or a field that is no number.
        OSError: not a whole gzip file.
    """
    try:
        with gzip.open(path, "rt", encoding="ascii") as file:
            table = np.loadtxt(file, delimiter=",", ndmin=2)
    except EOFError as error:
        raise OSError(str(error)) from None
    if table.shape != shape:
        raise ValueError(f"a table of shape {table.shape} instead of {shape}")
    last = np.datetime64(end, "s").astype(np.int64)
    return {"values": table.T.copy(), "ends": np.full(shape[1], last)}


def ragged(path: Path, *, series: int) -> Arrays:
    """Read one of the M4 competition's tables: a row for each series, its name first.

    Args:
        path: of the file.
        series: how many it has.

    Returns:
        values: (S, T) float64, each series at the end of its row and NaN before it.
        numbers: (S,) int64, those in the series' names: 1 of ``H1``.

    Raises:
        ValueError: the header is not V1, V2, ..., a row has more fields than it, a field is no
            number, there is a gap in a series, or another number of series.
    """
    import pandas as pd

    with path.open(encoding="ascii", newline="") as file:
        header = next(csv.reader(file), [])
    if len(header) < 2 or header != [f"V{i + 1}" for i in range(len(header))]:
        raise ValueError("its first line is not V1, V2, ...")
    types = {header[0]: str, **dict.fromkeys(header[1:], np.float64)}
    table = pd.read_csv(path, dtype=types, index_col=False)
    if len(table) != series:
        raise ValueError(f"{len(table)} series instead of {series}")
    rows = table[header[1:]].to_numpy()
    lengths = np.isfinite(rows).sum(axis=1)
    values = np.full_like(rows, np.nan)
    for row, length, aligned in zip(rows, lengths, values, strict=True):
        if not length or not np.isfinite(row[:length]).all():
            raise ValueError("a series is empty, or has a gap")
        aligned[len(row) - length :] = row[:length]
    names = table[header[0]]
    if not names.str.fullmatch(r"[A-Z][0-9]+").all():
        raise ValueError("a series' name is not a letter and a number")
    return {"values": values, "numbers": names.str[1:].astype(np.int64).to_numpy()}
