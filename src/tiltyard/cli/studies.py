"""Commands that study: sweep, claims."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.cli import options as opt

if TYPE_CHECKING:  # imported when a command runs
    from tiltyard.claim import Claim, Finding


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(sweep)
    app.command()(claims)


def sweep(
    suite: opt.SuiteName,
    implementation: Annotated[str, typer.Argument(help="The implementation.")],
    parameter: Annotated[str, typer.Option(help="The parameter to vary.")],
    values: Annotated[
        str, typer.Option(help="Comma-separated values, or low:high:count on a logarithmic axis.")
    ],
    tier: opt.Tier = "smoke",
    problem: opt.Problems = None,
    seeds: opt.Seeds = None,
    seconds: opt.Seconds = None,
    iterations: opt.Iterations = None,
    cost: opt.Cost = None,
    jobs: opt.Jobs = 1,
    as_json: opt.Json = False,
    store: opt.StorePath = opt.STORE,
) -> int:
    """Run one implementation over a grid of one parameter, to see how sensitive it is to it.

    A run that fails is a finding here: the exit code is 1 only if a problem cannot be set up.
    """
    from tiltyard.cli.execution import make_runs, records_of
    from tiltyard.cli.screen import counts, number, print_json, print_table
    from tiltyard.registry import registry
    from tiltyard.run.plan import Selection
    from tiltyard.sweep import grid, sweep_specs, table

    found = registry()
    one = found.suite(suite)
    selection = Selection(
        tier=tier,
        problems=problem or (),
        seeds=seeds,
        seconds=seconds,
        iterations=iterations,
        cost=cost,
    )
    points = grid(values)
    specs = sweep_specs(found, one, implementation, parameter, points, selection)
    summary = make_runs(found, store, specs, jobs=jobs, quiet=as_json)
    rows, widths = table(found, one, parameter, points, records_of(store, specs))
    if as_json:
        print_json({"rows": [row.to_json() for row in rows], "decades": widths})
        return int(bool(summary.refused))
    columns = (parameter, ">median gap", ">worst gap", *(f"≤{t:g}" for t in one.targets), "status")
    print_table(
        f"{implementation}: {parameter}",
        columns,
        [
            (
                row.value,
                number(row.median),
                number(row.worst),
                *(f"{share:.0%}" for share in row.reached),
                counts(row.statuses),
            )
            for row in rows
        ],
    )
    for target, width in widths.items():
        typer.echo(f"median final gap at most {target}: {width:.2f} decades wide")
    return int(bool(summary.refused))


def claims(
    suite: opt.SuiteName,
    jobs: opt.Jobs = 1,
    as_json: opt.Json = False,
    store: opt.StorePath = opt.STORE,
) -> int:
    """Measure what papers claim, as the suite's claims define it.

    A run that fails is a finding here: the exit code is 1 only if a problem cannot be set up.
    """
    from tiltyard.cli.execution import make_runs, records_of
    from tiltyard.cli.screen import print_json
    from tiltyard.registry import registry
    from tiltyard.run.plan import plan_requests

    found = registry()
    one = found.suite(suite)
    measured = []
    refused = False
    for claim in found.claims_of(suite):
        specs = plan_requests(found, one, claim.plan())
        if make_runs(found, store, specs, jobs=jobs, quiet=as_json).refused:
            typer.echo(f"claim {claim.name} is not measured: a problem is missing", err=True)
            refused = True
        else:
            measured.append((claim, claim.measure(records_of(store, specs))))
    if as_json:
        print_json([{"claim": claim.name, **dataclasses.asdict(f)} for claim, f in measured])
    else:
        for claim, finding in measured:
            _print_claim(claim, finding)
        if not found.claims_of(suite):
            typer.echo(f"suite {suite} has no claims")
    return int(refused)


def _print_claim(claim: Claim, finding: Finding) -> None:
    from tiltyard.cli.screen import console, number, print_table

    interval = f"[{number(finding.low)}, {number(finding.high)}]"
    for line in (f"\n{claim.statement} ({claim.source})", claim.summary):
        console.print(line, markup=False, soft_wrap=True)
    verdict = f"{finding.verdict}: {number(finding.effect)} {interval} {finding.unit}"
    console.print(verdict, style="bold", markup=False)
    if finding.rows:
        columns = list(finding.rows[0])
        cells = ([row[column] for column in columns] for row in finding.rows)
        texts = ([number(c) if isinstance(c, float) else str(c) for c in row] for row in cells)
        print_table(claim.name, columns, texts)
    if finding.note:
        console.print(finding.note, markup=False, soft_wrap=True)
