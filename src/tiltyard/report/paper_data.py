"""The data behind the figures for papers, and its CSV: what is drawn, with every digit."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

import numpy as np

from tiltyard.analysis import Analysis
from tiltyard.board import Board
from tiltyard.report.svg import Points
from tiltyard.stats import RATIO_LIMIT, Profile, Unit, median_of_runs

Lines = dict[str, Points]
"""Points by implementation, best first; one without points is left out."""


def profiles(board: Board, target: float | None) -> Lines:
    """Return each implementation's performance profile as the corners of a step function.

    Args:
        board: whose runs are counted.
        target: one of the suite's; None averages over all of them.

    Returns:
        (ratio, share) at 1, wherever the share grows, and at ``RATIO_LIMIT``.
    """
    found = Analysis(board).performance_profiles(target)
    return {
        name: _steps(profile, 1.0, RATIO_LIMIT)
        for name, profile in found.items()
        if profile.problems
    }


def data_profiles(board: Board, target: float | None) -> Lines:
    """Return each implementation's data profile as the corners of a step function.

    Args:
        board: whose runs are counted.
        target: one of the suite's; None averages over all of them.

    Returns:
        (weighted oracle calls, share) from the fewest with which any run reached the target to the
        most; nothing where no run that counted its calls did.
    """
    found = Analysis(board).data_profiles(target)
    costs = [cost for profile in found.values() for cost in profile.at.tolist() if cost > 0]
    if not costs:
        return {}
    ends = min(costs), max(costs)
    return {name: _steps(profile, *ends) for name, profile in found.items() if profile.problems}


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


def work_precision(board: Board, unit: Unit = "seconds") -> Lines:
    """Return each implementation's (median sustained cost, target), of targets it reached.

    Args:
        board: whose runs are counted.
        unit: of the cost: seconds, or weighted oracle calls where they were counted.
    """
    lines: Lines = {}
    for row in board.rows:
        index = board.implementations.index(row.implementation)
        costs = {target: board.costs(target, unit)[index] for target in board.suite.targets}
        medians = {
            target: float(median_of_runs(values[~np.isnan(values)], upper=True))
            for target, values in costs.items()
        }
        points = [(cost, target) for target, cost in medians.items() if math.isfinite(cost)]
        if points:
            lines[row.implementation] = points
    return lines


def answers(board: Board, of: str) -> Lines:
    """Return the mean gap of each implementation over what an answer costs, one point each.

    Args:
        board: of a suite that ranks by the gap; there are no points of another.
        of: ``latency``, seconds a call, or ``parameters``, where a model without any has one.
    """
    suite, lines = board.suite, Lines()
    names = {metric.name for metric in suite.metrics}
    if suite.ranking != "gap" or (of == "parameters" and of not in names):
        return lines
    for row in board.rows:
        cost = row.latency if of == "latency" else max(row.metrics[of], 1.0)
        gap = row.metrics[suite.gap]
        if math.isfinite(cost) and cost > 0 and math.isfinite(gap) and gap > 0:
            lines[row.implementation] = [(cost, gap)]
    return lines


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
    track = {"track": board.track} if board.track else {}
    kind = {"kind": board.kind} if board.kind else {}
    where = {"suite": board.suite.name, **track, **kind, "tier": board.tier, "pool": board.pool}
    writer.writerow([*where, "implementation", *heads])
    for name, points in lines.items():
        for first, second in points:
            cells = [first if isinstance(first, str) else float(first), float(second)]
            writer.writerow([*where.values(), name, *cells])
    return buffer.getvalue()


def _steps(profile: Profile, low: float, high: float) -> Points:
    """Return (at, share) at both ends, and wherever the share grows between them."""
    inside = (profile.at > low) & (profile.at <= high)
    at = [low, *profile.at[inside].tolist()]
    if at[-1] < high:
        at.append(high)
    return list(zip(at, profile(at).tolist(), strict=True))
