"""A strict reader of the tables that users keep series in: CSV and Parquet."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.needs import missing
from tiltyard.suites.forecasting._roles import Roles
from tiltyard.suites.forecasting.panel import Array

_ABSENT = frozenset(("", "na", "n/a", "nan", "null", "none"))
_BLOCK = 4096
"""Rows of a CSV file that are turned into numbers at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The columns of a file that matter, as they stand there.

    Attributes:
        path: of the file, for messages.
        times: (n,) texts, or what a Parquet file holds: texts, dates or time stamps.
        ids: (n,) texts, the series of each row; None where each series has a column.
        names: of the value columns.
        values: (n, len(names)) float64; NaN where nothing stands.
        lines: (n,) int64; for a Parquet file, the numbers of the rows from 1 on.
        unit: ``line`` or ``row``.
    """

    path: Path
    times: Any
    ids: Sequence[str] | None
    names: tuple[str, ...]
    values: Array
    lines: NDArray[np.int64]
    unit: str

    def where(self, row: int) -> str:
        """Return the file and line of a row, for messages."""
        return f"{self.path}, {self.unit} {self.lines[row]}"


def read_table(path: Path, time: str, id: str, value: str) -> Table:  # noqa: A002 - the parameter
    """Return the columns of a file that hold times, ids and values.

    Args:
        path: a .csv, .parquet or .pq file.
        time: the column of times, or ``auto``.
        id: the column of names of series, ``none`` for a file with a column a series, or ``auto``.
        value: the column of values, or ``auto``.

    Raises:
        TiltyardError: in one line with the file, and the line and column where there is one.
    """
    if str(path) == "none":
        raise TiltyardError("no file of series is named; give its path as file=PATH")
    readers = {".csv": _read_csv, ".parquet": _read_parquet, ".pq": _read_parquet}
    if path.suffix.lower() not in readers:
        raise TiltyardError(f"{path} is no table: its name ends in none of {', '.join(readers)}")
    try:
        table = readers[path.suffix.lower()](path, (time, id, value))
    except OSError as error:
        raise TiltyardError(f"{path} cannot be read: {error.strerror or error}") from None
    if not len(table.values):
        raise TiltyardError(f"{path} has no row of values")
    return table


def _read_csv(path: Path, asked: tuple[str, str, str]) -> Table:
    rows = _lines(path)
    line, header = next(rows, (1, []))
    names = [name.strip() for name in header]
    where = f"{path}, line {line}"
    if not any(names):
        raise TiltyardError(f"{where}: expected the names of columns, found nothing")
    if len(names) == 1 and ";" in names[0]:
        raise TiltyardError(f"{where}: expected commas between the fields, found semicolons")
    roles = Roles.of(where, names, *asked)
    times: list[str] = []
    ids: list[str] = []
    lines: list[int] = []
    values = []
    while block := list(islice(rows, _BLOCK)):
        for line, row in block:
            if len(row) != len(names):
                raise TiltyardError(
                    f"{path}, line {line}: expected {len(names)} fields, found {len(row)}"
                )
        times += [row[roles.time].strip() for _, row in block]
        if roles.id is not None:
            ids += [row[roles.id].strip() for _, row in block]
        lines += [line for line, _ in block]
        values.append(_numbers(path, block, roles))
    return Table(
        path=path,
        times=times,
        ids=None if roles.id is None else ids,
        names=tuple(names[column] for column in roles.values),
        values=np.concatenate(values) if values else np.empty((0, len(roles.values))),
        lines=np.array(lines, np.int64),
        unit="line",
    )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with its line number; a last line without its end is a cut-off file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(_whole(path, file), strict=True)
            try:
                for row in reader:
                    if row:
                        yield reader.line_num, row
            except csv.Error as error:
                raise TiltyardError(f"{path}, line {reader.line_num}: {error}") from None
    except UnicodeDecodeError as error:
        raise TiltyardError(
            f"{path} is not UTF-8 text: byte {error.object[error.start]:#04x} is not"
        ) from None


def _whole(path: Path, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if not line.endswith(("\n", "\r")):
            raise TiltyardError(
                f"{path}, line {number}: the last line has no line end: the file may be "
                "truncated (add one if it is whole)"
            )
        yield line


def _numbers(path: Path, block: list[tuple[int, list[str]]], roles: Roles) -> Array:
    """Return (len(block), len(roles.values)) float64, NaN where a field holds nothing."""
    fields = [row[column] for _, row in block for column in roles.values]
    try:
        numbers = np.array(list(map(float, fields)))
    except ValueError:
        numbers = np.array([math.nan])
    # float() reads 1_000 as a thousand, infinity, and nan, which is a missing value.
    if not np.isfinite(numbers).all() or "_" in "".join(fields):
        numbers = np.array(
            [
                _number(f"{path}, line {line}", column, row[column], roles.names)
                for line, row in block
                for column in roles.values
            ]
        )
    return numbers.reshape(len(block), -1)


def _number(where: str, column: int, field: str, names: Sequence[str]) -> float:
    if field.strip().lower() in _ABSENT:
        return math.nan
    try:
        number = math.nan if "_" in field else float(field)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise TiltyardError(
            f"{where}, column {column + 1} ({names[column]}): expected a finite number or nothing, "
            f"found {field.strip()!r}"
        )
    return number


def _read_parquet(path: Path, asked: tuple[str, str, str]) -> Table:
    if lacking := missing({"pyarrow": "tiltyard[parquet]"}):
        raise TiltyardError(f"{path} {lacking}")
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise TiltyardError(f"{path} cannot be read: No such file or directory")
    try:
        # Not read_table, which would take a folder name such as year=2024 as a column.
        with parquet.ParquetFile(path) as file:
            table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise TiltyardError(f"{path} is no Parquet file: {' '.join(str(error).split())}") from None
    names = [str(name) for name in table.column_names if name != "__index_level_0__"]
    roles = Roles.of(str(path), names, *asked)
    columns = [_floats(path, names[at], table.column(names[at])) for at in roles.values]
    ids = None if roles.id is None else table.column(names[roles.id]).to_pylist()
    return Table(
        path=path,
        times=table.column(names[roles.time]).to_pandas(),
        ids=None if ids is None else ["" if one is None else str(one) for one in ids],
        names=tuple(names[column] for column in roles.values),
        values=np.stack(columns, axis=1),
        lines=np.arange(1, table.num_rows + 1),
        unit="row",
    )


def _floats(path: Path, name: str, column: Any) -> Array:
    """Return a column of a Parquet file as float64; what is null is NaN."""
    from pyarrow import types

    kind = column.type
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)):
        raise TiltyardError(f"{path}, column {name}: expected numbers, found {kind}")
    numbers: Array = column.to_pandas().to_numpy(np.float64, na_value=np.nan)
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).argmax()) + 1
        raise TiltyardError(
            f"{path}, row {row}, column {name}: expected a finite number, found inf"
        )
    return numbers
