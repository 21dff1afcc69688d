"""How time and gap grow with a parameter of a problem family, all others being equal."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tiltyard.board import Board
from tiltyard.names import parse_name
from tiltyard.report.figures import Figure
from tiltyard.report.paper_data import Lines
from tiltyard.report.svg import Plot, log_axis
from tiltyard.report.view import TierView

FEWEST = 3
"""How many values of a parameter make a curve."""

SAMPLES = frozenset({"instance", "seed", "first"})
"""Parameters that draw another sample of the same kind: no curve is over them."""

_FLOOR = 1e-3
"""Of the tightest target: gaps below are drawn there."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Problems of one family that differ in one parameter.

    Attributes:
        family: whose problems they are.
        parameter: what differs, a positive number.
        others: the parameters that are equal, as names spell them.
        problems: for each value the problems that have it, samples of the same kind.
    """

    family: str
    parameter: str
    others: str
    problems: Mapping[float, Sequence[str]]


def growths(board: Board) -> list[Growth]:
    """Return what a board's problems tell of growth, in order of families and parameters.

    Problems are alike if all parameters but one, and but those that draw samples, are equal. Of
    several sets of a family and parameter the one with the most values counts, then the first.
    """
    sets: dict[tuple[str, str], dict[str, dict[float, list[str]]]] = defaultdict(dict)
    for problem in board.problems:
        family, parameters = parse_name(problem)
        kept = {key: text for key, text in parameters.items() if key not in SAMPLES}
        for key, text in kept.items():
            value = _positive(text)
            if not math.isnan(value):
                others = ",".join(f"{k}={v}" for k, v in kept.items() if k != key)
                values = sets[family, key].setdefault(others, defaultdict(list))
                values[value].append(problem)
    found = []
    for (family, parameter), alike in sorted(sets.items()):
        others, longest = max(alike.items(), key=lambda item: len(item[1]))
        if len(longest) >= FEWEST:
            found.append(Growth(family, parameter, others, dict(sorted(longest.items()))))
    return found


def lines(board: Board, growth: Growth, of: str) -> Lines:
    """Return (value, geometric mean over problems and seeds) by implementation, best first.

    Args:
        board: whose runs count.
        growth: over which problems.
        of: ``seconds`` of whole runs, or ``gap``, the final one; runs that failed have none.
    """
    seconds = board.spent("seconds") if of == "seconds" else np.empty(0)
    floor = board.suite.targets[-1] * _FLOOR
    drawn: Lines = {}
    for row in board.rows:
        name = row.implementation
        points = []
        for value, problems in growth.problems.items():
            if of == "gap":
                found = np.array([max(board.gap(name, one), floor) for one in problems])
            else:
                places = [board.problems.index(one) for one in problems]
                found = seconds[board.implementations.index(name), places].ravel()
            known = found[np.isfinite(found) & (found > 0)]
            if known.size:
                points.append((value, float(np.exp(np.log(known).mean()))))
        if points:
            drawn[name] = points
    return drawn


def figures_of(tier: TierView) -> list[Figure]:
    """Return the time and the gap of every growth, for a page."""
    drawn = []
    for growth in growths(tier.board):
        for of, label in (("seconds", "seconds a run"), ("gap", f"final {tier.board.suite.gap}")):
            found = lines(tier.board, growth, of)
            if found:
                drawn.append(_figure(tier, growth, label, found))
    return drawn


def _figure(tier: TierView, growth: Growth, label: str, found: Lines) -> Figure:
    values = [value for points in found.values() for _, value in points]
    ends = "; ".join(f"{name}: {points[-1][1]:.3g}" for name, points in found.items())
    plot = Plot(
        f"{growth.family}: {label} over {growth.parameter}",
        f"Geometric means over problems of {growth.others or 'one kind'}. At the end: {ends}.",
        log_axis(growth.parameter, min(growth.problems), max(growth.problems)),
        log_axis(label, min(values), max(values)),
    )
    for name in reversed(found):
        plot.line(name, found[name], tier.style[name])
        for point in found[name]:
            plot.mark(name, point, tier.style[name])
    caption = f"{growth.family}: {label} over {growth.parameter}"
    caption += f", where {growth.others}" if growth.others else ""
    return Figure(plot.text(), caption, [(name, tier.style[name]) for name in found])


def _positive(text: str) -> float:
    """Return a positive number, NaN for any other text."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if 0.0 < value < math.inf else math.nan
