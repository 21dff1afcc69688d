"""Classes for asv's benchmark folder, made from the registry: one for each thing that is tracked.

The runs themselves are made as ``tiltyard run`` makes them, in isolated workers with limits; asv
is handed the values. Per ``asv run`` and commit, each suite runs once, when its first value is
asked for, and leaves its records, with the reasons of failures, in ``.asv/records``.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiltyard.history.benchmarks import Benchmark, benchmarks_of
from tiltyard.history.results import PARAMETERS
from tiltyard.registry import PLUGINS_VARIABLE, USER_FOLDER, registry
from tiltyard.suite import Suite

TIER = "smoke"

SEEDS = 7
"""Samples of each value. asv's test, two-sided at p < 0.002, cannot tell six from six others."""

_DAY = 86_400.0


def classes(root: Path) -> dict[str, type]:
    """Return classes for asv to discover, by name.

    Args:
        root: the project's folder, which holds ``.asv``.
    """
    _use_plugins(root)
    found = registry()
    made = {}
    for suite in found.suites.values():
        problems = [name for family in found.families_of(suite.name) for name in family.names(TIER)]
        methods = [method.name for method in found.methods_of(suite.name)]
        if problems and methods:
            for benchmark in benchmarks_of(suite):
                one = _tracked(root, suite, benchmark, [problems, methods])
                made[one.__name__] = one
    return made


def _tracked(
    root: Path, suite: Suite, benchmark: Benchmark, params: Sequence[Sequence[str]]
) -> type:
    """Return the class of one benchmark."""

    def setup_cache(self: Any) -> str:  # noqa: ARG001
        return str(_fresh_store(root))

    def track(self: Any, store: str, problem: str, implementation: str) -> Any:  # noqa: ARG001
        values = _samples(suite, Path(store))
        # NaN is asv's word for what does not apply, null for what failed.
        samples = values.get(f"{benchmark.name} {problem} {implementation}", math.nan)
        return {"samples": samples, "number": 1} if isinstance(samples, list) else samples

    track.benchmark_name = benchmark.name  # type: ignore[attr-defined]
    track.pretty_name = benchmark.title  # type: ignore[attr-defined]
    track.pretty_source = f"# {benchmark.title}"  # type: ignore[attr-defined]
    track.kind = str(benchmark.kind)  # type: ignore[attr-defined]
    name = "".join(part.title() for part in benchmark.name.replace(".track", "").split("_"))
    return type(
        name.replace(".", ""),
        (),
        {
            "__doc__": benchmark.title,
            "__module__": __name__,
            "params": [list(values) for values in params],
            "param_names": list(PARAMETERS),
            "unit": benchmark.unit,
            "version": benchmark.version,
            "timeout": _DAY,
            "setup_cache": setup_cache,
            "track": track,
        },
    )


def _use_plugins(root: Path) -> None:
    """Find the project's plug-ins though asv works in a folder of its own."""
    if (root / USER_FOLDER).is_dir():
        os.environ.setdefault(PLUGINS_VARIABLE, str(root / USER_FOLDER))


def _fresh_store(root: Path) -> Path:
    """Return the path of the store of this invocation, with what an earlier one left removed."""
    commit = os.environ.get("ASV_COMMIT", "")
    folder = root / ".asv" / "records"
    folder.mkdir(parents=True, exist_ok=True)
    store = folder / f"{commit[:10] or 'working-tree'}.db"
    for old in folder.glob(f"{store.name}*"):
        old.unlink()
    return store


def _samples(suite: Suite, store: Path) -> dict[str, list[float] | None]:
    """Return the values of a suite, by "benchmark problem implementation"; run it if need be."""
    done = store.with_name(f"{store.name}.{suite.name}.json")
    if not done.exists():
        values = _run(suite, store)
        part = done.with_suffix(".part")
        part.write_text(json.dumps(values, allow_nan=False))
        part.replace(done)
    found: dict[str, list[float] | None] = json.loads(done.read_text())
    return found


def _run(suite: Suite, path: Path) -> dict[str, list[float] | None]:
    from tiltyard.history.records import cells_of, conditions_of, entries_of
    from tiltyard.run.plan import Selection, plan
    from tiltyard.run.session import default_limits, execute
    from tiltyard.store import Store

    found = registry()
    specs = plan(found, suite, Selection(tier=TIER, seeds=SEEDS))
    with Store(path) as store:
        execute(store, specs, registry=found, limits=default_limits(specs, jobs=1))
        cells = cells_of(found, suite, store.records(suite.name))
    tier = conditions_of(device="cpu", threads=1, tier=TIER)
    return {
        f"{entry.name} {problem} {implementation}": list(samples) if samples else None
        for entry in entries_of(suite, cells.get(tier, {}))
        for (problem, implementation), samples in entry.samples.items()
    }
