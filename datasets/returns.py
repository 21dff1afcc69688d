"""A strict reader of a return matrix in a user's CSV file."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError


def read_returns(path: str | Path) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Read a return matrix: a header of asset names, then one row of numbers a scenario.

    The file is UTF-8 with commas between the fields. A first column named ``date`` is skipped.

    Returns:
        The names of the m assets, and the (n, m) float64 returns as they stand in the file, so
        ``0.01`` is one per cent.

    Raises:
        TiltyardError: in one line with the file, line and column: the file is missing, empty or
            not text, or ends in the middle of a line; it has fewer than two assets or no rows; a
            name is empty or repeated; a row has too few or too many fields; a field is not a
            finite number.
    """
    if not str(path):
        raise TiltyardError("no file of returns is named; give its path as csv=FILE")
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = _rows(path, file)
            names, skip = _header(path, next(rows, (1, []))[1])
            table = [_numbers(path, line, row, names, skip) for line, row in rows]
    except OSError as error:
        raise TiltyardError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise TiltyardError(f"{path} is not UTF-8 text: byte {error.start} is not") from None
    if not table:
        raise TiltyardError(f"{path}, line 2: expected a row of returns, the file ends")
    return names[skip:], np.array(table)


def _rows(path: str | Path, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with its line number; a last line without its end is a cut-off file."""
    text = file.read()
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        raise TiltyardError(
            f"{path}, line {len(lines)}: the last line has no line end; the file may be truncated"
        )
    reader = csv.reader(lines, strict=True)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise TiltyardError(f"{path}, line {reader.line_num}: {error}") from None


def _header(path: str | Path, row: list[str]) -> tuple[tuple[str, ...], int]:
    """Return the column names, and 1 where the first column holds dates, else 0."""
    names = tuple(name.strip() for name in row)
    skip = int(bool(names) and names[0].lower() == "date")
    where = f"{path}, line 1"
    if not any(names):
        raise TiltyardError(f"{where}: expected asset names, found nothing")
    for column, name in enumerate(names, start=1):
        if not name:
            raise TiltyardError(f"{where}, column {column}: expected an asset name, found nothing")
        if name in names[: column - 1]:
            raise TiltyardError(f"{where}, column {column}: asset {name!r} is named twice")
    if all(_number(name) is not None for name in names):
        raise TiltyardError(f"{where}: expected asset names, found the number {names[0]}")
    if len(names) - skip < 2:
        raise TiltyardError(f"{where}: expected two assets or more, found {len(names) - skip}")
    return names, skip


def _numbers(
    path: str | Path, line: int, row: list[str], names: tuple[str, ...], skip: int
) -> list[float]:
    where = f"{path}, line {line}"
    if len(row) != len(names):
        raise TiltyardError(f"{where}: expected {len(names)} fields, found {len(row)}")
    numbers = []
    for column in range(skip, len(names)):
        number = _number(row[column])
        if number is None or not math.isfinite(number):
            raise TiltyardError(
                f"{where}, column {column + 1} ({names[column]}): "
                f"expected a finite number, found {row[column]!r}"
            )
        numbers.append(number)
    return numbers


def _number(field: str) -> float | None:
    # float() would read 1_000 as a thousand.
    if "_" in field:
        return None
    try:
        return float(field)
    except ValueError:
        return None
