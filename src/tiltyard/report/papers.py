"""A board's figures for papers: PDF and SVG for one column, each with its data as CSV.

The same board gives the same bytes with the same Matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterator

from tiltyard.board import Board
from tiltyard.report.format import level
from tiltyard.report.paper_data import gaps, profiles, to_csv, work_precision
from tiltyard.report.paper_figures import draw_gaps, draw_profiles, draw_work_precision, saved
from tiltyard.report.summary import telling_targets


def figures(board: Board) -> Iterator[tuple[str, str | bytes]]:
    """Yield the end of the file name and the content of every figure and of its data.

    ``profile-TARGET`` for each telling target and ``profile-average`` over all of them, ``gap``
    with the final gaps by implementation, ``time-accuracy`` with the median time to each target.
    """
    chosen = {level(target): [target] for target in telling_targets(board)}
    for name, targets in {**chosen, "average": list(board.suite.targets)}.items():
        lines = profiles(board, targets)
        of = f"gap {name}" if name in chosen else f"mean over {len(targets)} targets"
        yield f"profile-{name}.csv", to_csv(board, ("ratio", "share"), lines)
        yield from saved(f"profile-{name}", draw_profiles(board, lines, of))
    ends = gaps(board)
    yield "gap.csv", to_csv(board, ("problem", "gap"), ends)
    yield from saved("gap", draw_gaps(board, ends))
    lines = work_precision(board)
    yield "time-accuracy.csv", to_csv(board, ("seconds", "target"), lines)
    yield from saved("time-accuracy", draw_work_precision(board, lines))
