"""The command that compares two implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tiltyard.cli import options as opt
from tiltyard.cli.boards import boards_of, part_json

if TYPE_CHECKING:  # imported when a command runs
    from tiltyard.board import Board


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(compare)


def compare(
    first: Annotated[str, typer.Argument(metavar="A", help="An implementation.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    suite: Annotated[str | None, typer.Option(help="Needed if several have both.")] = None,
    tier: opt.AnyTier = None,
    track: opt.Track = None,
    as_json: opt.Json = False,
    store: opt.StorePath = opt.STORE,
) -> None:
    """Compare two implementations, problem by problem, on each track whose board has both."""
    from tiltyard.cli.screen import print_json
    from tiltyard.errors import TiltyardError, unknown

    suite = suite or _common_suite(first, second)
    _require_one_kind(suite, first, second)
    found = [part[0] for part in boards_of(suite, tier, store, track=track)]
    both = [one for one in found if {first, second} <= set(one.implementations)]
    if not both:
        known = sorted({name for board in found for name in board.implementations})
        absent = [name for name in (first, second) if name not in known]
        if absent:
            raise unknown("implementation", absent[0], known)
        raise TiltyardError(f"{first} and {second} take no track both")
    if as_json:
        pairs = [{"first": first, "second": second, **part_json(one),
                  **one.compare(first, second).to_json()} for one in both]  # fmt: skip
        print_json(pairs if both[0].suite.tracks else pairs[0])
        return
    for board in both:
        _print_duel(board, first, second)


def _print_duel(board: Board, first: str, second: str) -> None:
    """Print two implementations' times and gaps on each problem of a board."""
    import math

    from tiltyard.cli.screen import number, print_table, seconds

    rows = []
    for problem in board.problems:
        target = board.common_target(problem, first, second)
        times = [board.seconds(name, problem, target) for name in (first, second)]
        gaps = [number(board.gap(name, problem)) for name in (first, second)]
        ratio = times[1] / times[0] if all(map(math.isfinite, times)) else math.nan
        rows.append((problem, f"{target:g}", *map(seconds, times), number(ratio), *gaps))
    columns = ("problem", ">target", f">{first}", f">{second}", ">ratio", ">gap", ">gap")
    print_table(f"{first} against {second}: {board.describe()}", columns, rows)
    typer.echo(board.compare(first, second).sentence(first, second))


def _common_suite(first: str, second: str) -> str:
    """Return the one suite that has both implementations."""
    from tiltyard.errors import TiltyardError, unknown
    from tiltyard.registry import registry

    found = registry()
    having = []
    for written in (first, second):
        name = written.partition("[")[0]
        suites = {suite for suite, method in found.implementations if method == name}
        if not suites:
            raise unknown("implementation", name, (method for _, method in found.implementations))
        having.append(suites)
    both = sorted(having[0] & having[1])
    if len(both) != 1:
        where = f"are in {' and '.join(both)}; say which with --suite" if both else "share no suite"
        raise TiltyardError(f"{first} and {second} {where}")
    return both[0]


def _require_one_kind(suite: str, *written: str) -> None:
    """Refuse to compare implementations of different kinds."""
    from tiltyard.errors import TiltyardError
    from tiltyard.registry import registry

    kinds = {method.name: method.kind for method in registry().methods_of(suite)}
    told = {name: kinds[name] for one in written if (name := one.partition("[")[0]) in kinds}
    if len(set(told.values())) > 1:
        words = " and ".join(f"{name} is of kind {kind}" for name, kind in told.items())
        raise TiltyardError(f"implementations of different kinds do not compare: {words}")
