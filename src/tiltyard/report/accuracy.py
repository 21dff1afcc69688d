"""What boards that rank by the final gap show, where others show times to targets."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tiltyard.board import Board
from tiltyard.report.addresses import problem_address
from tiltyard.report.format import count, number, quantity, seconds
from tiltyard.report.table import Cell, Column, Table
from tiltyard.row import Row
from tiltyard.suite import Metric

SCORE = "the best median gap of each problem over its own, mean over problems"
"""How such a board's score is made."""

LEAST_GAP = 1e-9
"""A smaller gap counts as this one in geometric means."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One column.

    Attributes:
        head: its heading.
        value: of a row; NaN where it has none.
        text: how a value is spelled.
    """

    head: str
    value: Callable[[Row], float]
    text: Callable[[float], str]


def measures(board: Board) -> list[Measure]:
    """Return the columns of a board that ranks by the gap; none for another."""
    suite = board.suite
    if suite.ranking != "gap":
        return []
    found = [_metric(suite.metric(name)) for name in suite.shown]
    found += [_phase(name) for name in suite.phases]
    if suite.latency is not None:
        found.append(Measure(f"time a {suite.latency[1]}", lambda row: row.latency, seconds))
        found.append(Measure(f"{suite.latency[1]}s a second", _throughput, number))
    return found


def by_group(board: Board) -> Table | None:
    """Return the geometric means of final gaps by what the suite groups problems by; None if none.

    A problem belongs to the group that the certificates of its runs tell.
    """
    names = [row.implementation for row in board.rows]
    groups: dict[str, list[str]] = defaultdict(list)
    for problem in board.problems:
        told = {
            str(run.certificate[board.suite.grouped])
            for name in names
            for run in board.runs(name, problem)
            if board.suite.grouped in run.certificate
        }
        for group in sorted(told)[:1]:
            groups[group].append(problem)
    if not groups:
        return None
    rows = [
        [Cell(f"{group} ({count(len(groups[group]), 'problem')})")]
        + [_mean_gap(board, name, groups[group]) for name in names]
        for group in sorted(groups)
    ]
    columns = [Column(board.suite.grouped), *(Column(name, numeric=True) for name in names)]
    return Table(f"Geometric mean of gaps by {board.suite.grouped}", columns, rows)


def gaps(board: Board) -> Table:
    """Return the median final gaps, problems by implementations, best rank first."""
    names = [row.implementation for row in board.rows]
    rows = [
        [Cell(problem, href=problem_address(board.suite.name, problem))]
        + [_gap(board.gap(name, problem)) for name in names]
        for problem in board.problems
    ]
    columns = [Column("problem"), *(Column(name, numeric=True) for name in names)]
    return Table("Median final gap", columns, rows)


def _mean_gap(board: Board, name: str, problems: Sequence[str]) -> Cell:
    values = [board.gap(name, problem) for problem in problems]
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return _gap(math.inf if any(map(math.isinf, values)) else math.nan)
    note = "" if len(known) == len(values) else f"{len(known)} of {len(values)}"
    mean = math.exp(sum(math.log(max(value, LEAST_GAP)) for value in known) / len(known))
    return Cell(number(mean), value=mean, note=note)


def _gap(value: float) -> Cell:
    if math.isinf(value):
        return Cell("failed", value=value, css="bad")
    return Cell(number(value), value=value, css="na" if math.isnan(value) else "")


def _metric(metric: Metric) -> Measure:
    mean = ", mean" if metric.average == "geometric mean" else ""
    return Measure(
        f"{metric.name.replace('_', ' ')}{mean}",
        lambda row: row.metrics[metric.name],
        lambda value: quantity(value, metric.unit),
    )


def _phase(name: str) -> Measure:
    return Measure(f"{name} time", lambda row: row.phases[name], seconds)


def _throughput(row: Row) -> float:
    return 1.0 / row.latency if row.latency > 0 else math.nan
