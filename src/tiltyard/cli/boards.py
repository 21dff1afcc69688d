"""Commands that show results: leaderboard, report, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.cli import options as opt

if TYPE_CHECKING:  # imported when a command runs
    from tiltyard.board import Board
    from tiltyard.tuned import Tuned


FINE = ("solved", "stopped", "unsupported")
"""Statuses that need no column: the other columns tell them."""


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(leaderboard)
    app.command()(report)
    app.command()(export)


def leaderboard(
    suite: opt.SuiteName,
    tier: opt.AnyTier = None,
    track: opt.Track = None,
    kind: opt.Kind = None,
    as_json: opt.Json = False,
    markdown: Annotated[
        bool,
        typer.Option("--markdown", help="Print the top for a README [the most demanding tier]."),
    ] = False,
    tuned: Annotated[
        bool,
        typer.Option("--tuned", help="With the configurations of 'tiltyard run --tune'."),
    ] = False,
    store: opt.StorePath = opt.STORE,
) -> None:
    """Rank the implementations of a suite, with intervals; each of its tracks and kinds apart."""
    from tiltyard.cli.screen import console, print_json
    from tiltyard.errors import TiltyardError

    if markdown and tuned:
        raise TiltyardError("--markdown and --tuned do not go together; 'tiltyard report' has both")
    if markdown:
        _print_readme(suite, tier, store, track=track, kind=kind, as_json=as_json)
        return
    found = boards_of(suite, tier, store, track=track, kind=kind)
    if tuned:
        _print_tuned([boards[0] for boards in found], as_json=as_json)
        return
    if as_json:
        print_json([row for boards in found for row in _rows_json(boards[0])])
        return
    for first, *others in found:
        _print_board(first)
        if first.drawn:
            line = (
                f"not in this table: {len(first.drawn)} runs of drawn configurations; see --tuned"
            )
            console.print(line, soft_wrap=True)
        for other in others:
            line = f"not in this table: {len(other.records)} runs, {other.describe()}"
            console.print(line, soft_wrap=True)


def report(
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("reports/latest"),
    papers: Annotated[
        bool, typer.Option("--papers", help="Also figures as PDF and SVG, with their data as CSV.")
    ] = False,
    store: opt.StorePath = opt.STORE,
) -> None:
    """Write the HTML site with asv's history, and boards as Markdown, LaTeX, JSON and badges."""
    from tiltyard.errors import TiltyardError
    from tiltyard.registry import registry
    from tiltyard.report.past import read_series
    from tiltyard.report.site import write_site
    from tiltyard.store import Store

    with Store(store, readonly=True) as opened:
        try:
            history = read_series(Path.cwd())
        except TiltyardError as error:
            history = []
            typer.echo(f"without a history: {error}")
        index = write_site(registry(), opened, out, history, papers=papers)
    typer.echo(f"report: {index.resolve()}")


def export(
    out: Annotated[Path, typer.Argument(help="A file: .csv, .jsonl or .parquet.")],
    suite: Annotated[str | None, typer.Option(help="Only this suite.")] = None,
    checkpoints: Annotated[
        bool, typer.Option("--checkpoints", help="A row for each checkpoint, not each record.")
    ] = False,
    store: opt.StorePath = opt.STORE,
) -> None:
    """Write the records as CSV, JSON Lines or Parquet."""
    from tiltyard.export import export_records
    from tiltyard.store import Store

    with Store(store, readonly=True) as opened:
        count = export_records(opened, out, suite=suite, checkpoints=checkpoints)
    typer.echo(f"{count} rows in {out}")


def boards_of(
    suite: str,
    tier: str | None,
    store: Path,
    *,
    track: str | None = None,
    kind: str | None = None,
) -> list[list[Board]]:
    """Return a store's boards of a suite by kind and track, as ``by_part`` does."""
    from tiltyard.grouping import boards_of_store, by_part
    from tiltyard.registry import registry
    from tiltyard.store import Store

    found = registry()
    with Store(store, readonly=True) as opened:
        one = found.suite(suite)
        return by_part(boards_of_store(found, one, tier, opened, track=track, kind=kind))


def part_json(board: Board) -> dict[str, str]:
    """Return a board's track and kind, where its suite has some."""
    track = {"track": board.track} if board.suite.tracks else {}
    return {**track, "kind": board.kind} if board.suite.kinds else track


