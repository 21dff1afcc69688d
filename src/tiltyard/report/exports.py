"""The files of a board for papers, READMEs and other programs, beside its pages."""

from __future__ import annotations

from collections.abc import Iterator

from tiltyard.board import Board
from tiltyard.report.addresses import board_stem
from tiltyard.report.badge import badges
from tiltyard.report.conditions import Environments
from tiltyard.report.latex import leaderboard_latex
from tiltyard.report.papers import figures


def exports(
    board: Board, environments: Environments, *, papers: bool
) -> Iterator[tuple[str, str | bytes]]:
    """Yield the path, below the report's folder, and the content of every file of a board.

    Args:
        board: what they show.
        environments: the store's.
        papers: whether to draw the figures, which takes seconds.
    """
    stem = board_stem(board)
    yield f"latex/{stem}.tex", leaderboard_latex(board, environments)
    for file, svg in badges(board):
        yield f"badges/{stem}-{file}", svg
    if papers:
        for file, content in figures(board):
            yield f"figures/{stem}-{file}", content
