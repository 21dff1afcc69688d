"""From pytest-benchmark's results to asv's: ``tiltyard history add --pytest-benchmark FILE``."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tiltyard.errors import TiltyardError
from tiltyard.history.benchmarks import KERNELS, Kind
from tiltyard.history.project import Project, machine
from tiltyard.history.records import conditions_of
from tiltyard.history.results import Added, Entry, Sheet, python_version, write
from tiltyard.run.environment import environment

VERSION = "1"
"""A test that measures something else gets another name; asv then starts a new graph."""

ROUNDS = 60
"""Samples that are kept of a case: a fast one has a hundred thousand rounds."""


def add_kernels(
    project: Project, path: Path, *, name: str | None = None, dirty: bool = False
) -> Added:
    """Write the timings in a file of ``pytest --benchmark-json`` into asv's results.

    Each test becomes a benchmark ``kernels.track_<file>_<test>``, with the case in brackets as its
    parameter. Its samples are the times of at most ``ROUNDS`` rounds, evenly spaced, where the file
    has them (``--benchmark-json`` writes all), else asv gets the median alone.

    Args:
        project: whose commit the file names.
        path: the file.
        name: of this machine.
        dirty: take timings that were made with uncommitted changes, too.

    Raises:
        TiltyardError: no such file, no results of pytest-benchmark, made outside git, with another
            Python, on another processor, or with uncommitted changes.
    """
    content = _load(path)
    about = content["commit_info"]
    commit = about.get("id")
    if not commit or commit == "unversioned":
        raise TiltyardError(f"{path} names no commit: its benchmarks ran outside a git repository")
    full = project.repository.resolve(commit)
    if about.get("dirty") and not dirty:
        raise TiltyardError(
            f"{path} was measured with uncommitted changes on top of commit {full[:10]}; measure "
            "again when they are committed, or say --dirty"
        )
    fields = machine(project, name)
    _require_here(path, content["machine_info"])
    cases = _cases(path, content["benchmarks"])
    sheet = Sheet(dict(conditions_of(device="cpu", threads=1, tier=KERNELS)), _entries(cases))
    files = write(project, full, fields, [sheet])
    count = sum(map(len, cases.values()))
    return Added(full, fields["machine"], count, "timings of pytest-benchmark", files, [])


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TiltyardError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise TiltyardError(f"{path} is damaged: {error}") from None
    parts = {"machine_info": dict, "commit_info": dict, "benchmarks": list}
    if not isinstance(content, dict) or any(
        not isinstance(content.get(key), kind) for key, kind in parts.items()
    ):
        raise TiltyardError(f"{path} is no file of 'pytest --benchmark-json'")
    return content


def _require_here(path: Path, made_on: Mapping[str, Any]) -> None:
    """Refuse timings of another processor or Python: they would be written as this one's."""
    cpu, here = (made_on.get("cpu") or {}).get("brand_raw"), environment()["cpu"]
    if cpu and cpu != here:
        raise TiltyardError(f"{path} was measured on another processor: {cpu}, here {here}")
    python = ".".join(str(made_on.get("python_version", "")).split(".")[:2])
    if python != python_version():
        raise TiltyardError(
            f"{path} was measured with Python {python}; add it with that one, not "
            f"{python_version()}"
        )


def _cases(path: Path, benchmarks: Sequence[Any]) -> dict[str, dict[str, list[float]]]:
    """Return the samples of every case of every benchmark, seconds."""
    found: dict[str, dict[str, list[float]]] = defaultdict(dict)
    for one in benchmarks:
        try:
            file, _, test = one["fullname"].rpartition("::")
            function, _, case = test.partition("[")
            samples = one["stats"].get("data") or [one["stats"]["median"]]
            seconds = [float(value) for value in samples[:: -(-len(samples) // ROUNDS)]]
        except (KeyError, TypeError, ValueError, AttributeError):
            raise TiltyardError(f"{path}: a benchmark lacks its name or its timings") from None
        if not all(map(math.isfinite, seconds)):
            raise TiltyardError(f"{path}: {test} has timings that are not finite")
        stem = Path(file).stem
        found[f"{KERNELS}.track_{_identifier(stem)}_{_identifier(function)}"][
            case.removesuffix("]")
        ] = seconds
    if not found:
        raise TiltyardError(f"{path} holds no benchmarks")
    return found


def _identifier(text: str) -> str:
    return "".join(one if one.isalnum() and one.isascii() else "_" for one in text)


def _entries(cases: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Entry]:
    return [
        Entry(
            name=name,
            title=name,
            unit="seconds",
            kind=Kind.TIME,
            version=VERSION,
            parameters=("case",),
            samples={(case,): seconds for case, seconds in of_case.items()},
        )
        for name, of_case in sorted(cases.items())
    ]
