"""Writes records as tables: CSV, JSON Lines, Parquet."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tiltyard.errors import TiltyardError, unknown
from tiltyard.run.record import Record
from tiltyard.store import Store

FORMATS = (".csv", ".jsonl", ".parquet")


def export_records(store: Store, out: Path, *, suite: str | None, checkpoints: bool) -> int:
    """Write a row for each record, or each checkpoint; return their number.

    Nested values (parameters, oracles, metrics) become columns such as ``metrics.gap``; JSON Lines
    keep them nested. An existing file is replaced once the new one is complete.

    Raises:
        TiltyardError: unknown format, a missing package, or a folder that cannot be written.
    """
    if out.suffix not in FORMATS:
        raise unknown("format", out.suffix or out.name, FORMATS)
    if out.suffix == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise TiltyardError("Parquet needs pyarrow: pip install 'tiltyard[parquet]'")
    environments = store.environments()
    rows: list[dict[str, Any]] = []
    for record in store.records(suite):
        rows.extend(_rows(record, environments[record.environment], checkpoints=checkpoints))
    unfinished = out.with_name(f".{out.name}.part")
    try:
        _write(rows, unfinished, out.suffix)
        os.replace(unfinished, out)  # noqa: PTH105 - the name says what matters: it replaces
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise TiltyardError(f"cannot write {out}: {error.strerror}") from None
    return len(rows)


def _rows(
    record: Record, environment: dict[str, Any], *, checkpoints: bool
) -> Iterator[dict[str, Any]]:
    result = record.result_json()
    points = result.pop("checkpoints")
    common = {"id": record.spec.id, **record.spec.to_json()}
    if checkpoints:
        for point in points:
            yield {**common, **point}
    else:
        metrics = points[-1]["metrics"] if points else {}
        hardware = {key: environment[key] for key in ("hardware", "cpu", "commit", "dirty")}
        yield {**common, **result, "metrics": metrics, "environment": hardware}


def _write(rows: list[dict[str, Any]], path: Path, suffix: str) -> None:
    if suffix == ".jsonl":
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, allow_nan=False) + "\n" for row in rows)
        return
    import pandas as pd

    frame = pd.json_normalize(rows)
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        # Parameters of one name may differ in type between implementations.
        for column in frame.select_dtypes("object").columns:
            frame[column] = frame[column].map(lambda v: v if _missing(v) else str(v))
        frame.to_parquet(path, index=False)


def _missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN alone differs from itself
