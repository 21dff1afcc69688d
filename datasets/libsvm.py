"""A strict reader of classification data in LIBSVM's sparse text format.

No data of the LIBSVM collection is fetched: it publishes neither checksums nor a licence for each
set, and the copies of its files that are about differ from one another. A user downloads a file
from https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/binary.html and names its path.
"""

from __future__ import annotations

import bz2
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError

MOST_ENTRIES = 2**28
"""Of the dense matrix: 2 GiB."""

_INDEX = re.compile(r"[0-9]{1,9}", re.ASCII)

Pairs = list[tuple[int, float]]


def read_libsvm(
    path: str | Path, features: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Read lines of ``label index:value ...``; indices count from 1 and ascend in a line.

    A file whose name ends in ``.bz2`` is decompressed.

    Args:
        path: the file.
        features: number of columns; 0 for the largest index in the file.

    Returns:
        The dense (n, d) float64 matrix, and the (n,) float64 labels: -1 for the smaller of the
        file's two labels and 1 for the larger.

    Raises:
        TiltyardError: as ``read_classes`` does, or there are not two labels.
    """
    X, labels = read_classes(path, features, most=2)
    return X, 2.0 * labels.astype(np.float64) - 1.0


def read_classes(
    path: str | Path, features: int = 0, *, most: int = 1000
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read a file as ``read_libsvm`` does, with two different labels or more.

    Args:
        path: the file.
        features: number of columns; 0 for the largest index in the file.
        most: labels; a file with more has numbers to be predicted, not classes.

    Returns:
        The dense (n, d) float64 matrix, and the (n,) int64 labels: 0, 1, ... in ascending order of
        the file's.

    Raises:
        TiltyardError: in one line with the file and line: the file is missing, empty, not text or
            ends in the middle of a line or of its compressed stream; a label, index or value is not
            a finite number of its kind; indices do not ascend or exceed ``features``; there is one
            label, or more than ``most``; or the dense matrix would be larger than
            ``MOST_ENTRIES``.
    """
    if not str(path):
        raise TiltyardError("no LIBSVM file is named; give its path as file=FILE")
    labels, rows = [], []
    for number, line in enumerate(_lines(path), start=1):
        label, pairs = _record(f"{path}, line {number}", line, features)
        labels.append(label)
        rows.append(pairs)
    if not rows:
        raise TiltyardError(f"{path}, line 1: expected a label and its features, the file ends")
    kinds, numbers = np.unique(labels, return_inverse=True)
    if not 2 <= len(kinds) <= most:
        shown = ", ".join(f"{kind:g}" for kind in kinds[:4])
        wanted = "two labels" if most == 2 else f"two to {most} labels"
        raise TiltyardError(f"{path}: expected {wanted}, found {len(kinds)}: {shown}")
    width = features or max((pairs[-1][0] for pairs in rows if pairs), default=0)
    if not 0 < len(rows) * width <= MOST_ENTRIES:
        raise TiltyardError(
            f"{path}: {len(rows)} rows of {width} features; a dense matrix of at least 1 and at "
            f"most {MOST_ENTRIES} entries is wanted"
        )
    X = np.zeros((len(rows), width))
    for row, pairs in zip(X, rows, strict=True):
        for index, value in pairs:
            row[index - 1] = value
    return X, numbers.astype(np.int64)


def _lines(path: str | Path) -> Iterator[str]:
    """Yield the lines; the last one without its end is a cut-off file."""
    try:
        data = Path(path).read_bytes()
        text = (bz2.decompress(data) if str(path).endswith(".bz2") else data).decode("ascii")
    except UnicodeDecodeError as error:
        raise TiltyardError(f"{path} is not ASCII text: byte {error.start} is not") from None
    except (ValueError, EOFError) as error:
        raise TiltyardError(f"{path} is no whole bzip2 stream: {error}") from None
    except OSError as error:
        reason = error.strerror or "it is no bzip2 stream"
        raise TiltyardError(f"{path} cannot be read: {reason}") from None
    lines = text.split("\n")
    if lines[-1]:
        raise TiltyardError(
            f"{path}, line {len(lines)}: the last line has no line end; the file may be truncated"
        )
    yield from lines[:-1]


def _record(where: str, line: str, features: int) -> tuple[float, Pairs]:
    """Return a line's label, and its indices with their values."""
    first, *fields = line.split() or [""]
    label = _number(first)
    if label is None:
        raise TiltyardError(f"{where}: expected a label, found {first!r}")
    pairs: Pairs = []
    for field in fields:
        index, colon, value = field.partition(":")
        number = _number(value)
        if not colon or not _INDEX.fullmatch(index) or number is None:
            raise TiltyardError(f"{where}: expected index:value, found {field!r}")
        column = int(index)
        if column < 1:
            raise TiltyardError(f"{where}: index 0; indices count from 1")
        if pairs and column <= pairs[-1][0]:
            raise TiltyardError(f"{where}: index {column} follows {pairs[-1][0]}; they must ascend")
        if features and column > features:
            raise TiltyardError(f"{where}: index {column} of {features} features")
        pairs.append((column, number))
    return label, pairs


def _number(field: str) -> float | None:
    # float() would read 1_000 as a thousand.
    try:
        number = math.nan if "_" in field else float(field)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
