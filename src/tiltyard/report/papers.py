"""A board's figures for papers: PDF and SVG for one column, each with its data as CSV.

The same board gives the same bytes with the same Matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tiltyard.board import Board
from tiltyard.report.conditions import in_words
from tiltyard.report.format import legible, level, slug
from tiltyard.report.growth import growths
from tiltyard.report.growth import lines as growth_lines
from tiltyard.report.mixture import in_cells, weights
from tiltyard.report.paper_data import (
    answers,
    data_profiles,
    gaps,
    profiles,
    to_csv,
    work_precision,
)
from tiltyard.report.paper_figures import (
    FORMATS,
    draw_data_profiles,
    draw_gaps,
    draw_over,
    draw_profiles,
    draw_work_precision,
    saved,
)
from tiltyard.report.paper_mixture import draw_mixture
from tiltyard.report.summary import telling_targets
from tiltyard.stats import Unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COSTS: tuple[tuple[str, Unit, str], ...] = (
    ("time-accuracy", "seconds", "seconds"),
    ("cost-accuracy", "oracles", "oracle_calls"),
)


def figures(board: Board) -> Iterator[tuple[str, str | bytes]]:
    """Yield the end of the file name and the content of every figure and of its data.

    ``profile-TARGET`` for each telling target and ``profile-average`` over all of them, the same of
    ``data-profile``, which is over weighted oracle calls, ``gap`` with the final gaps by
    implementation, ``time-accuracy`` and ``cost-accuracy`` with the median seconds and weighted
    oracle calls to each target,
    ``growth-FAMILY-PARAMETER-seconds`` and ``-gap`` where the board has such problems,
    ``accuracy-latency``, ``accuracy-parameters`` and ``mixture-NAME`` where methods answer once.
    """
    targets: list[float | None] = [*telling_targets(board), None]
    for target in targets:
        name = "average" if target is None else level(target)
        of = f"mean over {len(board.suite.targets)} targets" if target is None else f"gap {name}"
        lines = profiles(board, target)
        yield f"profile-{name}.csv", to_csv(board, ("ratio", "share"), lines)
        yield from _files(board, f"profile-{name}", draw_profiles(board, lines, of))
        lines = data_profiles(board, target)
        yield f"data-profile-{name}.csv", to_csv(board, ("oracle_calls", "share"), lines)
        yield from _files(board, f"data-profile-{name}", draw_data_profiles(board, lines, of))
    ends = gaps(board)
    yield "gap.csv", to_csv(board, ("problem", "gap"), ends)
    yield from _files(board, "gap", draw_gaps(board, ends))
    for name, unit, head in _COSTS:
        lines = work_precision(board, unit)
        yield f"{name}.csv", to_csv(board, (head, "target"), lines)
        yield from _files(board, name, draw_work_precision(board, lines, unit))
    for growth in growths(board):
        for of in ("seconds", "gap"):
            lines = growth_lines(board, growth, of)
            up = "time a run [s]" if of == "seconds" else f"final {board.suite.gap}"
            name = f"growth-{slug(growth.family)}-{slug(growth.parameter)}-{of}"
            yield f"{name}.csv", to_csv(board, (growth.parameter, of), lines)
            yield from _files(board, name, draw_over(board, lines, growth.parameter, up))
    yield from _answers(board)


def _answers(board: Board) -> Iterator[tuple[str, str | bytes]]:
    """Yield the figures of a board that ranks by the gap."""
    for of, label in (("latency", "time a call [s]"), ("parameters", "parameters")):
        if lines := answers(board, of):
            yield f"accuracy-{of}.csv", to_csv(board, (of, "gap"), lines)
            up = f"final {board.suite.gap}, geometric mean"
            yield from _files(board, f"accuracy-{of}", draw_over(board, lines, label, up))
    for row in board.rows:
        if shares := weights(board, row.implementation):
            name = f"mixture-{slug(row.implementation)}"
            cells = {row.implementation: in_cells(shares)}
            yield f"{name}.csv", to_csv(board, ("problem: part", "weight"), cells)
            yield from _files(board, name, draw_mixture(board, row.implementation, shares))


def _files(board: Board, name: str, figure: Figure) -> Iterator[tuple[str, bytes]]:
    where = in_words({"tier": board.scope, "pool": board.pool})
    title = legible(f"{board.suite.title}: {name}, {where}")
    for suffix in FORMATS:
        yield f"{name}.{suffix}", saved(figure, suffix, title)
