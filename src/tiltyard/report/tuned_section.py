"""What pages show of a tuned leaderboard."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tiltyard.report.conditions import command, describe_board
from tiltyard.report.figures import profile
from tiltyard.report.format import count, share
from tiltyard.report.summary import caution
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.tables import leaderboard
from tiltyard.report.view import SuiteView, TierView
from tiltyard.tuned import SUMMARY, Tuned, Untuned


def tuned_values(view: SuiteView, tier: TierView) -> dict[str, Any] | None:
    """Return what a suite's page shows of a tier's tuned board; None where nothing was tuned."""
    found = tier.tuned
    if found is None:
        return None
    if isinstance(found, Untuned):
        return {"reason": found.reason}
    board = found.board
    names = {name: name for name in board.implementations}
    labels = {record.spec.id: record.spec.implementation for record in board.records}
    own = TierView(board, (), names, labels, None)
    return {
        "reason": "",
        "title": f"Tuned({board.tuned})",
        "summary": SUMMARY,
        "conditions": describe_board(board, view.environments),
        "leaderboard": leaderboard(board, own.targets, names),
        "note": caution(board),
        "notes": found.notes,
        "profiles": [profile(own, target) for target in reversed(own.targets)],
        "command": command(board),
    }


def chosen_table(tier: TierView, name: str) -> Table | None:
    """Return how often each of an implementation's configurations was chosen on a tuned board."""
    if not isinstance(tier.tuned, Tuned) or name not in tier.tuned.choices:
        return None
    picked = Counter(tier.tuned.choices[name].values())
    rows = [
        [
            Cell(label, note="its defaults" if label == name else ""),
            Cell(count(problems, "problem"), value=problems),
            Cell(share(problems / picked.total()), value=problems),
        ]
        for label, problems in sorted(picked.items(), key=lambda item: (-item[1], item[0]))
    ]
    columns = [
        Column("configuration"),
        Column("chosen on", numeric=True),
        Column("share", numeric=True),
    ]
    many = tier.tuned.board.tuned
    return Table(f"Chosen by tuned({many}), tier {tier.board.scope}", columns, rows)
