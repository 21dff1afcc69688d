"""An implementation's page: its source, its parameters, how it fared and how it depends on them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiltyard.implementation import Implementation, Range, interval
from tiltyard.names import spell
from tiltyard.registry import source_hash
from tiltyard.report.addresses import duel_address, problem_address
from tiltyard.report.conditions import describe_board
from tiltyard.report.format import level, links, number
from tiltyard.report.sensitivity import hint, sensitivities
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.tables import ID_DIGITS, leaderboard, run_cell
from tiltyard.report.tuned_section import chosen_table
from tiltyard.report.view import SuiteView, TierView
from tiltyard.run.record import Record


def implementation_values(view: SuiteView, name: str) -> dict[str, Any]:
    """Return what an implementation's page shows."""
    method = view.registry.implementations.get((view.suite.name, name))
    records = view.by_implementation[name]
    return {
        "suite": view.suite,
        "name": name,
        "method": method,
        "cites": list(links(method.cites)) if method else [],
        "facts": _facts(method) if method else {},
        "parameters": _parameters(method) if method else None,
        "sources": _sources(records),
        "tiers": [_tier(view, tier, name) for tier in view.tiers if name in tier.names.values()],
        "rivals": [
            (rival, "../" + duel_address(view.suite.name, *pair))
            for pair in view.pairs
            if name in pair
            for rival in pair
            if rival != name
        ],
        "sensitivities": sensitivities(view, method, records) if method else [],
        "hint": hint(view, method) if method else "",
        "runs": len(records),
    }


def _facts(method: Implementation) -> dict[str, str]:
    requires = "; ".join(
        f"{fact} = {' or '.join(map(str, values))}" for fact, values in method.requires.items()
    )
    return {
        **({"kind": method.kind} if method.kind else {}),
        "source": source_path(method),
        "sha256": source_hash(Path(method.file)) if Path(method.file).is_file() else "not found",
        "devices": ", ".join(method.devices),
        "needs": ", ".join(method.needs.values()) or "nothing beyond the core",
        "takes problems with": requires or "any facts",
    }


def source_path(method: Implementation) -> str:
    """Return the method's file, from the folder that holds its suite's folder."""
    return "/".join(Path(method.file).parts[-3:]) if method.file else "-"


def _parameters(method: Implementation) -> Table | None:
    if not method.parameters:
        return None
    rows = [
        [
            Cell(key),
            Cell(spell(value)),
            Cell(_range(method.tune[key]) if key in method.tune else "not tuned"),
        ]
        for key, value in method.parameters.items()
    ]
    columns = [Column("parameter"), Column("default"), Column("tuning range")]
    return Table("Parameters", columns, rows)


def _range(values: Range) -> str:
    ends = interval(values)
    if ends is not None:
        axis = "logarithmic" if ends[2] == "log" else "linear"
        return f"{spell(values[0])} to {spell(values[1])}, {axis}"
    return ", ".join(spell(value) for value in values)


def _sources(records: Sequence[Record]) -> Table | None:
    """Return every version of the source that the records were made with."""
    runs = Counter(record.spec.source for record in records)
    if not runs:
        return None
    last = {record.spec.source: record.started for record in records}
    rows = [
        [Cell(source, css="id"), Cell(str(n), value=n), Cell(last[source][:10])]
        for source, n in sorted(runs.items(), key=lambda item: last[item[0]], reverse=True)
    ]
    columns = [Column("sha256 of the source"), Column("runs", numeric=True), Column("last run")]
    return Table("Sources that the records were made with", columns, rows)


def _tier(view: SuiteView, tier: TierView, name: str) -> dict[str, Any]:
    board = tier.board
    labels = [row.implementation for row in board.rows if tier.names[row.implementation] == name]
    own = leaderboard(board, tier.targets, tier.names, labels, "../")
    return {
        "name": board.scope,
        "anchor": tier.anchor,
        "is_smoke": board.tier == "smoke",
        "conditions": describe_board(board, view.environments),
        "rows": own,
        "problems": _problems(tier, labels),
        "chosen": chosen_table(tier, name),
    }


def _problems(tier: TierView, labels: Sequence[str]) -> Table:
    """Return what each setting's runs gave on each problem."""
    board = tier.board
    shown = [target for target in board.suite.targets if target in tier.targets]
    rows = []
    for problem in board.problems:
        for label in labels:
            runs = board.runs(label, problem)
            if not runs:
                continue
            cell = board.implementations.index(label), board.problems.index(problem)
            gap = board.gap(label, problem)
            rows.append(
                [
                    Cell(problem, href="../" + problem_address(board.suite.name, problem)),
                    *([Cell(label)] if len(labels) > 1 else []),
                    *(
                        run_cell(runs, board.costs(target)[cell].tolist(), math.nan)
                        for target in shown
                    ),
                    Cell("failed" if math.isinf(gap) else number(gap), value=gap,
                         lock=math.isfinite(gap) and all(run.certified for run in runs)),
                    Cell(runs[0].spec.id[:ID_DIGITS], css="id"),
                ]
            )  # fmt: skip
    columns = [
        Column("problem"),
        *([Column("setting")] if len(labels) > 1 else []),
        *(Column(level(one), "median sustained time to gap", numeric=True) for one in shown),
        Column("median final gap", numeric=True),
        Column("a record"),
    ]
    return Table(f"Every problem, tier {board.scope}", columns, rows)
