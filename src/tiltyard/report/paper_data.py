"""The data behind the figures for papers, and its CSV: what is drawn, with every digit."""

from __future__ import annotations

import csv
import io
import math
import sys
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction

from tiltyard.board import Board
from tiltyard.report.svg import Points
from tiltyard.run.record import Status
from tiltyard.stats import RATIO_LIMIT, sustained

Lines = dict[str, Points]
"""Points by implementation, best first; one without points is left out."""


def profiles(board: Board, targets: Sequence[float]) -> Lines:
    """Return each implementation's performance profile, averaged over targets.

    It is the share of runs within a ratio of the best implementation's median time on the same
    problem (Dolan & More 2002, doi:10.1007/s101070100263): taken over seeds, then problems, then
    targets. Over all targets of the suite, the area under it on a logarithmic axis is the score.

    Args:
        board: whose runs are counted.
        targets: at least one of the suite's.

    Returns:
        (ratio, share) at 1, wherever the share grows, and at ``RATIO_LIMIT``.
    """
    steps: dict[str, list[tuple[float, Fraction]]] = {row.implementation: [] for row in board.rows}
    for target in targets:
        for problem in board.problems:
            costs = {name: _costs(board, name, problem, target) for name in steps}
            medians = [known[(len(known) - 1) // 2] for known in costs.values() if known]
            best = max(min(medians, default=math.inf), sys.float_info.min)
            for name, known in costs.items():
                weight = Fraction(1, max(len(known), 1))
                # The ratio of inf to inf is no ratio: nobody reached the target.
                steps[name] += [(max(c / best, 1.0), weight) for c in known if math.isfinite(c)]
    found = {}
    for row in board.rows:
        if row.problems:
            whole = Fraction(1, len(targets) * row.problems)
            found[row.implementation] = _corners(sorted(steps[row.implementation]), whole)
    return found


def gaps(board: Board) -> dict[str, list[tuple[str, float]]]:
    """Return each implementation's final gaps: the median over seeds, by problem.

    Returns:
        (problem, gap); inf where most runs failed. Pairs that are unsupported, and gaps that are
        NaN, are left out.
    """
    lines = {
        row.implementation: [(one, board.gap(row.implementation, one)) for one in board.problems]
        for row in board.rows
    }
    known = {name: [p for p in points if not math.isnan(p[1])] for name, points in lines.items()}
    return {name: points for name, points in known.items() if points}


def work_precision(board: Board) -> Lines:
    """Return each implementation's (median sustained seconds, target), of targets it reached."""
    lines = {
        row.implementation: [(s, t) for t, s in row.seconds.items() if math.isfinite(s)]
        for row in board.rows
    }
    return {name: points for name, points in lines.items() if points}


def to_csv(
    board: Board,
    heads: tuple[str, str],
    lines: Mapping[str, Sequence[tuple[str | float, float]]],
) -> str:
    """Return points as CSV (RFC 4180, but lines end in a line feed), each with where it is from.

    Args:
        board: where the points come from.
        heads: the names of their two values.
        lines: points by implementation; numbers are written so that they read back the same.
    """
    buffer = io.StringIO()
    # All text is quoted: the writer itself would leave a carriage return bare.
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["suite", "tier", "pool", "implementation", *heads])
    for name, points in lines.items():
        for first, second in points:
            cells = [first if isinstance(first, str) else float(first), float(second)]
            writer.writerow([board.suite.name, board.tier, board.pool, name, *cells])
    return buffer.getvalue()


def _costs(board: Board, implementation: str, problem: str, target: float) -> list[float]:
    """Return the sustained seconds of every run that is supported, sorted; inf if missed."""
    found = []
    for run in board.runs(implementation, problem):
        if run.status != Status.UNSUPPORTED:
            point = sustained(run, board.suite.gap, target)
            found.append(math.inf if point is None else point.seconds)
    return sorted(found)


def _corners(steps: Sequence[tuple[float, Fraction]], whole: Fraction) -> Points:
    """Return the running sum of the steps' weights times ``whole``, exact before it is rounded."""
    ratios, heights, total = [1.0], [0.0], Fraction(0)
    for ratio, weight in steps[: bisect_right(steps, RATIO_LIMIT, key=lambda step: step[0])]:
        total += weight * whole
        if ratio > ratios[-1]:
            ratios.append(ratio)
            heights.append(0.0)
        heights[-1] = float(total)
    if ratios[-1] < RATIO_LIMIT:
        ratios.append(RATIO_LIMIT)
        heights.append(heights[-1])
    return list(zip(ratios, heights, strict=True))
