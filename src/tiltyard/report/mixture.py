"""Heat maps of what mixtures chose: the weight of each part on each problem."""

from __future__ import annotations

import html
from collections.abc import Mapping

from tiltyard.board import Board
from tiltyard.report.figures import Figure
from tiltyard.report.format import share
from tiltyard.report.view import TierView

LEFT, TOP, CELL = 230, 118, 15
"""Room for the names of problems and of parts, and the side of a cell."""

_NAME = 34
"""Characters of a problem's name that fit."""

Weights = dict[str, dict[str, float]]
"""Of each problem, the mean weight of each part."""


def heat_maps(tier: TierView) -> list[Figure]:
    """Return a heat map for each implementation whose certificates tell weights of its parts."""
    maps = {row.implementation: weights(tier.board, row.implementation) for row in tier.board.rows}
    return [_figure(name, found) for name, found in maps.items() if found]


def weights(board: Board, name: str) -> Weights:
    """Return the weights that the certificates of an implementation's runs tell; mostly none."""
    prefix = board.suite.mixture
    found: Weights = {}
    for problem in board.problems if prefix else ():
        runs = board.runs(name, problem)
        parts = [_parts(run.certificate, prefix) for run in runs]
        parts = [one for one in parts if one]
        if parts:
            keys = dict.fromkeys(key for one in parts for key in one)
            found[problem] = {
                key: sum(one.get(key, 0.0) for one in parts) / len(parts) for key in keys
            }
    return found


def parts_of(found: Weights) -> list[str]:
    """Return the names of the parts, in order."""
    return sorted({part for one in found.values() for part in one}, key=_in_order)


def in_cells(found: Weights) -> list[tuple[str, float]]:
    """Return each weight with its problem and part, as a row of a table."""
    return [
        (f"{problem}: {part}", one.get(part, 0.0))
        for problem, one in found.items()
        for part in parts_of(found)
    ]


def _parts(certificate: Mapping[str, object], prefix: str) -> dict[str, float]:
    return {
        key.removeprefix(prefix): float(value)
        for key, value in certificate.items()
        if key.startswith(prefix) and isinstance(value, int | float)
    }


def _figure(name: str, found: Weights) -> Figure:
    parts = parts_of(found)
    width, height = LEFT + CELL * len(parts) + 8, TOP + CELL * len(found) + 8
    most = max((value for one in found.values() for value in one.values()), default=0.0) or 1.0
    drawn = [_heading(part, column) for column, part in enumerate(parts)]
    for row, (problem, one) in enumerate(found.items()):
        drawn.append(_label(problem, row))
        drawn += [
            _cell(f"{problem}, {part}: {share(one[part])}", row, column, one[part] / most)
            for column, part in enumerate(parts)
            if one.get(part, 0.0) > 0.0
        ]
    described = "; ".join(f"{problem}: {_largest(one)}" for problem, one in found.items())
    svg = (
        f'<svg class="plot heat" viewBox="0 0 {width} {height}" role="img">'
        f"<title>What {html.escape(name)} chose</title><desc>{html.escape(described)}</desc>"
        f"{''.join(drawn)}</svg>"
    )
    caption = f"{name}: mean weights, from none to the darkest, {share(most)}."
    return Figure(svg, caption)


def _in_order(part: str) -> tuple[str, int]:
    """Return what sorts ``period 7`` before ``period 12``."""
    word, _, count = part.rpartition(" ")
    return (word, int(count)) if count.isdecimal() else (part, 0)


def _largest(weights: Mapping[str, float]) -> str:
    first = sorted(weights, key=lambda part: -weights[part])[:3]
    return ", ".join(f"{part} {share(weights[part])}" for part in first)


def _heading(part: str, column: int) -> str:
    x = LEFT + CELL * column + 11
    return (
        f'<text class="note" transform="translate({x} {TOP - 6}) rotate(-90)">'
        f"{html.escape(part)}</text>"
    )


def _label(problem: str, row: int) -> str:
    short = problem if len(problem) <= _NAME else f"{problem[: _NAME - 1]}…"
    y = TOP + CELL * row + 11
    return (
        f'<text class="note" x="{LEFT - 6}" y="{y}" text-anchor="end">{html.escape(short)}</text>'
    )


def _cell(tip: str, row: int, column: int, strength: float) -> str:
    x, y = LEFT + CELL * column, TOP + CELL * row
    return (
        f'<rect x="{x}" y="{y}" width="{CELL - 1}" height="{CELL - 1}" '
        f'fill-opacity="{strength:.3f}"><title>{html.escape(tip)}</title></rect>'
    )
