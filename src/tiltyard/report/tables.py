"""The tables of a suite's page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from tiltyard.board import MINIMUM_COVERAGE, Board, Row
from tiltyard.report.accuracy import measures
from tiltyard.report.addresses import implementation_address, problem_address
from tiltyard.report.format import count, level, links, number, quantity, seconds, share
from tiltyard.report.summary import rank_interval
from tiltyard.report.svg import span
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.view import SuiteView, TierView
from tiltyard.run.record import Record, Status

ID_DIGITS = 12
"""Of a record's id, as many as pages show."""

_HEAT = (1.0, 2.0, 10.0)
"""Ratios to the best cell of a row up to which a cell is shaded, darkest first."""


def leaderboard(
    board: Board,
    targets: Sequence[float],
    names: Mapping[str, str],
    only: Sequence[str] | None = None,
    root: str = "",
) -> Table:
    """Return the leaderboard.

    Args:
        board: whose rows are shown.
        targets: those that get columns.
        names: the implementation of each label.
        only: the labels that are shown; None shows all.
        root: the address of the site's root from the page.
    """
    extra = measures(board)
    shown = [target for target in board.suite.targets if target in targets and not extra]
    columns = [
        Column("rank\xa0[95\xa0%]"),
        Column("implementation"),
        Column("score", numeric=True),
        Column("problems", numeric=True),
        *(Column(one.head, numeric=True) for one in extra),
        *(Column(level(one), "share of runs that reached gap", numeric=True) for one in shown),
        *(Column(level(one), "median sustained time to gap", numeric=True) for one in shown),
        Column("median final gap", numeric=True),
        Column("how runs ended"),
    ]
    rows = [
        _board_row(board, row, shown, names[row.implementation], root)
        for row in board.rows
        if only is None or row.implementation in only
    ]
    tuned = f", tuned({board.tuned})" if board.tuned else ""
    return Table(f"Leaderboard, tier {board.scope}{tuned}", columns, rows, head=1)


def every_target(board: Board) -> Table:
    """Return the share of runs that reached each target, with the median time to it."""
    columns = [
        Column("implementation"),
        *(Column(level(target), "gap", numeric=True) for target in board.suite.targets),
    ]
    rows = [
        [Cell(row.implementation), *(_reached(row, target) for target in board.suite.targets)]
        for row in board.rows
    ]
    return Table(f"Every target, tier {board.scope}", columns, rows)


def every_metric(board: Board) -> Table:
    """Return the average final value of each metric, over the runs that did not fail."""
    metrics = board.suite.metrics
    rows = [
        [
            Cell(row.implementation),
            *(
                Cell(quantity(row.metrics[one.name], one.unit), value=row.metrics[one.name])
                for one in metrics
            ),
        ]
        for row in board.rows
    ]
    names = [
        f"{one.name.replace('_', ' ')} ({'' if one.average == 'median' else 'geometric mean, '}"
        f"{one.better} is better)"
        for one in metrics
    ]
    columns = [Column("implementation"), *(Column(name, numeric=True) for name in names)]
    return Table(f"Every metric, tier {board.scope}", columns, rows)


def statuses(row: Row, space: str = " ") -> str:
    """Return how a row's runs ended in words, each count kept to its word by ``space``."""
    return ", ".join(
        f"{n}{space}{status.replace('_', space)}" for status, n in row.statuses.items()
    )


def gap(row: Row) -> str:
    """Return a row's median final gap; ``failed`` where most runs failed."""
    return "failed" if math.isinf(row.gap) else number(row.gap)


def matrix(tier: TierView, target: float) -> Table:
    """Return sustained seconds to a target, problems by implementations."""
    board = tier.board
    names = [row.implementation for row in board.rows]
    order = [board.implementations.index(name) for name in names]
    costs = board.costs(target)[order]
    medians = board.medians(target)[order]
    rows = []
    for index, problem in enumerate(board.problems):
        column = medians[:, index]
        best = min((one for one in column.tolist() if math.isfinite(one)), default=math.nan)
        cells = [
            run_cell(board.runs(name, problem), costs[i, index].tolist(), best)
            for i, name in enumerate(names)
        ]
        rows.append([Cell(problem, href=problem_address(board.suite.name, problem)), *cells])
    columns = [Column("problem"), *(Column(name, numeric=True) for name in names)]
    return Table(f"Median sustained time to gap {level(target)}", columns, rows)


def spread(values: Sequence[float]) -> str:
    """Return the fastest and the slowest of several times that reached a target, and how many."""
    taken = [value for value in values if not math.isnan(value)]
    reached = sorted(value for value in taken if math.isfinite(value))
    if reached and len(reached) < len(taken):
        return f"{len(reached)} of {count(len(taken), 'run')}"
    if len(reached) < 2 or seconds(reached[0]) == seconds(reached[-1]):
        return ""
    return f"{seconds(reached[0])} to {seconds(reached[-1])}"


