"""Draws what a mixture chose with Matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiltyard.board import Board
from tiltyard.report.mixture import Weights, parts_of
from tiltyard.report.paper_figures import drawable, look, start

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELL = 0.13
"""Inches."""

_NAME = 40


def draw_mixture(board: Board, name: str, found: Weights) -> Figure:
    """Return the mean weights of a mixture's parts as a heat map, a problem a row.

    Args:
        board: whose problems they are.
        name: of the implementation.
        found: from ``mixture.weights``.
    """
    parts = parts_of(found)
    values = [[one.get(part, 0.0) for part in parts] for one in found.values()]
    with look():
        figure, axes = start(board, 0, height=_CELL * len(found) + 1.2)
        figure.set_figwidth(_CELL * len(parts) + 2.4)
        drawn = axes.imshow(values, cmap="Blues", vmin=0.0, aspect="auto")
        axes.set_xticks(range(len(parts)), [drawable(one) for one in parts], rotation=90)
        short = [one if len(one) <= _NAME else f"{one[: _NAME - 1]}\u2026" for one in found]
        axes.set_yticks(range(len(found)), [drawable(one) for one in short])
        axes.tick_params(labelsize=5.0, length=2.0)
        figure.colorbar(drawn, ax=axes, label=drawable(f"mean weight, {name}"), shrink=0.8)
        return figure
