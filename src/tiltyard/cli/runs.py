"""Commands that make runs and make them again: run, replay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.cli import options as opt

if TYPE_CHECKING:  # imported when a command runs
    from tiltyard.registry import Registry


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(run)
    app.command()(replay)


def run(
    suites: Annotated[list[str] | None, typer.Argument(help="Suites [default: all].")] = None,
    tier: opt.Tier = "smoke",
    track: opt.Track = None,
    kind: opt.Kind = None,
    problem: opt.Problems = None,
    implementation: opt.Implementations = None,
    seeds: opt.Seeds = None,
    seconds: opt.Seconds = None,
    iterations: opt.Iterations = None,
    cost: opt.Cost = None,
    device: opt.Device = "cpu",
    threads: opt.Threads = 1,
    tune: Annotated[
        int | None,
        typer.Option(
            metavar="K", help="Besides the defaults, K random configurations of each tuning space."
        ),
    ] = None,
    jobs: opt.Jobs = 1,
    wall: opt.Wall = None,
    memory: opt.Memory = None,
    again: opt.Again = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the runs only.")] = False,
    store: opt.StorePath = opt.STORE,
) -> int:
    """Run implementations on problems and keep the records; continues where it stopped.

    Exit code 1 if a run crashed, timed out, ran out of memory, or gave an invalid or unsound
    answer. A run that diverged or was stopped is a result, not a failure.
    """
    from tiltyard.cli.execution import make_runs
    from tiltyard.cli.screen import console
    from tiltyard.grouping import label
    from tiltyard.registry import registry
    from tiltyard.run.plan import Selection, plan

    found = registry()
    selection = Selection(
        tier=tier,
        track=track,
        kind=kind,
        problems=problem or (),
        implementations=implementation or (),
        seeds=seeds,
        seconds=seconds,
        iterations=iterations,
        cost=cost,
        device=device,
        threads=threads,
        tune=tune,
    )
    chosen = [found.suite(name) for name in suites or _having(found, track, kind)]
    specs = [spec for suite in chosen for spec in plan(found, suite, selection)]
    if dry_run:
        for spec in specs:
            run = f"{label(found, spec)} on {spec.problem}, seed {spec.seed}"
            console.print(f"{spec.id[:12]}  {spec.suite}  {run}", markup=False, soft_wrap=True)
        budget = sum(spec.budget.seconds or 0.0 for spec in specs)
        console.print(f"{len(specs)} runs, with budgets of {budget:.0f} s together")
        return 0
    summary = make_runs(found, store, specs, jobs=jobs, wall=wall, memory=memory, again=again)
    return int(summary.failed)


def _having(found: Registry, track: str | None, kind: str | None) -> list[str]:
    """Return the names of the suites that have a track and a kind, where these are given."""
    from tiltyard.errors import unknown

    every = sorted(found.suites.items())
    tracked = [(name, one) for name, one in every if track in (None, *one.tracks)]
    if not tracked:
        raise unknown("track", str(track), {name for _, one in every for name in one.tracks})
    having = [name for name, one in tracked if kind in (None, *one.kinds)]
    if not having:
        raise unknown("kind", str(kind), {name for _, one in tracked for name in one.kinds})
    return having


def replay(
    record: Annotated[str, typer.Argument(help="The start of a record's id.")],
    store: opt.StorePath = opt.STORE,
) -> int:
    """Run a record again and say whether it comes out the same; exit code 1 if it does not."""
    from tiltyard.cli.screen import console
    from tiltyard.registry import registry
    from tiltyard.run.replay import replay_record
    from tiltyard.store import Store

    with Store(store, readonly=True) as opened:
        old = opened.find(record)
        environment = opened.environments()[old.environment]
    outcome = replay_record(registry(), old, environment)
    for line in outcome.lines:
        console.print(line, markup=False, soft_wrap=True)
    return 0 if outcome.same else 1
