"""Makes planned runs and commits each record before the next run starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from tiltyard.registry import Registry
from tiltyard.run.environment import environment, environment_id, hardware_id
from tiltyard.run.pool import Event, Finished, Planned, Pool, Refused
from tiltyard.run.record import Status
from tiltyard.run.spec import Limits, RunSpec
from tiltyard.store import Store

MEMORY_SHARE = 0.8
"""Of the machine's memory, what all workers together may hold."""


@dataclass(slots=True)
class Summary:
    """What an invocation did: runs by status, runs that were there already, refused problems."""

    statuses: Counter[Status] = field(default_factory=Counter)
    kept: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether some run was faulty, or could not even be set up."""
        return bool(self.refused) or any(status.fault for status in self.statuses)


def execute(  # noqa: PLR0913 - all but two are options
    store: Store,
    specs: Sequence[RunSpec],
    *,
    registry: Registry,
    limits: Limits,
    jobs: int = 1,
    again: bool = False,
    watch: Callable[[Event], None] = lambda _: None,
) -> Summary:
    """Make the runs that the store lacks.

    Args:
        store: takes every record as soon as its run has ended.
        specs: the runs, all with the same number of threads.
        registry: holds the implementations.
        limits: when a run is ended from outside.
        jobs: runs at the same time.
        again: make the runs that the store has, too, and replace their records.
        watch: told what happens, after the store has it.
    """
    values = environment()
    key, hardware = environment_id(values), hardware_id(values)
    store.add_environment(key, hardware, values)
    done = set() if again else store.finished(hardware)
    todo = [spec for spec in dict.fromkeys(specs) if spec.id not in done]
    summary = Summary(kept=len(set(specs)) - len(todo))
    if not todo:
        return summary
    watch(Planned(len(todo)))
    with Pool(
        jobs=jobs, threads=todo[0].threads, limits=limits, preload=_preload(registry, todo)
    ) as pool:
        for event in pool.run(todo):
            match event:
                case Finished(record):
                    record.environment = key
                    store.add(record, replace=again)
                    summary.statuses[record.status] += 1
                case Refused(spec, reason):
                    summary.refused[spec.problem] = reason
            watch(event)
    return summary


def default_limits(
    specs: Sequence[RunSpec], *, jobs: int, wall: float | None = None, memory: float | None = None
) -> Limits:
    """Return the limits for runs: a minute above three budgets, and a share of the memory.

    Args:
        specs: the runs; the longest budget counts.
        jobs: runs at the same time.
        wall: seconds, instead of the default.
        memory: GiB for each worker, instead of the default.
    """
    longest = max((spec.budget.seconds or 600.0 for spec in specs), default=0.0)
    share = psutil.virtual_memory().total * MEMORY_SHARE / jobs
    return Limits(
        wall_seconds=60.0 + 3.0 * longest if wall is None else wall,
        memory_bytes=int(share if memory is None else memory * 2**30),
    )


def _preload(registry: Registry, specs: Sequence[RunSpec]) -> tuple[str, ...]:
    """Return what the workers need imported: methods that run on CUDA are written in torch."""
    pairs = {(spec.suite, spec.implementation) for spec in specs}
    methods = (registry.implementations[pair] for pair in pairs)
    return ("torch",) if any("cuda" in method.devices for method in methods) else ()
