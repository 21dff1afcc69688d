"""The figures of a board: performance profiles and convergence curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tiltyard.board import Board
from tiltyard.report.format import count, level, number, seconds, share
from tiltyard.report.svg import Axis, Plot, Points, log_axis
from tiltyard.run.record import Record, Status
from tiltyard.stats import RATIO_LIMIT, sustained

COLOURS, DASHES = 7, 4
"""How many the style sheet has; together they tell 28 implementations apart."""

_DESCRIBED = 12
_BELOW = 1e-3
_ABOVE = 100.0


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its legend.

    Attributes:
        svg: the SVG element.
        caption: what it shows.
        legend: the names in it, each with the class that styles its line.
    """

    svg: str
    caption: str
    legend: Sequence[tuple[str, str]]


def styles(names: Sequence[str]) -> dict[str, str]:
    """Return the classes that colour and dash each implementation's line."""
    return {
        name: f"s{index % COLOURS} d{index // COLOURS % DASHES}" for index, name in enumerate(names)
    }


def profile(board: Board, target: float, style: dict[str, str]) -> Figure:
    """Return the Dolan-More performance profile for one target."""
    ratios = _ratios(board, target)
    lines = {name: _steps(values) for name, values in ratios.items() if values}
    described = [
        f"{name}: {share(points[0][1])} at ratio 1, {share(points[-1][1])} at ratio {RATIO_LIMIT:g}"
        for name, points in list(lines.items())[:_DESCRIBED]
    ]
    plot = Plot(
        f"Performance profile for gap {level(target)}",
        f"Share of problems on which each implementation's median time to gap {level(target)} is "
        f"within a ratio of the best one's. {'; '.join(described)}.",
        log_axis("time, as a ratio to the best", 1.0, RATIO_LIMIT),
        Axis(
            "share of problems",
            0.0,
            1.04,  # so that a line at 1 is not the plot's edge
            log=False,
            ticks=tuple((v / 4, f"{v / 4:g}") for v in range(5)),
        ),
    )
    for name in reversed(lines):  # the best comes last, on top
        plot.line(name, lines[name], style[name])
    return Figure(plot.text(), f"Gap {level(target)}", [(name, style[name]) for name in lines])


def convergence(board: Board, problem: str, style: dict[str, str]) -> Figure | None:
    """Return the gap against seconds of each implementation's median run on a problem."""
    runs = [(row.implementation, _median_run(board, row.implementation, problem))
            for row in board.rows]  # fmt: skip
    drawn = {name: (run, _curve(run, board.suite.gap)) for name, run in runs if run is not None}
    drawn = {name: pair for name, pair in drawn.items() if pair[1]}
    if not drawn:
        return None
    x, y = _axes(board, [points for _, points in drawn.values()])
    ends = [
        f"{name}: gap {number(points[-1][1])} after {seconds(points[-1][0])}"
        for name, (_, points) in list(drawn.items())[:_DESCRIBED]
    ]
    plot = Plot(
        f"Convergence on {problem}",
        f"Gap against seconds, both logarithmic. {'; '.join(ends)}.",
        x,
        y,
    )
    for target in board.suite.targets:
        if y.low < target < y.high:
            plot.rule(target, f"target {level(target)}")
    for name in reversed(drawn):
        run, points = drawn[name]
        tip = f"{name}, seed {run.spec.seed}, {run.status}"
        plot.line(tip, points, style[name])
        plot.mark(tip, points[-1], style[name], failed=run.status.failed)
    missing = len(runs) - len(drawn)
    caption = f"Of each implementation the seed with the median final {board.suite.gap}"
    if missing:
        caption += f"; {count(missing, 'implementation')} without a judged answer"
    return Figure(plot.text(), caption + ".", [(name, style[name]) for name in drawn])


def representative(board: Board, implementation: str, problem: str, target: float) -> Record | None:
    """Return the run whose sustained seconds are the median that a board shows; None for none."""
    runs = board.runs(implementation, problem)
    taken = [run for run in runs if run.status != Status.UNSUPPORTED] or runs

    def cost(run: Record) -> float:
        point = sustained(run, board.suite.gap, target)
        return math.inf if point is None else point.seconds

    return sorted(taken, key=cost)[len(taken) // 2] if taken else None


def _ratios(board: Board, target: float) -> dict[str, list[float]]:
    """Return each implementation's ratios to the best, over the problems that it takes."""
    costs = {
        (row.implementation, problem): board.seconds(row.implementation, problem, target)
        for row in board.rows
        for problem in board.problems
    }
    ratios: dict[str, list[float]] = {row.implementation: [] for row in board.rows}
    for problem in board.problems:
        known = [costs[name, problem] for name in ratios if not math.isnan(costs[name, problem])]
        best = max(min(known, default=math.inf), 1e-12)
        for name, values in ratios.items():
            cost = costs[name, problem]
            if not math.isnan(cost):
                values.append(max(cost / best, 1.0) if math.isfinite(cost) else math.inf)
    return ratios


def _steps(ratios: Sequence[float]) -> Points:
    """Return the corners of the share of ratios at or below r, for r from 1 to RATIO_LIMIT."""
    within = sorted(ratio for ratio in ratios if ratio <= RATIO_LIMIT)
    height = sum(ratio == 1.0 for ratio in within) / len(ratios)
    points = [(1.0, height)]
    for index, ratio in enumerate(within):
        if ratio > 1.0:
            points.append((ratio, height))
            height = (index + 1) / len(ratios)
            points.append((ratio, height))
    return [*points, (RATIO_LIMIT, height)]


def _median_run(board: Board, implementation: str, problem: str) -> Record | None:
    runs = [run for run in board.runs(implementation, problem) if run.checkpoints]

    def final(run: Record) -> float:
        gap = run.metrics.get(board.suite.gap, math.nan)
        return math.inf if math.isnan(gap) else gap

    return sorted(runs, key=final)[(len(runs) - 1) // 2] if runs else None


def _curve(run: Record, gap: str) -> Points:
    points = ((point.seconds, point.metrics.get(gap, math.nan)) for point in run.checkpoints)
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _axes(board: Board, curves: Sequence[Points]) -> tuple[Axis, Axis]:
    """Return axes around the curves; what is far below the targets or far up is on the edge."""
    times = [x for points in curves for x, _ in points if x > 0] or [1.0]
    gaps = [y for points in curves for _, y in points if y > 0]
    starts = sorted(points[0][1] for points in curves)
    floor = board.suite.targets[-1] * _BELOW
    ceiling = max(starts[len(starts) // 2] * _ABOVE, board.suite.targets[0])
    top = max((min(y, ceiling) for y in gaps), default=1.0)
    bottom = min((y for y in gaps), default=top)
    return (
        log_axis("seconds on the method's clock", min(times), max(times)),
        log_axis(board.suite.gap, min(max(bottom, floor), top), top),
    )
