"""A leaderboard as a GitHub table."""

from __future__ import annotations

import math

from tiltyard.board import Board
from tiltyard.report.conditions import SMOKE, Environments, describe_board
from tiltyard.report.format import level, seconds, share
from tiltyard.report.tables import gap, rank_interval, statuses


def leaderboard_markdown(board: Board, environments: Environments | None = None) -> str:
    """Return a board's conditions and rows as Markdown.

    Args:
        board: whose rows are shown.
        environments: the store's, for the hardware in words.
    """
    targets = board.suite.targets
    heads = ["rank", "95 %", "implementation", "score", "problems"]
    heads += [f"reached {level(target)}" for target in targets]
    heads += [f"time to {level(target)}" for target in targets]
    heads += ["final gap", "runs"]
    alignment = ["---" if head in ("implementation", "runs") else "---:" for head in heads]
    lines = [
        ", ".join(f"{k} {_text(v)}" for k, v in describe_board(board, environments or {}).items()),
        "",
        _line(heads),
        _line(alignment),
    ]
    for row in board.rows:
        score = "-" if math.isnan(row.score) else f"{row.score:.3f}"
        cells = [str(row.rank or "-"), rank_interval(row), _code(row.implementation), score]
        cells.append(f"{row.problems} of {len(board.problems)}")
        cells += [share(value) for value in row.reached.values()]
        cells += [seconds(value) for value in row.seconds.values()]
        cells += [gap(row), statuses(row)]
        lines.append(_line(cells))
    if board.tier == "smoke":
        lines = [f"**{SMOKE}**", "", *lines]
    return "\n".join(lines) + "\n"


def page_markdown(board: Board, environments: Environments) -> str:
    """Return a board as a Markdown file with a heading."""
    heading = f"# {_text(board.suite.title)}, tier {board.tier}"
    return f"{heading}\n\n{leaderboard_markdown(board, environments)}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(name: str) -> str:
    """Return a name as a code span, in which GitHub reads no HTML and no emphasis."""
    name = " ".join(name.split()).replace("|", "\\|")
    fence = "`"
    while fence in name:
        fence += "`"
    pad = " " if "`" in name else ""
    return f"{fence}{pad}{name}{pad}{fence}"


def _text(value: str) -> str:
    """Return plain text with what Markdown and HTML would read escaped."""
    value = " ".join(value.split()).replace("&", "&amp;").replace("<", "&lt;")
    for mark in "\\`*_[]|":
        value = value.replace(mark, f"\\{mark}")
    return value
