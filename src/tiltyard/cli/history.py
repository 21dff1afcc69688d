"""Commands on the history: ``tiltyard history add|show|plot|check|bisect``."""

from __future__ import annotations

import itertools
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.cli import options as opt
from tiltyard.cli.bisect import bisect

if TYPE_CHECKING:  # imported when a command runs
    import pandas as pd

Benchmarks = Annotated[
    list[str] | None,
    typer.Option("--benchmark", "-b", help="Benchmarks of asv: a glob or a name. Repeatable."),
]
Implementations = Annotated[
    list[str] | None,
    typer.Option("--implementation", "-i", help="Implementations: a glob or a name. Repeatable."),
]
Machine = Annotated[str | None, typer.Option(help="Only this machine of asv's results.")]
Commit = Annotated[str, typer.Option(help="The commit whose history is meant.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    commands = typer.Typer(help="Timing and accuracy, commit by commit, in asv's results.")
    for command in (add, show, plot, check, bisect):
        commands.command()(command)
    app.add_typer(commands, name="history")


def add(
    commit: Annotated[str, typer.Option(help="Whose records.")] = "HEAD",
    pytest_benchmark: Annotated[
        Path | None, typer.Option(help="A file of 'pytest --benchmark-json', instead of records.")
    ] = None,
    machine: Annotated[
        str | None, typer.Option(help="A name for this machine [default: of its hardware].")
    ] = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Take numbers made with uncommitted changes, too.")
    ] = False,
    store: opt.StorePath = opt.STORE,
) -> None:
    """Write the records of a commit into asv's results, beside what is there."""
    from tiltyard.history.kernels import add_kernels
    from tiltyard.history.project import open_project
    from tiltyard.history.records import add_records
    from tiltyard.registry import registry
    from tiltyard.store import Store

    project = open_project(Path.cwd())
    if pytest_benchmark is not None:
        added = add_kernels(project, pytest_benchmark, name=machine, dirty=dirty)
    else:
        with Store(store, readonly=True) as opened:
            added = add_records(
                project, registry(), opened, commit=commit, name=machine, dirty=dirty
            )
    subject = project.repository.subject(added.commit)
    typer.echo(
        f"wrote {added.count} {added.what} of commit {added.commit[:10]} ({subject}), machine "
        f"{added.machine}, into {project.results}"
    )
    for path in added.files:
        typer.echo(f"  {path.relative_to(project.results)}")
    for line in added.left_out:
        typer.echo(f"left out: {line}")


def show(
    benchmark: Benchmarks = None,
    problem: opt.Problems = None,
    implementation: Implementations = None,
    machine: Machine = None,
    commit: Commit = "HEAD",
    last: Annotated[int, typer.Option(min=1, help="How many commits, the newest ones.")] = 6,
    as_json: opt.Json = False,
) -> None:
    """Show the series of the history: a line each, a column for every commit that has results.

    Exit code 2 if there is nothing to show.
    """
    from tiltyard.cli.screen import number, print_json, print_table
    from tiltyard.history.frame import SERIES
    from tiltyard.history.view import describe_conditions

    frame, commits = _history(benchmark, problem, implementation, machine, commit)
    commits = commits[-last:]
    frame = frame[frame["commit"].isin(commits)]
    if as_json:
        print_json(_plain(frame))
        return
    rows = []
    for key, series in frame.groupby(list(SERIES), sort=False):
        name = dict(zip(SERIES, map(str, key), strict=True))
        values = dict(zip(series["commit"], series["value"], strict=True))
        cells = (number(values.get(one)) for one in commits)
        named = (name["benchmark"], name["problem"], name["implementation"])
        rows.append((describe_conditions(name), *named, *cells))
    columns = ("benchmark", "problem", "implementation", *(f">{one[:8]}" for one in commits))
    for conditions, group in itertools.groupby(sorted(rows, key=itemgetter(0)), itemgetter(0)):
        print_table(conditions, columns, [row[1:] for row in group])


def plot(
    out: Annotated[Path, typer.Argument(help="A file: .svg, .pdf or .png.")],
    benchmark: Benchmarks = None,
    problem: opt.Problems = None,
    implementation: Implementations = None,
    machine: Machine = None,
    commit: Commit = "HEAD",
) -> None:
    """Draw series over the commits, with samples and asv's intervals."""
    from tiltyard.history.plot import plot as draw

    frame, commits = _history(benchmark, problem, implementation, machine, commit)
    count = draw(frame, commits, out)
    typer.echo(f"{count} series over {len(commits)} commits: {out}")


def check(
    benchmark: Benchmarks = None,
    problem: opt.Problems = None,
    implementation: Implementations = None,
    machine: Machine = None,
    commit: Annotated[str, typer.Option(help="The commit to check.")] = "HEAD",
    since: Annotated[
        str | None, typer.Option(help="Accept what happened up to this commit, itself included.")
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(help="time, share, log10, linear, memory, energy [default: the first four]."),
    ] = None,
    as_json: opt.Json = False,
) -> int:
    """Compare a commit with its history; exit code 1 if time or accuracy became worse.

    Timings and other noisy values need six samples a side; what repeats exactly is compared
    exactly.
    """
    from tiltyard.cli.screen import print_json
    from tiltyard.git import Repository
    from tiltyard.history.check import check as compare
    from tiltyard.history.gate import KINDS

    frame, commits = _history(benchmark, problem, implementation, machine, commit)
    repository = Repository(Path.cwd())
    outcome = compare(frame, commits, repository, commit=commit, since=since, kinds=kind or KINDS)
    if as_json:
        print_json(outcome.to_json())
    else:
        for line in outcome.lines():
            typer.echo(line)
    return int(bool(outcome.regressions))


def _history(
    benchmark: list[str] | None,
    problem: list[str] | None,
    implementation: list[str] | None,
    machine: str | None,
    commit: str,
) -> tuple[pd.DataFrame, list[str]]:
    """Return the chosen series, ordered, and the commits that have results, oldest first."""
    from tiltyard.history.frame import read_history
    from tiltyard.history.project import open_project
    from tiltyard.history.view import by_commit, choose, measured

    project = open_project(Path.cwd())
    frame = read_history(project)
    commits = measured(frame, project.repository, commit)
    chosen = choose(
        frame,
        benchmarks=benchmark or (),
        problems=problem or (),
        implementations=implementation or (),
        machine=machine,
    )
    return by_commit(chosen, commits), commits


def _plain(frame: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows as plain JSON values; what is missing is null."""
    columns = [name for name in frame.columns if name != "position"]
    text = frame[columns].assign(date=frame["date"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    plain = text.astype(object).where(text.notna(), None)
    return [dict(zip(columns, row, strict=True)) for row in plain.to_numpy().tolist()]
