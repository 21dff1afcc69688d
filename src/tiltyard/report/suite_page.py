"""A suite's page, and what the index shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tiltyard.board import MINIMUM_COVERAGE, Board
from tiltyard.grouping import label
from tiltyard.report.accuracy import by_group, gaps
from tiltyard.report.addresses import duel_address, markdown_address, problem_address, suite_address
from tiltyard.report.claims import Outcome
from tiltyard.report.conditions import command, describe, describe_board, other
from tiltyard.report.critical import differences
from tiltyard.report.figures import data_profile, profile
from tiltyard.report.format import count, level, share
from tiltyard.report.growth import figures_of
from tiltyard.report.mixture import heat_maps
from tiltyard.report.pareto import trades
from tiltyard.report.summary import caution, rank_interval
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.tables import (
    ID_DIGITS,
    endings,
    every_metric,
    every_target,
    implementations,
    leaderboard,
    matrix,
)
from tiltyard.report.tuned_section import tuned_values
from tiltyard.report.view import Duel, SuiteView, TierView
from tiltyard.run.record import Status
from tiltyard.stats import RATIO_LIMIT

_PODIUM = 3
_REPLAYS = 3
_OTHERS = 8
"""Boards of other conditions that are shown as tables; the rest are lines."""

Duels = Mapping[tuple[str, str], Mapping[str, Duel]]
"""Head-to-head results of each pair of implementations, by the section of their board."""


def suite_values(view: SuiteView, claims: Sequence[Outcome], duels: Duels) -> dict[str, Any]:
    """Return what a suite's page shows."""
    suite = view.suite
    return {
        "suite": suite,
        "metric": suite.metric(suite.gap),
        "targets": ", ".join(level(target) for target in suite.targets),
        "facts": view.facts(),
        "tiers": [_tier(view, tier, duels) for tier in view.tiers],
        "claims": claims,
        "implementations": implementations(view),
        "outside": _outside(view),
        "ratio": f"{RATIO_LIMIT:g}",
    }


def card(view: SuiteView) -> dict[str, Any]:
    """Return what the index shows of a suite: its most demanding tier's podium, or podiums."""
    boards = [tier.board for tier in view.tiers]
    return {
        "title": view.suite.title,
        "summary": view.suite.summary,
        "file": suite_address(view.suite.name),
        "boards": [_podium(view, board) for board in boards if board.tier == boards[0].tier],
        "unranked": f"none takes {share(MINIMUM_COVERAGE)} of the problems",
        "facts": view.facts(),
    }


def _podium(view: SuiteView, board: Board) -> dict[str, Any]:
    """Return the best rows of a board, and what it is of."""
    best = [row for row in board.rows if row.rank is not None and row.rank <= _PODIUM]
    return {
        "name": board.scope,
        "is_smoke": board.tier == "smoke",
        "conditions": describe(board.conditions, view.environments),
        "podium": [(row, rank_interval(row)) for row in best[:_PODIUM]],
        "more": len(best) - len(best[:_PODIUM]),
    }


def _tier(view: SuiteView, tier: TierView, duels: Duels) -> dict[str, Any]:
    """Return what a page shows of a tier."""
    board = tier.board
    return {
        "name": board.scope,
        "anchor": tier.anchor,
        "is_smoke": board.tier == "smoke",
        "conditions": describe_board(board, view.environments),
        "leaderboard": leaderboard(board, tier.targets, tier.names),
        "every_target": every_target(board),
        "every_metric": every_metric(board),
        "note": caution(board),
        "absent": board.absent,
        "tuned": tuned_values(view, tier),
        "differences": differences(tier),
        "pool": board.pool,
        "profiles": [profile(tier, target) for target in reversed(tier.targets)],
        "data_profiles": [
            figure
            for target in reversed(tier.targets)
            if (figure := data_profile(tier, target)) is not None
        ],
        "trades": trades(tier),
        "growth": figures_of(tier),
        "groups": by_group(board),
        "gaps": gaps(board) if board.suite.ranking == "gap" else None,
        "mixtures": heat_maps(tier),
        "matrix": matrix(tier, tier.targets[0]),
        "target": level(tier.targets[0]),
        "duels": _duels(view, tier, duels),
        "failures": endings(board, failed=True),
        "unsupported": endings(board, failed=False),
        "command": command(board),
        "replays": _replays(board),
        "markdown": markdown_address(board),
        "boards": [_other(view, tier, one) for one in tier.others[:_OTHERS]],
        "others": [other(one, view.environments) for one in tier.others[_OTHERS:]],
    }


def _other(view: SuiteView, tier: TierView, board: Board) -> tuple[str, Table]:
    names = {label(view.registry, one.spec): one.spec.implementation for one in board.records}
    return other(board, view.environments), leaderboard(board, tier.targets, names)


def _replays(board: Board) -> list[str]:
    """Return the starts of the ids of the best implementations' first runs."""
    ids = []
    for row in board.rows[:_REPLAYS]:
        runs = [
            run for problem in board.problems for run in board.runs(row.implementation, problem)
        ]
        ids += [run.spec.id[:ID_DIGITS] for run in runs if run.status != Status.UNSUPPORTED][:1]
    return ids


def _duels(view: SuiteView, tier: TierView, duels: Duels) -> Table | None:
    """Return wins and losses of every two implementations; None where there is no pair."""
    names = list(tier.contenders)
    if len(names) < 2:
        return None
    rows = []
    for first in names:
        cells = [Cell(first)]
        for second in names:
            ordered = (min(first, second), max(first, second))
            duel = duels.get(ordered, {}).get(tier.anchor)
            if duel is None:
                cells.append(Cell("", css="na"))
                continue
            won, lost = (duel.result.outcomes.count(one) for one in ("win", "loss"))
            if first > second:
                won, lost = lost, won
            css = "h1" if won > lost else ""
            href = duel_address(view.suite.name, first, second)
            cells.append(Cell(f"{won}-{lost}", value=won - lost, href=href, css=css))
        rows.append(cells)
    columns = [Column("wins-losses"), *(Column(name, numeric=True) for name in names)]
    return Table(f"Head to head, tier {tier.board.scope}", columns, rows)


def _outside(view: SuiteView) -> list[tuple[str, str, str]]:
    """Return problems of no board, each with its address and its number of runs."""
    inside = {problem for tier in view.tiers for problem in tier.board.problems}
    return [
        (problem, problem_address(view.suite.name, problem), count(len(records), "run"))
        for problem, records in view.by_problem.items()
        if problem not in inside
    ]
