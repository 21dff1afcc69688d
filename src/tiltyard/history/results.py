"""Writes asv's results files, through asv's own classes: merging, atomic, one writer at a time."""

from __future__ import annotations

import itertools
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiltyard.history.project import Project, asv_errors, exclusive, reading, staged

if TYPE_CHECKING:
    from asv.results import Results

TOOL = "tiltyard"
"""The name of the environment type in asv's configuration; it begins every results file's name."""

PARAMETERS = ("problem", "implementation")

_TIMEOUT_SECONDS = 86_400.0
"""asv's limit on one benchmark; every run has limits of its own."""

Point = tuple[str, ...]
"""One value for each of a benchmark's parameters, such as (problem, implementation)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one benchmark gave under one set of conditions.

    Attributes:
        name: asv's name of the benchmark.
        title: for readers.
        unit: of the values.
        kind: how values are compared, see ``benchmarks.Kind``.
        version: of the benchmark; asv shows one version only.
        parameters: their names.
        samples: for every point one value a seed, all finite; None where some run had no value.
    """

    name: str
    title: str
    unit: str
    kind: str
    version: str
    parameters: tuple[str, ...] = PARAMETERS
    samples: Mapping[Point, Sequence[float] | None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one results file takes: the conditions, such as device and tier, and the entries."""

    conditions: Mapping[str, str]
    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Added:
    """What was written.

    Attributes:
        commit: its full hash.
        machine: its name in asv's results.
        count: of what.
        what: such as ``records``.
        files: that took it.
        left_out: what was not taken, and why.
    """

    commit: str
    machine: str
    count: int
    what: str
    files: list[Path]
    left_out: list[str]


def python_version() -> str:
    """Return the interpreter's version as asv is told it: no path, no patch release."""
    return ".".join(platform.python_version_tuple()[:2])


def write(
    project: Project, commit: str, machine: Mapping[str, str], sheets: Iterable[Sheet]
) -> list[Path]:
    """Merge sheets into asv's results of a commit and return the files.

    What the files hold already stays, but for the points that are written again. Other writers
    wait; a kill leaves every file old or new, never half.

    Args:
        project: its results folder takes the files.
        commit: full hash.
        machine: its fields, from ``project.machine``.
        sheets: at most one for each set of conditions.

    Raises:
        TiltyardError: a file is damaged, of a newer asv, or cannot be written.
    """
    from asv import util
    from asv.benchmarks import Benchmarks
    from asv.machine import Machine

    date = project.repository.date(commit)
    paths = []
    with exclusive(project.results), staged(project.results) as new, asv_errors():
        known = known_benchmarks(project.results)
        for sheet in sheets:
            results = _results(machine, commit, date, sheet.conditions)
            with reading(project.results / results._filename, "results file"):  # noqa: SLF001
                results.load_data(str(project.results))
            for entry in sheet.entries:
                known[entry.name] = _describe(entry, known.get(entry.name))
                _add(results, entry)
            results.save(str(new))
            paths.append(project.results / results._filename)  # noqa: SLF001 - asv has no getter
        util.write_json(str(new / "benchmarks.json"), known, Benchmarks.api_version)
        path = Path(machine["machine"]) / "machine.json"
        if not (project.results / path).exists():
            util.write_json(str(new / path), dict(machine), Machine.api_version)
    return paths


def known_benchmarks(results: Path) -> dict[str, dict[str, Any]]:
    """Return asv's list of benchmarks, by name."""
    from asv import util
    from asv.benchmarks import Benchmarks

    path = Path(Benchmarks.get_benchmark_file_path(str(results)))
    if not path.exists():
        return {}
    with reading(path, "list of benchmarks"):
        known: dict[str, dict[str, Any]] = util.load_json(str(path), Benchmarks.api_version)
        for about in known.values():
            list(about["params"]), about["version"]
    return known


def _results(
    machine: Mapping[str, str], commit: str, date: int, conditions: Mapping[str, str]
) -> Results:
    from asv.environment import get_env_name
    from asv.results import Results

    python = python_version()
    name = get_env_name(TOOL, python, dict(conditions), {})
    params = {**machine, "python": python, **conditions}
    return Results(params, dict(conditions), commit, date, python, name, {})


def _describe(entry: Entry, known: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a benchmark's entry in asv's list, with the parameters of former results kept."""
    axes = _axes(entry, known["params"] if known and known["version"] == entry.version else None)
    return {
        "name": entry.name,
        "pretty_name": entry.title,
        "type": "track",
        "unit": entry.unit,
        "kind": entry.kind,
        "version": entry.version,
        "params": axes,
        "param_names": list(entry.parameters),
        "timeout": _TIMEOUT_SECONDS,
        "code": "",
    }


def _axes(entry: Entry, former: Sequence[Sequence[str]] | None) -> list[list[str]]:
    """Return the values of every parameter as asv spells them, former ones included."""
    axes: list[set[str]] = [set(values) for values in former or [[] for _ in entry.parameters]]
    for point in entry.samples:
        for axis, value in zip(axes, point, strict=True):
            axis.add(repr(value))
    return [sorted(axis) for axis in axes]


def _add(results: Results, entry: Entry) -> None:
    """Put an entry into a results file; points that it does not name stay as they are."""
    from asv.runner import BenchmarkResult

    old = entry.name in results.get_all_result_keys()
    same = old and results.benchmark_version[entry.name] == entry.version
    axes = _axes(entry, results.get_result_params(entry.name) if same else None)
    points = {tuple(map(repr, point)): samples for point, samples in entry.samples.items()}
    values: list[float | None] = []
    samples: list[list[float] | None] = []
    number: list[int | None] = []
    written = set()
    for index, point in enumerate(itertools.product(*axes)):
        found = points.get(point)
        values.append(statistics.median(found) if found else None)
        samples.append(list(found) if found else None)
        # From ``number`` on asv computes an interval, which is infinite for one sample.
        number.append(1 if found and len(found) > 1 else None)
        if point in points:
            written.add(index)
    results.add_result(
        {"name": entry.name, "version": entry.version, "params": axes},
        BenchmarkResult(values, samples, number, errcode=0, stderr="", profile=None),
        record_samples=True,
        selected_idx=written,
    )
