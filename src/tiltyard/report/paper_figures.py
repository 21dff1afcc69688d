"""Draws the figures of a board for papers with Matplotlib, one column wide."""

from __future__ import annotations

import io
import math
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from tiltyard.board import Board
from tiltyard.report.conditions import SMOKE
from tiltyard.report.format import code_point, legible
from tiltyard.report.paper_data import Lines
from tiltyard.report.summary import caution
from tiltyard.report.svg import Axis, log_axis
from tiltyard.stats import RATIO_LIMIT, Unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.4
"""Inches: a column of most journals."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9")
"""Okabe & Ito (2008), without yellow, which is too pale for a line."""

DASHES = ("-", "--", ":", "-.")
MARKERS = "osD^vX*P<>h"

FORMATS = {"pdf": "CreationDate", "svg": "Date"}
"""The suffixes of figures, and what each calls the date that is left out."""

NAME = 30
"""Characters of a name that fit; longer ones lose their middle (their CSV has all of it)."""

_PLOT, _LINE, _ROW = 1.7, 0.13, 0.16
"""Inches: the height of the axes, of a line of text, of an implementation's row of gaps."""

_FLOOR = 1e-8
"""Of the tightest target: gaps below are drawn on the edge."""

_RC = {
    "font.size": 7.0,
    "legend.fontsize": 6.0,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "text.parse_math": False,  # a name may hold dollars
    "pdf.fonttype": 42,  # TrueType: journals refuse Type 3
    "svg.hashsalt": "tiltyard",
}


def draw_profiles(board: Board, lines: Lines, of: str) -> Figure:
    """Return the performance profiles as steps.

    Args:
        board: whose implementations they are.
        lines: from ``paper_data.profiles``.
        of: the targets, for the axis.
    """
    axis = log_axis(f"time, as a ratio to the best ({of})", 1.0, RATIO_LIMIT)
    return _draw_shares(board, lines, axis)


def draw_data_profiles(board: Board, lines: Lines, of: str) -> Figure:
    """Return the data profiles as steps.

    Args:
        board: whose implementations they are.
        lines: from ``paper_data.data_profiles``.
        of: the targets, for the axis.
    """
    calls = [cost for points in lines.values() for cost, _ in points] or [1.0]
    return _draw_shares(
        board, lines, log_axis(f"weighted oracle calls ({of})", min(calls), max(calls))
    )


def _draw_shares(board: Board, lines: Lines, across: Axis) -> Figure:
    """Return shares of runs as steps over an axis."""
    with look():
        figure, axes = start(board, len(lines))
        _scale(axes, "x", across)
        axes.set(ylim=(0.0, 1.04), ylabel="share of runs")  # a line at 1 is not on the edge
        style = _styles(board)
        for name, points in reversed(lines.items()):  # the best comes last, on top
            axes.step(*zip(*points, strict=True), where="post", markevery=0.2, **style[name])
        _legend(figure, axes, board, lines)
        return figure