def run_cell(runs: Sequence[Record], costs: Sequence[float], best: float) -> Cell:
    """Return the median time of an implementation's runs on one problem.

    Args:
        runs: one a seed.
        costs: their sustained times; inf for missed, NaN for unsupported or none.
        best: the problem's best time, for the shade; NaN for none.
    """
    if not runs:
        return Cell("not run", value=math.nan, css="na")
    known = sorted(cost for cost in costs if not math.isnan(cost))
    if not known:
        return Cell("-", value=math.nan, css="na")
    median = known[len(known) // 2]
    if math.isinf(median):
        failed = next((run.status for run in runs if run.status.failed), None)
        word = str(failed).replace("_", " ") if failed else "missed"
        return Cell(word, value=math.inf, css="bad", note=spread(costs))
    ratio = median / best if best > 0 else math.inf if math.isnan(best) else 1.0
    heat = next((f"h{index}" for index, limit in enumerate(_HEAT) if ratio <= limit), "")
    certified = all(run.certified for run in runs if run.status != Status.UNSUPPORTED)
    return Cell(seconds(median), value=median, css=heat, note=spread(costs), lock=certified)


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


def implementations(view: SuiteView) -> Table:
    """Return every implementation, with what its author declared; each leads to its page."""
    methods = {method.name: method for method in view.registry.methods_of(view.suite.name)}
    rows = []
    for name, records in view.by_implementation.items():
        method = methods.get(name)
        rows.append(
            [
                Cell(name, href=implementation_address(view.suite.name, name)),
                *([Cell(method.kind if method else "-")] if view.suite.kinds else []),
                Cell(method.summary if method else "not registered any more"),
                Cell("", parts=list(links(method.cites)) if method else ()),
                Cell(", ".join(method.devices) if method else "-"),
                Cell(str(len(records)), value=len(records)),
            ]
        )
    kind = ["kind"] if view.suite.kinds else []
    heads = ["implementation", *kind, "what it does", "source", "devices", "runs"]
    columns = [Column(head, numeric=head == "runs") for head in heads]
    return Table("Every implementation", columns, rows)


def runs_table(records: Sequence[Record], gap_name: str, caption: str) -> Table:
    """Return a row for each record, with the command that makes it again."""
    rows = [
        [
            Cell(record.spec.id[:ID_DIGITS], css="id", anchor=f"run-{record.spec.id}"),
            Cell(record.spec.implementation),
            Cell(str(record.spec.seed), value=record.spec.seed),
            Cell(str(record.status).replace("_", " "), note=record.reason),
            Cell(seconds(record.seconds), value=record.seconds),
            Cell(
                number(value := record.metrics.get(gap_name, math.nan)),
                value=value,
                lock=record.certified and math.isfinite(value),
            ),
            Cell(f"tiltyard replay {record.spec.id[:ID_DIGITS]}", css="id"),
        ]
        for record in records
    ]
    heads = ("record", "implementation", "seed", "status", "seconds", "final gap", "again")
    numeric = {"seed", "seconds", "final gap"}
    return Table(caption, [Column(head, numeric=head in numeric) for head in heads], rows)


def _board_row(
    board: Board, row: Row, targets: Sequence[float], name: str, root: str
) -> list[Cell]:
    place = "-" if row.rank is None else f"{row.rank} [{rank_interval(row)}]"
    picture = ""
    if row.rank is not None and row.rank_low is not None and row.rank_high is not None:
        picture = span(row.rank_low, row.rank, row.rank_high, len(board.implementations))
    why = f"takes fewer than {share(MINIMUM_COVERAGE)} of the problems" if row.rank is None else ""
    records = [run for problem in board.problems for run in board.runs(row.implementation, problem)]
    ended = [run for run in records if run.status != Status.UNSUPPORTED]
    return [
        Cell(place, value=row.rank or math.nan, note=why, css="rank", svg=picture),
        Cell(
            row.implementation,
            href=root + implementation_address(board.suite.name, name),
            note="" if row.implementation == name else "other than its defaults",
        ),
        Cell("-" if math.isnan(row.score) else f"{row.score:.3f}", value=row.score),
        Cell(f"{row.problems} of {len(board.problems)}", value=row.problems),
        *(Cell(one.text(one.value(row)), value=one.value(row)) for one in measures(board)),
        *(Cell(share(row.reached[one]), value=row.reached[one]) for one in targets),
        *(_time(row.seconds[one]) for one in targets),
        Cell(
            gap(row),
            value=row.gap,
            css="bad" if math.isinf(row.gap) else "",
            lock=math.isfinite(row.gap) and all(run.certified for run in ended),
        ),
        Cell(statuses(row, "\xa0"), css="words"),
    ]


def _time(value: float, note: str = "") -> Cell:
    return Cell(seconds(value), value=value, note=note, css="bad" if math.isinf(value) else "")


def _reached(row: Row, target: float) -> Cell:
    return _time(row.seconds[target], share(row.reached[target]))


def _some(names: Sequence[str], limit: int = 3) -> str:
    more = [f"and {len(names) - limit} more"] if len(names) > limit else []
    return "; ".join([*names[:limit], *more])
