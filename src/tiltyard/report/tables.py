"""The tables of a board."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from tiltyard.board import MINIMUM_COVERAGE, Board, Row
from tiltyard.grouping import label
from tiltyard.registry import Registry
from tiltyard.report.claims import value_cell
from tiltyard.report.figures import representative
from tiltyard.report.format import level, links, number, precise, seconds, share, slug
from tiltyard.report.svg import span
from tiltyard.report.table import Cell, Column, Table
from tiltyard.run.record import Record, Status
from tiltyard.stats import sustained

ID_DIGITS = 12
"""Of a record's id, as many as pages show."""

_HEAT = (1.0, 2.0, 10.0)
"""Ratios to the best cell of a row up to which a cell is shaded, darkest first."""


def leaderboard(board: Board, homes: Mapping[str, str]) -> Table:
    """Return the leaderboard.

    Args:
        board: whose rows are shown.
        homes: the address of the details of each implementation.
    """
    targets = board.suite.targets
    reached = "share of runs that reached gap"
    sustained_ = "median sustained time to gap"
    columns = [
        Column("rank\xa0[95\xa0%]"),
        Column("implementation"),
        Column("score", numeric=True),
        Column("problems", numeric=True),
        *(Column(level(target), reached, numeric=True) for target in targets),
        *(Column(level(target), sustained_, numeric=True) for target in targets),
        Column("median final gap", numeric=True),
        Column("how runs ended"),
    ]
    rows = [_board_row(board, row, homes.get(row.implementation, "")) for row in board.rows]
    return Table(f"Leaderboard, tier {board.tier}", columns, rows, head=1)


def rank_interval(row: Row) -> str:
    """Return the interval of a row's rank in words."""
    if row.rank is None:
        return "-"
    return str(row.rank) if row.rank_low == row.rank_high else f"{row.rank_low}-{row.rank_high}"


def statuses(row: Row, space: str = " ") -> str:
    """Return how a row's runs ended in words, each count kept to its word by ``space``."""
    return ", ".join(
        f"{n}{space}{status.replace('_', space)}" for status, n in row.statuses.items()
    )


def gap(row: Row) -> str:
    """Return a row's median final gap; ``failed`` where most runs failed."""
    return "failed" if math.isinf(row.gap) else number(row.gap)


def matrix(board: Board, target: float) -> Table:
    """Return sustained seconds to a target, problems by implementations."""
    names = [row.implementation for row in board.rows]
    rows = []
    for problem in board.problems:
        values = [board.seconds(name, problem, target) for name in names]
        best = min((value for value in values if math.isfinite(value)), default=math.nan)
        cells = [
            _matrix_cell(board, name, problem, target, value, best)
            for name, value in zip(names, values, strict=True)
        ]
        rows.append([Cell(problem), *cells])
    columns = [Column("problem"), *(Column(name, numeric=True) for name in names)]
    return Table(f"Median sustained time to gap {level(target)}", columns, rows)


def endings(board: Board, *, failed: bool) -> Table | None:
    """Return the failures, or the unsupported pairs, with reasons and counts; None if none."""
    found: Counter[tuple[str, str, str]] = Counter()
    problems: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in board.rows:
        for problem in board.problems:
            for run in board.runs(row.implementation, problem):
                if run.status.failed if failed else run.status == Status.UNSUPPORTED:
                    key = (row.implementation, str(run.status), run.reason)
                    found[key] += 1
                    problems.setdefault(key, {})[problem] = run.spec.id[:ID_DIGITS]
    if not found:
        return None
    rows = [
        [
            Cell(name),
            Cell(status.replace("_", " ")),
            Cell(reason or "-"),
            Cell(str(runs), value=runs),
            Cell(_some(list(problems[name, status, reason]))),
            Cell(next(iter(problems[name, status, reason].values())), css="id"),
        ]
        for (name, status, reason), runs in found.items()
    ]
    heads = ("implementation", "status", "reason", "runs", "problems", "a record")
    columns = [Column(head, numeric=head == "runs") for head in heads]
    return Table("Failed runs" if failed else "Unsupported pairs", columns, rows)


