"""Makes a record's run again and compares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tiltyard.errors import TiltyardError
from tiltyard.registry import Registry, source_hash
from tiltyard.run.environment import environment
from tiltyard.run.pool import Finished, Pool, Refused
from tiltyard.run.record import Record
from tiltyard.run.session import default_limits

EXPLAINED = ("cpu", "cores", "gpus", "python", "packages", "blas")
"""Parts of the environment that may explain a difference."""


@dataclass(frozen=True, slots=True)
class Replay:
    """Whether a replay came out the same, and what to tell the user."""

    same: bool
    lines: list[str]


def replay_record(registry: Registry, record: Record, recorded_in: Mapping[str, Any]) -> Replay:
    """Run a record again, here and now.

    The same means: the same status, and at every iteration that both runs were judged at, the same
    metrics to the last bit. A budget in seconds may end the two runs at different iterations.

    Raises:
        TiltyardError: the suite, problem or implementation is gone, or the data has changed.
    """
    spec = record.spec
    method = registry.implementation(spec.suite, spec.implementation)
    lines = [f"{spec.id[:12]}  {spec}"]
    if registry.data_of(spec.suite, spec.problem) != spec.data:
        raise TiltyardError(f"the data of {spec.problem} has changed since the record was made")
    if registry.suite(spec.suite).version != spec.suite_version:
        lines.append(f"note: the record is of version {spec.suite_version} of suite {spec.suite}")
    if source_hash(Path(method.file)) != spec.source:
        lines.append(f"note: the source of {spec.implementation} has changed since the record")
    here = environment()
    changed = [key for key in EXPLAINED if here[key] != recorded_in[key]]
    if changed:
        lines.append(f"note: made in another environment; different: {', '.join(changed)}")
    again = _run(record)
    same = _compare(registry.suite(spec.suite).gap, record, again, lines)
    return Replay(same, lines)


def _run(record: Record) -> Record:
    specs = [record.spec]
    with Pool(threads=record.spec.threads, limits=default_limits(specs, jobs=1)) as pool:
        for event in pool.run(specs):
            match event:
                case Finished(again):
                    return again
                case Refused(_, reason):
                    raise TiltyardError(reason)
    raise TiltyardError("the replay gave no record")


def _compare(gap: str, old: Record, new: Record, lines: list[str]) -> bool:
    for name, record in (("record", old), ("replay", new)):
        final = record.metrics.get(gap)
        judged = "no answer judged" if final is None else f"{gap} {final:.6g}"
        lines.append(
            f"{name}: {record.status}, {judged}, {record.iterations} iterations, "
            f"{record.seconds:.3g} s"
        )
    before, after = _by_iteration(old), _by_iteration(new)
    common = sorted(before.keys() & after.keys())
    different = [iteration for iteration in common if before[iteration] != after[iteration]]
    if different:
        lines.append(f"different: the answers differ from iteration {different[0]} on")
    elif old.status != new.status:
        lines.append(f"different: {old.status} became {new.status}")
    else:
        lines.append(f"same: {len(common)} judged answers agree to the last bit")
    return not different and old.status == new.status


def _by_iteration(record: Record) -> dict[int, dict[str, float | None]]:
    """Return each checkpoint's metrics; what is not finite is None, as in a stored record."""
    return {
        point.iteration: {
            name: value if math.isfinite(value) else None for name, value in point.metrics.items()
        }
        for point in record.checkpoints
    }
