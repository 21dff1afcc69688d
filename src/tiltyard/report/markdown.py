"""A leaderboard as a GitHub table."""

from __future__ import annotations

import math

from tiltyard.board import Board
from tiltyard.report.accuracy import by_group, measures
from tiltyard.report.conditions import SMOKE, Environments, describe_board, in_words
from tiltyard.report.format import legible, level, seconds, share, slug
from tiltyard.report.summary import caution, place, rank_interval, telling_targets
from tiltyard.report.table import Table
from tiltyard.report.tables import gap, statuses
from tiltyard.tuned import SUMMARY, Tuned, Untuned

_TOP = 5


def leaderboard_markdown(board: Board, environments: Environments | None = None) -> str:
    """Return a board's conditions and rows as Markdown.

    Args:
        board: whose rows are shown.
        environments: the store's, for the hardware in words.
    """
    extra = measures(board)
    targets = () if extra else board.suite.targets
    heads = ["rank", "95 %", "implementation", "score", "problems", *(one.head for one in extra)]
    heads += [f"reached {level(target)}" for target in targets]
    heads += [f"time to {level(target)}" for target in targets]
    heads += ["final gap", "runs"]
    alignment = ["---" if head in ("implementation", "runs") else "---:" for head in heads]
    lines = [
        in_words(describe_board(board, environments or {}), _text),
        "",
        _line(heads),
        _line(alignment),
    ]
    for row in board.rows:
        score = "-" if math.isnan(row.score) else f"{row.score:.3f}"
        cells = [str(row.rank or "-"), rank_interval(row), _code(row.implementation), score]
        cells.append(f"{row.problems} of {len(board.problems)}")
        cells += [one.text(one.value(row)) for one in extra]
        cells += [share(row.reached[target]) for target in targets]
        cells += [seconds(row.seconds[target]) for target in targets]
        cells += [gap(row), statuses(row)]
        lines.append(_line(cells))
    if board.absent:
        lines += ["", f"Take no problem of this track: {', '.join(map(_code, board.absent))}."]
    if board.tier == "smoke":
        lines = [f"**{SMOKE}**", "", *lines]
    return "\n".join(lines) + "\n"


def page_markdown(
    board: Board, environments: Environments, tuned: Tuned | Untuned | None = None
) -> str:
    """Return a board as a Markdown file with a heading.

    Args:
        board: whose rows are shown.
        environments: the store's, for the hardware in words.
        tuned: the tuned board beside it, or why there is none.
    """
    parts = [f"# {_text(board.suite.title)}, tier {board.scope}\n"]
    parts.append(leaderboard_markdown(board, environments))
    if groups := by_group(board):
        parts.append(_groups(groups))
    if isinstance(tuned, Untuned):
        parts.append(f"{_text(tuned.reason)}\n")
    elif tuned is not None:
        parts += [f"## tuned({tuned.board.tuned})\n", f"{SUMMARY}\n"]
        parts.append(leaderboard_markdown(tuned.board, environments))
        parts += [f"{_text(note)}\n" for note in tuned.notes]
    return "\n".join(parts)


def readme_markdown(board: Board, environments: Environments) -> str:
    """Return the top of a board for a README, between comments that mark where it stands.

    Args:
        board: whose best rows are shown.
        environments: the store's, for the hardware in words.
    """
    extra = measures(board)
    targets = [] if extra else telling_targets(board)[:1]
    heads = ["rank [95 %]", "implementation", "score", "problems", *(one.head for one in extra)]
    for target in targets:
        heads += [f"reached {level(target)}", f"time to {level(target)}"]
    heads.append("final gap")
    rows = [
        [
            place(board, row),
            _code(row.implementation),
            "-" if math.isnan(row.score) else f"{row.score:.3f}",
            f"{row.problems} of {len(board.problems)}",
            *(one.text(one.value(row)) for one in extra),
            *(share(row.reached[target]) for target in targets),
            *(seconds(row.seconds[target]) for target in targets),
            gap(row),
        ]
        for row in board.rows[:_TOP]
    ]
    warnings = [f"**{SMOKE}**"] if board.tier == "smoke" else []
    warnings += [_text(note)] if (note := caution(board)) else []
    alignment = ["---", "---", *["---:"] * (len(heads) - 2)]
    conditions = in_words(describe_board(board, environments), _text)
    where = (board.suite.name, board.track, board.kind, board.tier)
    lines = [
        f"<!-- tiltyard:{':'.join(slug(part) for part in where if part)} -->",
        "",
        *(line for warning in warnings for line in (warning, "")),
        *map(_line, (heads, alignment, *rows)),
        "",
        f"{_text(board.suite.title)}{_rest(board)}: {conditions}",
        "",
        "<!-- /tiltyard -->",
    ]
    return "\n".join(lines) + "\n"


def _groups(groups: Table) -> str:
    """Return the mean gaps by group, a row an implementation."""
    names, *columns = zip(*(row for row in groups.rows), strict=True)
    heads = ["implementation", *(cell.text for cell in names)]
    rows = [
        [_code(column.label), *(cell.text for cell in cells)]
        for column, cells in zip(groups.columns[1:], columns, strict=True)
    ]
    alignment = ["---", *["---:"] * len(names)]
    lines = [f"## {groups.caption}", "", *map(_line, (heads, alignment, *rows))]
    return "\n".join(lines) + "\n"


def _rest(board: Board) -> str:
    """Return how many rows are not shown, and whether some of them tie with the last one shown."""
    shown, hidden = board.rows[:_TOP], board.rows[_TOP:]
    if not hidden:
        return ""
    last = shown[-1].rank
    ties = 0 if last is None else sum(row.rank == last for row in hidden)
    also = f", of which {ties} share{'s' if ties == 1 else ''} rank {last}" if ties else ""
    return f", best {_TOP} of {len(board.rows)} rows{also}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(name: str) -> str:
    """Return a name as a code span, in which GitHub reads no HTML and no emphasis."""
    name = legible(name).replace("|", "\\|")
    fence = "`"
    while fence in name:
        fence += "`"
    pad = " " if "`" in name else ""
    return f"{fence}{pad}{name}{pad}{fence}"


def _text(value: str) -> str:
    """Return plain text with what Markdown and HTML would read escaped."""
    value = legible(value).replace("&", "&amp;").replace("<", "&lt;")
    for mark in "\\`*_[]|":
        value = value.replace(mark, f"\\{mark}")
    return value