def references(board: Board) -> Table | None:
    """Return every problem's reference with its certificate; None where no judge gives any."""
    found: dict[str, Record] = {}
    for record in board.records:
        if record.reference:
            found[record.spec.problem] = record
    if not found:
        return None
    names = dict.fromkeys(key for record in found.values() for key in record.reference)
    keys = sorted(names, key=lambda key: key != "value")
    cells = [
        [Cell(problem), *(value_cell(found[problem].reference.get(key), precise) for key in keys)]
        for problem in board.problems
        if problem in found
    ]
    columns = [Column("problem")]
    for index, key in enumerate(keys, start=1):
        numeric = all(row[index].value is not None for row in cells)
        columns.append(Column(key.replace("_", " "), numeric=numeric))
    return Table("References that gaps are measured from", columns, cells)


def implementations(registry: Registry, suite: str, records: Sequence[Record]) -> Table:
    """Return every implementation, with what its author declared; the leaderboards lead here."""
    methods = {method.name: method for method in registry.methods_of(suite)}
    runs = Counter(record.spec.implementation for record in records)
    rows = []
    for name in sorted({*runs, *methods}):
        method = methods.get(name)
        defaults = method.parameters.items() if method else ()
        rows.append(
            [
                Cell(name, anchor=anchor(name)),
                Cell(method.summary if method else "not registered any more"),
                Cell("", parts=list(links(method.cites)) if method else ()),
                Cell(", ".join(f"{key} = {value}" for key, value in defaults) or "-"),
                Cell(", ".join(method.devices) if method else "-"),
                Cell(str(runs[name]), value=runs[name]),
            ]
        )
    heads = ("implementation", "what it does", "source", "defaults", "devices", "runs")
    return Table(
        "Every implementation", [Column(head, numeric=head == "runs") for head in heads], rows
    )


def homes(registry: Registry, board: Board) -> dict[str, str]:
    """Return the address of the details of every implementation of a board."""
    return {
        label(registry, record): f"#{anchor(record.spec.implementation)}"
        for record in board.records
    }


def anchor(name: str) -> str:
    """Return the id of an implementation's details."""
    return f"implementation-{slug(name)}"


def _board_row(board: Board, row: Row, home: str) -> list[Cell]:
    place = "-" if row.rank is None else f"{row.rank} [{rank_interval(row)}]"
    picture = ""
    if row.rank is not None and row.rank_low is not None and row.rank_high is not None:
        picture = span(row.rank_low, row.rank, row.rank_high, len(board.implementations))
    why = f"takes fewer than {share(MINIMUM_COVERAGE)} of the problems" if row.rank is None else ""
    return [
        Cell(place, value=row.rank or math.nan, title=why, css="rank", svg=picture),
        Cell(row.implementation, href=home),
        Cell("-" if math.isnan(row.score) else f"{row.score:.3f}", value=row.score),
        Cell(f"{row.problems} of {len(board.problems)}", value=row.problems),
        *(Cell(share(value), value=value) for value in row.reached.values()),
        *(
            Cell(seconds(value), value=value, css="bad" if math.isinf(value) else "")
            for value in row.seconds.values()
        ),
        Cell(gap(row), value=row.gap, css="bad" if math.isinf(row.gap) else ""),
        Cell(statuses(row, "\xa0"), css="words"),
    ]


def _matrix_cell(  # noqa: PLR0913, PLR0917 - what one cell depends on
    board: Board, name: str, problem: str, target: float, value: float, best: float
) -> Cell:
    run = representative(board, name, problem, target)
    if run is None:
        return Cell("not run", value=math.nan, css="na")
    key = run.spec.id[:ID_DIGITS]
    if math.isnan(value):
        return Cell("-", value=math.nan, title=key, css="na")
    if math.isinf(value):
        word = str(run.status).replace("_", " ") if run.status.failed else "missed"
        return Cell(
            word, value=math.inf, title=key, css="bad", note=_part(board, name, problem, target)
        )
    ratio = value / best if best > 0 else 1.0
    heat = next((f"h{index}" for index, limit in enumerate(_HEAT) if ratio <= limit), "")
    note = _part(board, name, problem, target)
    return Cell(seconds(value), value=value, title=key, css=heat, note=note)


def _part(board: Board, name: str, problem: str, target: float) -> str:
    """Return how many of a cell's runs reached the target, where it is neither all nor none."""
    runs = board.runs(name, problem)
    reached = sum(sustained(run, board.suite.gap, target) is not None for run in runs)
    return f"{reached} of {len(runs)} runs" if 0 < reached < len(runs) else ""


def _some(names: Sequence[str], limit: int = 3) -> str:
    more = [f"and {len(names) - limit} more"] if len(names) > limit else []
    return "; ".join([*names[:limit], *more])
