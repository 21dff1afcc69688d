r"""A leaderboard as a LaTeX table; it needs ``\usepackage{booktabs}`` and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tiltyard.board import Board, Row
from tiltyard.report.accuracy import SCORE, Measure, measures
from tiltyard.report.addresses import board_stem
from tiltyard.report.conditions import SMOKE, Environments, describe_board, in_words
from tiltyard.report.format import NOT_APPLICABLE, level, seconds, share
from tiltyard.report.summary import (
    caution,
    leaders,
    place,
    score_error,
    telling_targets,
)
from tiltyard.report.tables import gap
from tiltyard.report.tex import breakable, escape, quantity

LONG = 32
"""Characters of TeX; a longer name is broken into several lines."""

_DIGITS = 5
"""After the point, at most."""

_NOTE = (
    r"Rank with its 95\,\% interval, ties marked by =; score: area under the performance profile, "
    r"mean over the targets, $\pm$ its standard error over problems; then the share of runs that "
    r"kept a gap, the median time to the tightest of them, and the median final gap."
)
_ACCURACY_NOTE = (
    r"Rank with its 95\,\% interval, ties marked by =; score: "
    rf"{SCORE}, $\pm$ its standard error over problems; then the averages of its metrics, its "
    r"times, and the median final gap."
)
_BOLD = " Bold: ranks whose interval holds rank 1."


def leaderboard_latex(board: Board, environments: Environments) -> str:
    """Return a board as a table environment with its caption and label.

    Args:
        board: whose rows are shown.
        environments: the store's, for the hardware in words.
    """
    extra = measures(board)
    targets = [] if extra else telling_targets(board)[1::-1]  # more do not fit a page's width
    bold = leaders(board)
    heads = _heads(targets, extra)
    columns = "ll" + "r" * (len(heads) - 2)
    title = f"{escape(board.suite.title)}, tier {escape(board.scope)}"
    label = board_stem(board).replace("~", "-")  # in TeX a space
    lines = [
        r"% Made by tiltyard report; it needs \usepackage{booktabs} and LaTeX of 2020 or later.",
        r"\begin{table}",
        r"  \centering",
        rf"  \caption[{{{title}}}]{{{_caption(board, environments, title, bold)}}}",
        rf"  \label{{tab:tiltyard-{label}}}",
        r"  \vspace{1ex}",
        r"  \footnotesize",
        r"  \setlength{\tabcolsep}{2.5pt}",
        rf"  \begin{{tabular}}{{@{{}}{columns}@{{}}}}",
        r"    \toprule",
        _line(heads),
        r"    \midrule",
        *(_line(_cells(board, row, targets, bold)) for row in board.rows),
        r"    \bottomrule",
        r"  \end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _caption(board: Board, environments: Environments, title: str, bold: set[str]) -> str:
    smoke = rf"\textbf{{{escape(SMOKE)}.}} " if board.tier == "smoke" else ""
    note = caution(board)
    conditions = in_words(describe_board(board, environments), escape)
    parts = [f"{smoke}{title}.", *([escape(note)] if note else []), f"Conditions: {conditions}."]
    note = _ACCURACY_NOTE if board.suite.ranking == "gap" else _NOTE
    return " ".join([*parts, note]) + (_BOLD if bold else "")


def _heads(targets: Sequence[float], extra: Sequence[Measure]) -> list[str]:
    shown = [escape(one.head) for one in extra]
    shown += [rf"$\leq$ {quantity(level(target))}" for target in targets]
    shown += [f"to {quantity(level(target))}" for target in targets[-1:]]
    return ["rank", "implementation", "score", "problems", *shown, "gap"]


def _cells(board: Board, row: Row, targets: Sequence[float], bold: set[str]) -> list[str]:
    """Return a row's cells; the rank comes first, as a bracket there would be read by TeX."""
    rank = escape(place(board, row))
    score, error = _score(row.score, score_error(board, row.implementation))
    if row.implementation in bold:
        rank, score = rf"\textbf{{{rank}}}", rf"\textbf{{{score}}}"
    return [
        "--" if rank == NOT_APPLICABLE else rank,
        _name(row.implementation),
        score + error,
        f"{row.problems}/{len(board.problems)}",
        *(quantity(one.text(one.value(row))) for one in measures(board)),
        *(quantity(share(row.reached[target])) for target in targets),
        *(quantity(seconds(row.seconds[target])) for target in targets[-1:]),
        quantity(gap(row)),
    ]


def _name(name: str) -> str:
    """Return a name in a line, or a long one in a box of several."""
    if len(escape(name)) <= LONG:
        return rf"\texttt{{{escape(name)}}}"
    return rf"\parbox[t]{{0.2\linewidth}}{{\raggedright\texttt{{{breakable(name)}}}\strut}}"


def _score(value: float, error: float) -> tuple[str, str]:
    """Return a score and its standard error, rounded to the error's second digit."""
    if math.isnan(value):
        return "--", ""
    if math.isnan(error):
        return f"{value:.3f}", ""
    digits = 3 if error == 0 else min(max(1 - math.floor(math.log10(error)), 2), _DIGITS)
    return f"{value:.{digits}f}", rf" $\pm$ {error:.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return rf"    {' & '.join(cells)} \\"
