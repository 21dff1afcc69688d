"""Files of references that ship with a suite: JSON, an entry a line, and how an entry is found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError

FORMAT = 1

SAME = 1e-8
"""Numbers of a fingerprint may differ by this much, relatively or from zero, from rounding."""


def read_entries(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a file.

    Raises:
        TiltyardError: the file is not what it should be.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TiltyardError(f"references {path}: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise TiltyardError(f"references {path}: expected format {FORMAT}")
    entries: list[dict[str, Any]] = content["references"]
    return entries


def write_entries(entries: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Write entries so that a reader sees all of them or the old ones."""
    lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in entries)
    fresh = path.with_suffix(".tmp")
    fresh.write_text(f'{{"format": {FORMAT}, "references": [\n{lines}\n]}}\n', encoding="utf-8")
    fresh.replace(path)


def plain(value: Any) -> Any:
    """Return a value as JSON takes it: what is not finite becomes null, a tuple a list."""
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


def number(value: Any) -> float:
    """Return a number of such JSON; null is NaN."""
    return float("nan") if value is None else float(value)


def checksum(values: NDArray[np.float64]) -> float:
    """Return a sum of (n,) values whose weights tell their order, for fingerprints."""
    return float(np.cos(np.arange(len(values))) @ values)


def alike(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether two fingerprints are of one problem."""
    return len(one) == len(other) and np.allclose(one, other, rtol=SAME, atol=SAME, equal_nan=True)
