"""What a board tells at a glance: telling targets, places, leaders, and what to beware of."""

from __future__ import annotations

import math

import numpy as np

from tiltyard.board import MINIMUM_COVERAGE, Board, Row
from tiltyard.report.format import share
from tiltyard.run.record import Status
from tiltyard.stats import known_means


def telling_targets(board: Board) -> list[float]:
    """Return the tightest target that a run sustained and two looser ones, tightest first."""
    targets = board.suite.targets
    reached = [t for t in targets if any(row.reached[t] > 0 for row in board.rows)]
    if not reached:
        return list(targets[:1])
    last = targets.index(reached[-1])
    return [targets[index] for index in sorted({last, last // 2, 0}, reverse=True)]


def caution(board: Board) -> str:
    """Return what a reader must know before reading anything into the ranks; mostly nothing."""
    taken = [run for run in board.records if run.status != Status.UNSUPPORTED]
    notes = []
    if not taken:
        notes.append("Every pair is unsupported.")
    elif all(run.status.failed for run in taken):
        notes.append("Every run failed.")
    elif not reached_any(board):
        notes.append("No run reached any target, so every score is 0.")
    if taken and not any(row.rank for row in board.rows):
        notes.append(f"No implementation takes {share(MINIMUM_COVERAGE)} of the problems.")
    if len(board.implementations) == 1:
        notes.append("There is one implementation only, and so nothing to compare it with.")
    if len(board.problems) == 1:
        notes.append("There is one problem only: ranks say nothing about any other.")
    return " ".join(notes)


def reached_any(board: Board) -> bool:
    """Return whether any run sustained any target."""
    return any(value > 0 for row in board.rows for value in row.reached.values())


def place(board: Board, row: Row) -> str:
    """Return a row's rank with its interval: ``2 [1-4]``, ``2= [1-4]`` in a tie, else ``-``."""
    if row.rank is None:
        return "-"
    tie = "=" if tied(board, row) else ""
    return f"{row.rank}{tie} [{rank_interval(row)}]"


def rank_interval(row: Row) -> str:
    """Return the interval of a row's rank in words."""
    if row.rank is None:
        return "-"
    return str(row.rank) if row.rank_low == row.rank_high else f"{row.rank_low}-{row.rank_high}"


def tied(board: Board, row: Row) -> bool:
    """Return whether another row has the same rank."""
    return row.rank is not None and sum(other.rank == row.rank for other in board.rows) > 1


def leaders(board: Board) -> set[str]:
    """Return the implementations whose rank may be 1, as far as the intervals tell.

    Returns:
        Their names; none where the intervals tell no two implementations apart.
    """
    ranked = [row for row in board.rows if row.rank is not None]
    found = {row.implementation for row in ranked if row.rank_low == 1}
    return found if len(found) < len(ranked) else set()


def score_error(board: Board, implementation: str) -> float:
    """Return the standard error of a score over problems: s / sqrt(n); NaN below two problems."""
    means = known_means(board.credits[board.implementations.index(implementation)])
    means = means[~np.isnan(means)]
    return float(means.std(ddof=1) / math.sqrt(len(means))) if len(means) > 1 else math.nan