def draw_gaps(board: Board, lines: Mapping[str, Sequence[tuple[str, float]]]) -> Figure:
    """Return the final gaps by implementation: a stroke a problem, a dot at their median.

    Args:
        board: whose implementations they are.
        lines: from ``paper_data.gaps``; what failed is a cross at the right edge.
    """
    targets = board.suite.targets
    values = {name: sorted(gap for _, gap in points) for name, points in lines.items()}
    known = [gap for row in values.values() for gap in row if 0 < gap < math.inf]
    low = max(min(known, default=targets[-1]), targets[-1] * _FLOOR)
    axis = log_axis(f"final {board.suite.gap}", low, max(known, default=targets[0]))
    with look():
        figure, axes = start(board, 0, height=_ROW * max(len(lines), 3))
        _scale(axes, "x", axis)
        style, short = _styles(board), _short_names(board)
        for at, (name, row) in enumerate(values.items()):
            colour = style[name]["color"]
            ended = [_clip(gap, axis) for gap in row if math.isfinite(gap)]
            failed = len(row) - len(ended)
            axes.plot(ended, [at] * len(ended), "|", color=colour, markersize=6, alpha=0.6)
            axes.plot([axis.high] * failed, [at] * failed, "x", color=colour, clip_on=False)
            if math.isfinite(row[len(row) // 2]):
                axes.plot(_clip(row[len(row) // 2], axis), at, "o", color=colour)
        for target in targets:
            if axis.low < target < axis.high:
                axes.axvline(target, color="0.7", linewidth=0.5, linestyle=":", zorder=0)
        axes.set_yticks(range(len(lines)), [short[name] for name in lines])
        axes.set_ylim(max(len(lines), 1) - 0.5, -0.5)
        _say_if_empty(axes, lines)
        return figure


def draw_work_precision(board: Board, lines: Lines, unit: Unit = "seconds") -> Figure:
    """Return the median cost of each target.

    Args:
        board: whose implementations they are.
        lines: from ``paper_data.work_precision``.
        unit: of the cost.
    """
    costs = [x for points in lines.values() for x, _ in points if x > 0] or [1.0]
    what = "time to the target [s]" if unit == "seconds" else "weighted oracle calls to the target"
    across = log_axis(f"median {what}", min(costs), max(costs))
    targets = board.suite.targets
    with look():
        figure, axes = start(board, len(lines))
        _scale(axes, "x", across)
        _scale(axes, "y", log_axis(f"target of {board.suite.gap}", targets[-1], targets[0]))
        style = _styles(board)
        for name, points in reversed(lines.items()):
            at = [(_clip(cost, across), target) for cost, target in points]
            axes.plot(*zip(*at, strict=True), clip_on=False, **style[name])
        _legend(figure, axes, board, lines)
        return figure


def draw_over(board: Board, lines: Lines, across: str, up: str) -> Figure:
    """Return lines, or single points, over two logarithmic axes.

    Args:
        board: whose implementations they are.
        lines: positive points by implementation.
        across: the label of the first axis.
        up: that of the second.
    """
    points = [point for one in lines.values() for point in one] or [(1.0, 1.0)]
    x, y = ([point[i] for point in points] for i in (0, 1))
    with look():
        figure, axes = start(board, len(lines))
        _scale(axes, "x", log_axis(across, min(x), max(x)))
        _scale(axes, "y", log_axis(up, min(y), max(y)))
        style = _styles(board)
        for name, one in reversed(lines.items()):
            axes.plot(*zip(*one, strict=True), clip_on=False, **style[name])
        _legend(figure, axes, board, lines)
        return figure


def saved(figure: Figure, suffix: str, title: str) -> bytes:
    """Return a figure as a file: a PDF with its fonts, or an SVG with its text as outlines.

    Args:
        figure: from one of the functions above.
        suffix: one of ``FORMATS``.
        title: for readers of the file's own description.
    """
    buffer = io.BytesIO()
    with look():
        figure.savefig(buffer, format=suffix, metadata={"Title": title, FORMATS[suffix]: None})
    return buffer.getvalue()


def look() -> AbstractContextManager[None]:
    """Return a context with Matplotlib's own style and ours over it, whatever the user's is."""
    from matplotlib import style

    return style.context(["default", _RC])


def start(board: Board, names: int, height: float = _PLOT) -> tuple[Figure, Axes]:
    """Return an empty figure with room for a legend of so many names, and its axes.

    What a reader must be warned of stands above.
    """
    from matplotlib.figure import Figure

    warnings = [SMOKE] if board.tier == "smoke" else []
    note = "\n".join(textwrap.wrap(" ".join([*warnings, caution(board)]), 64))
    room = _LINE * (2 + math.ceil(names / 2) + note.count("\n"))
    figure = Figure(figsize=(WIDTH, height + room + 0.4), layout="constrained")
    if note:
        figure.suptitle(note, fontsize=6.0)
    return figure, figure.subplots()


def _scale(axes: Axes, name: Literal["x", "y"], scale: Axis) -> None:
    """Give an axis the range, the ticks and the label of a logarithmic scale."""
    axes.set(**{f"{name}scale": "log", f"{name}lim": (scale.low, scale.high)})
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_ticks([value for value, _ in scale.ticks], [text for _, text in scale.ticks])
    axis.set_ticks([], minor=True)
    axis.set_label_text(drawable(scale.label))


def _legend(figure: Figure, axes: Axes, board: Board, lines: Lines) -> None:
    """Name the lines below the axes, best first; say so where there are none."""
    short = _short_names(board)
    for line, name in zip(axes.lines, reversed(lines), strict=True):
        line.set_label(short[name])
    if lines:
        figure.legend(handles=axes.lines[::-1], loc="outside lower center", ncols=2, frameon=False)
    _say_if_empty(axes, lines)


def _say_if_empty(axes: Axes, lines: Mapping[str, object]) -> None:
    if not lines:
        text = "there is nothing to draw"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center")


def _styles(board: Board) -> dict[str, dict[str, Any]]:
    """Return a colour, dashes and a marker for each implementation, the same in every figure."""
    return {
        row.implementation: {
            "color": COLOURS[index % len(COLOURS)],
            "linestyle": DASHES[index // len(COLOURS) % len(DASHES)],
            "marker": MARKERS[index % len(MARKERS)],
        }
        for index, row in enumerate(board.rows)
    }


def _short_names(board: Board) -> dict[str, str]:
    """Return names that fit a legend; those that would look alike are numbered."""
    short = {}
    for row in board.rows:
        name = drawable(row.implementation)
        kept = NAME // 2
        short[row.implementation] = name if len(name) <= NAME else f"{name[:kept]}…{name[-kept:]}"
    times = Counter(short.values())
    seen: Counter[str] = Counter()
    for name, text in short.items():
        seen[text] += 1
        if times[text] > 1:
            short[name] = f"{text} ({seen[text]})"
    return short


def drawable(text: str) -> str:
    """Return legible text; a character that the font lacks is spelled by its number."""
    known = _characters()
    return "".join(c if ord(c) in known else code_point(c) for c in legible(text))


@cache
def _characters() -> frozenset[int]:
    """Return the code points of the font, which Matplotlib brings along."""
    from matplotlib import font_manager, ft2font

    font = ft2font.FT2Font(font_manager.findfont("DejaVu Sans"))
    return frozenset(font.get_charmap())


def _clip(value: float, axis: Axis) -> float:
    return min(max(value, axis.low), axis.high)
