"""A problem's page: what it is, its reference, and how every implementation fared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tiltyard.errors import TiltyardError
from tiltyard.names import parse_name, spell
from tiltyard.report.addresses import implementation_address
from tiltyard.report.claims import value_cell
from tiltyard.report.conditions import describe_board
from tiltyard.report.figures import convergence
from tiltyard.report.format import count, level, number, precise, quantity, seconds
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.tables import runs_table, spread
from tiltyard.report.view import SuiteView, TierView
from tiltyard.run.record import Record, Status
from tiltyard.stats import ExpectedRuntime, Unit


def problem_values(view: SuiteView, problem: str) -> dict[str, Any]:
    """Return what a problem's page shows."""
    records = view.by_problem[problem]
    return {
        "suite": view.suite,
        "problem": problem,
        "definition": _definition(view, problem),
        "data": {key: value for record in records for key, value in record.spec.data.items()},
        "reference": _reference(problem, records),
        "tiers": [_tier(view, tier, problem) for tier in view.tiers
                  if problem in tier.board.problems],
        "runs": runs_table(records, view.suite.gap, f"All {count(len(records), 'run')}"),
    }  # fmt: skip


def _definition(view: SuiteView, problem: str) -> dict[str, str]:
    """Return what the problem's name and its family say, for as far as they are known."""
    try:
        name, spelled = parse_name(problem)
        family = view.registry.family(view.suite.name, name)
        parameters = family.complete(spelled)
    except TiltyardError as error:
        return {"definition": f"not known here any more: {error}"}
    tiers = [tier for tier in family.tiers if problem in family.names(tier)]
    return {
        "family": f"{name}: {family.summary}",
        **{key: spell(value) for key, value in parameters.items()},
        "datasets": ", ".join(family.datasets_of(parameters)) or "none",
        "tiers": ", ".join(tiers) or "none",
    }


def _reference(problem: str, records: Sequence[Record]) -> Table | None:
    """Return the judge's latest reference with its certificate; None where it gave none."""
    known = [record.reference for record in records if record.reference]
    if not known:
        return None
    rows = [
        [Cell(key.replace("_", " ")), value_cell(value, precise)]
        for key, value in sorted(known[-1].items(), key=lambda item: item[0] != "value")
    ]
    columns = [Column("what"), Column("value")]
    return Table(f"Reference that gaps on {problem} are measured from", columns, rows)


def _tier(view: SuiteView, tier: TierView, problem: str) -> dict[str, Any]:
    return {
        "name": tier.board.scope,
        "anchor": tier.anchor,
        "is_smoke": tier.board.tier == "smoke",
        "conditions": describe_board(tier.board, view.environments),
        "results": _results(tier, problem),
        "target": level(_target(tier, problem)),
        "curves": [convergence(tier, problem, "seconds"), convergence(tier, problem, "oracles")],
    }


def _target(tier: TierView, problem: str) -> float:
    """Return the tightest target that an implementation reaches on this problem."""
    return tier.board.common_target(problem, *tier.board.implementations)


def _results(tier: TierView, problem: str) -> Table:
    """Return every implementation's costs on a problem."""
    board, target = tier.board, _target(tier, problem)
    rows = []
    for row in board.rows:
        name = row.implementation
        runs = board.runs(name, problem)
        if not runs:
            continue
        rows.append(
            [
                Cell(name, href="../" + implementation_address(board.suite.name, tier.names[name])),
                *_costs(tier, name, problem, target),
                _gap(tier, name, problem),
                _peak(runs),
                Cell(_endings(runs), css="words"),
            ]
        )
    group = f"to gap {level(target)}"
    columns = [
        Column("implementation"),
        Column("median time", group, numeric=True),
        Column("expected time with restarts", group, numeric=True),
        Column("median oracle calls", group, numeric=True),
        Column("expected calls", group, numeric=True),
        Column("median final gap", numeric=True),
        Column("peak memory", numeric=True),
        Column("how runs ended"),
    ]
    return Table(f"Every implementation, tier {board.scope}", columns, rows)


def _costs(tier: TierView, name: str, problem: str, target: float) -> list[Cell]:
    """Return the median cost with its spread, and the expected one, in seconds and calls."""
    board = tier.board
    cell = board.implementations.index(name), board.problems.index(problem)
    units: tuple[Unit, ...] = ("seconds", "oracles")
    cells = []
    for unit in units:
        costs = sorted(
            one for one in board.costs(target, unit)[cell].tolist() if not math.isnan(one)
        )
        median = costs[len(costs) // 2] if costs else math.nan
        note = spread(costs) if unit == "seconds" else _range(costs)
        css = "bad" if math.isinf(median) else ""
        cells += [
            Cell(_cost(median, unit), value=median, note=note, css=css),
            _expected(tier.analysis.expected_runtime(name, problem, target, unit), unit),
        ]
    return cells


def _cost(value: float, unit: Unit) -> str:
    if unit == "seconds":
        return seconds(value)
    return "missed" if math.isinf(value) else number(value)


def _range(costs: Sequence[float]) -> str:
    if len(costs) < 2 or math.isinf(costs[-1]) or costs[0] == costs[-1]:
        return ""
    return f"{number(costs[0])} to {number(costs[-1])}"


def _expected(ert: ExpectedRuntime, unit: Unit) -> Cell:
    if math.isinf(ert.expected):
        return Cell(f"above {_cost(ert.spent, unit)}", value=math.inf, css="bad")
    note = ""
    if not math.isnan(ert.low) and ert.low < ert.high:
        note = f"{_cost(ert.low, unit)} to {_cost(ert.high, unit)}"
    return Cell(_cost(ert.expected, unit), value=ert.expected, note=note)


def _gap(tier: TierView, name: str, problem: str) -> Cell:
    runs = tier.board.runs(name, problem)
    taken = [run for run in runs if run.status != Status.UNSUPPORTED]
    value = tier.board.gap(name, problem)
    gaps = [run.metrics.get(tier.board.suite.gap, math.nan) for run in taken
            if not run.status.failed]  # fmt: skip
    text = "failed" if math.isinf(value) else number(value)
    lock = math.isfinite(value) and all(run.certified for run in taken)
    css = "bad" if math.isinf(value) else ""
    note = _range(sorted(one for one in gaps if math.isfinite(one)))
    return Cell(text, value=value, css=css, lock=lock, note=note)


def _peak(runs: Sequence[Record]) -> Cell:
    known = [run.peak_memory_bytes / 2**20 for run in runs if run.peak_memory_bytes is not None]
    value = max(known, default=math.nan)
    return Cell("below 1 MiB" if value < 1 else quantity(value, "MiB"), value=value)


def _endings(runs: Sequence[Record]) -> str:
    words = [str(run.status).replace("_", " ") for run in runs]
    return ", ".join(f"{words.count(word)}\xa0{word}" for word in dict.fromkeys(words))
