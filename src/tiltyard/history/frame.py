"""Reads asv's results back into pandas."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import Kind
from tiltyard.history.project import Project, reading
from tiltyard.history.results import PARAMETERS, known_benchmarks

if TYPE_CHECKING:
    import pandas as pd
    from asv.results import Results

CONDITIONS = ("machine", "python", "device", "threads", "tier")

SERIES = (*CONDITIONS, "benchmark", "version", "problem", "implementation")
"""The columns that tell one series from another."""

COLUMNS = (*SERIES, "commit", "date", "kind", "unit", "value", "low", "high", "samples")

_KINDS = {"time": Kind.TIME, "timeraw": Kind.TIME, "memory": Kind.MEMORY, "peakmemory": Kind.MEMORY}
"""The kinds of asv's own types of benchmarks, which a user's files may hold beside ours."""


def read_history(project: Project) -> pd.DataFrame:
    """Return all of asv's results, one row for each series and commit.

    Returns:
        A frame with the columns ``COLUMNS``: ``value`` is float64, NaN where asv holds null;
        ``low`` and ``high`` are the ends of asv's 99 % interval of the median, NaN where it has
        none; ``samples`` is a list of floats or None; ``date`` is the commit's, UTC; the others are
        strings, ``""`` where a benchmark has no such parameter.

    Raises:
        TiltyardError: there are no results, or a file is damaged or of a newer asv.
    """
    import pandas as pd

    paths = sorted(
        path
        for path in project.results.glob("*/*.json")
        if path.name != "machine.json" and not path.name.startswith(".")
    )
    if not paths:
        raise TiltyardError(
            f"no results of asv in {project.results}; 'tiltyard history add' writes some"
        )
    known = known_benchmarks(project.results)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for path in paths:
        for rows in _rows(_load(path), known):
            for name, values in rows.items():
                columns[name].extend(values)
    frame = pd.DataFrame(columns)
    frame["value"] = frame["value"].astype(float)
    frame[["low", "high"]] = frame[["low", "high"]].astype(float)
    frame["date"] = pd.to_datetime(frame["date"], unit="ms", utc=True)
    return frame


def _load(path: Path) -> Results:
    from asv.results import Results

    with reading(path, "results file"):
        return Results.load(str(path), machine_name=path.parent.name)


def _rows(results: Results, known: dict[str, dict[str, Any]]) -> Iterator[dict[str, Sequence[Any]]]:
    """Yield the columns of every benchmark in one file."""
    fixed = {
        "machine": results.params["machine"],
        "python": str(results.params.get("python", "")),
        "device": results.params.get("device", ""),
        "threads": results.params.get("threads", ""),
        "tier": results.params.get("tier", ""),
        "commit": results.commit_hash,
        "date": results.date,
    }
    for key in results.get_all_result_keys():
        axes = results.get_result_params(key)
        points = [tuple(map(_unspell, point)) for point in itertools.product(*axes)]
        about = known.get(key, {})
        names = about.get("param_names", PARAMETERS)
        stats = [one or {} for one in results.get_result_stats(key, axes)]
        count = len(points)
        yield {
            **{name: [value] * count for name, value in fixed.items()},
            **_parameters(names, points),
            "benchmark": [key] * count,
            "version": [str(results.benchmark_version.get(key) or "")] * count,
            "kind": [_kind(about)] * count,
            "unit": [about.get("unit", "")] * count,
            "value": results.get_result_value(key, axes),
            "low": [one.get("ci_99_a") for one in stats],
            "high": [one.get("ci_99_b") for one in stats],
            "samples": results.get_result_samples(key, axes),
        }


def _parameters(
    names: Sequence[str], points: Sequence[tuple[str, ...]]
) -> dict[str, Sequence[str]]:
    """Return the problem and implementation columns; other parameters stand for the problem."""
    if tuple(names) == PARAMETERS and points and len(points[0]) == len(PARAMETERS):
        problems, implementations = zip(*points, strict=True)
        return {"problem": problems, "implementation": implementations}
    return {
        "problem": [", ".join(point) for point in points],
        "implementation": [""] * len(points),
    }


def _kind(about: dict[str, Any]) -> str:
    kind = about.get("kind")
    return str(kind) if kind in set(Kind) else _KINDS.get(about.get("type", ""), Kind.LINEAR)


@cache
def _unspell(text: str) -> str:
    """Return the parameter that asv spelled with ``repr``."""
    try:
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        return text
