"""Makes runs for commands: progress on the screen, records in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer

from tiltyard.cli.progress import Watcher
from tiltyard.cli.screen import console, counts
from tiltyard.errors import TiltyardError
from tiltyard.registry import Registry
from tiltyard.run.environment import environment
from tiltyard.run.plan import verify_data
from tiltyard.run.record import Record
from tiltyard.run.session import Summary, default_limits, execute
from tiltyard.run.spec import RunSpec
from tiltyard.store import Store


def make_runs(
    found: Registry,
    store: Path,
    specs: Sequence[RunSpec],
    *,
    jobs: int,
    quiet: bool = False,
    wall: float | None = None,
    memory: float | None = None,
    again: bool = False,
) -> Summary:
    """Make runs, show their progress, and say what was done."""
    _warn_about_cores(jobs * max((spec.threads for spec in specs), default=1))
    refused = _without_data(found, specs)
    specs = [spec for spec in specs if spec.problem not in refused.get(spec.suite, {})]
    limits = default_limits(specs, jobs=jobs, wall=wall, memory=memory)
    with Store(store) as opened, Watcher(found, quiet=quiet) as watch:
        try:
            summary = execute(
                opened,
                specs,
                registry=found,
                limits=limits,
                jobs=jobs,
                again=again,
                watch=watch,
            )
        except KeyboardInterrupt:
            console.print(f"\nstopped; every finished run is in {store}. The same command goes on.")
            raise
    for reasons in refused.values():
        summary.refused.update(reasons)
    if not quiet:
        made = counts({str(status): n for status, n in sorted(summary.statuses.items())})
        kept = f"; {summary.kept} were in {store} already" if summary.kept else ""
        console.print(f"{summary.statuses.total()} runs made: {made or 'none'}{kept}")
    return summary


def _without_data(found: Registry, specs: Sequence[RunSpec]) -> dict[str, dict[str, str]]:
    """Return the problems of each suite whose data cannot be had, with the reasons, and say so.

    Raises:
        TiltyardError: data is at fault, or no problem has its data.
    """
    refused = {}
    problems = dict.fromkeys((spec.suite, spec.problem) for spec in specs)
    for suite in dict.fromkeys(suite for suite, _ in problems):
        refused[suite] = verify_data(found, suite, [name for one, name in problems if one == suite])
    reasons = [reason for found_out in refused.values() for reason in found_out.values()]
    if reasons and len(reasons) == len(problems):
        raise TiltyardError(reasons[0])
    for reason, times in Counter(reasons).items():
        typer.echo(f"warning: {times} of {len(problems)} problems are left out: {reason}", err=True)
    return refused


def records_of(store: Path, specs: Sequence[RunSpec]) -> list[Record]:
    """Return the records of runs, in the order of the specs; refused ones are left out."""
    with Store(store, readonly=True) as opened:
        found = {record.spec.id: record for record in opened.records(specs[0].suite)}
    return [found[spec.id] for spec in specs if spec.id in found]


def _warn_about_cores(wanted: int) -> None:
    cores = environment()["cores"]
    if wanted > cores:
        typer.echo(
            f"warning: {wanted} threads on {cores} cores; these times are not comparable", err=True
        )