def _rows_json(board: Board) -> list[dict[str, Any]]:
    return [{**part_json(board), **row.to_json()} for row in board.rows]


def _print_board(board: Board) -> None:
    """Print a leaderboard as a table, with what its columns mean."""
    from tiltyard.cli.screen import console, counts, number, print_table, seconds
    from tiltyard.report.accuracy import SCORE, measures

    extra = measures(board)
    targets = board.suite.targets
    shown = sorted({targets[0], targets[len(targets) // 2], targets[-1]}, reverse=True)
    shown = [] if extra else shown
    rows = [
        (
            f"{row.rank} [{row.rank_low}-{row.rank_high}]" if row.rank else "-",
            row.implementation,
            number(row.score),
            f"{row.problems}/{len(board.problems)}",
            *(one.text(one.value(row)) for one in extra),
            *(f"{row.reached[t]:.0%}" if row.problems else "-" for t in shown),
            *(seconds(row.seconds[t]) for t in shown),
            number(row.gap),
            counts({name: n for name, n in row.statuses.items() if name not in FINE}),
        )
        for row in board.rows
    ]
    columns = ["rank [95 %]", "implementation", ">score", ">takes"]
    columns += [f">{one.head}" for one in extra]
    reached = [f">≤{target:g}" for target in shown]
    times = [f">to {target:g}" for target in shown]
    console.print(f"{board.suite.title}: {board.describe()}", style="bold", soft_wrap=True)
    print_table("", (*columns, *reached, *times, ">gap", "failed"), rows)
    legend = (
        f"score: {SCORE}; takes: problems; gap: median final one."
        if extra
        else "score: area under the performance profile, mean over targets; takes: problems; "
        "≤: share of runs that kept the gap; to: median time until they did; gap: median final one."
    )
    console.print(legend, style="dim", soft_wrap=True)


def _print_tuned(boards: Sequence[Board], *, as_json: bool) -> None:
    """Print the tuned leaderboard beside each board, or tell why there is none."""
    from tiltyard.cli.screen import console, print_json
    from tiltyard.errors import TiltyardError
    from tiltyard.registry import registry
    from tiltyard.tuned import SUMMARY, Untuned, tuned

    values: list[dict[str, Any]] = []
    for board in boards:
        found = tuned(registry(), board)
        if found is None:
            raise TiltyardError(
                f"no runs of drawn configurations: {board.describe()}; "
                f"'tiltyard run {board.suite.name} --tune 8' makes some"
            )
        if isinstance(found, Untuned):
            raise TiltyardError(found.reason)
        if as_json:
            values += _tuned_json(found)
            continue
        _print_board(found.board)
        for line in (SUMMARY, *found.notes):
            console.print(line, soft_wrap=True)
    if as_json:
        print_json(values)


def _tuned_json(found: Tuned) -> list[dict[str, Any]]:
    from collections import Counter

    values = []
    for row in _rows_json(found.board):
        picked = found.choices.get(row["implementation"], {})
        many = found.board.tuned if picked else 0
        configurations = dict(Counter(picked.values()).most_common())
        values.append({**row, "tuned": many, "configurations": configurations})
    return values


def _print_readme(
    name: str,
    tier: str | None,
    store: Path,
    *,
    track: str | None,
    kind: str | None,
    as_json: bool,
) -> None:
    """Print the top of a tier's boards; without a tier, of the most demanding one with runs.

    Without a kind, those of the suite's main one are printed alone.
    """
    from tiltyard.errors import TiltyardError
    from tiltyard.grouping import boards, boards_of_store, by_part, main_kind
    from tiltyard.registry import registry
    from tiltyard.report.markdown import readme_markdown
    from tiltyard.run.plan import TIERS
    from tiltyard.store import Store

    if as_json:
        raise TiltyardError("--json and --markdown are two forms of one board: choose one")
    found = registry()
    suite = found.suite(name)
    with Store(store, readonly=True) as opened:
        environments = opened.environments()
        if tier is None:
            records = list(opened.records(name, timed=True))
            known = (one for one in reversed(TIERS) if one in suite.tiers)
            made = (one for one in known if boards(found, suite, one, records, environments))
            tier = next(made, None)
        stored = boards_of_store(found, suite, tier, opened, track=track, kind=kind)
    shown = [part[0] for part in main_kind(by_part(stored))]
    typer.echo("\n".join(readme_markdown(board, environments) for board in shown), nl=False)
