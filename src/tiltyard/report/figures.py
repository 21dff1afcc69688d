"""The figures of a board: performance profiles, convergence, Pareto fronts, duels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tiltyard.report.format import count, level, number, seconds, share
from tiltyard.report.svg import Axis, Plot, Points, Shape, log_axis
from tiltyard.report.view import TierView
from tiltyard.run.record import Record
from tiltyard.stats import RATIO_LIMIT, Profile, Unit

UNITS: dict[Unit, str] = {
    "seconds": "seconds on the method's clock",
    "oracles": "weighted oracle calls",
}

_SHARES = Axis(
    "share of runs",
    0.0,
    1.04,  # so that a line at 1 is not the plot's edge
    log=False,
    ticks=tuple((v / 4, f"{v / 4:g}") for v in range(5)),
)
_BANDS = 3
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
    legend: Sequence[tuple[str, str]] = ()


def profile(tier: TierView, target: float) -> Figure:
    """Return the Dolan-More performance profiles for one target, with bands for the best."""
    found = tier.analysis.performance_profiles(target)
    described = [
        f"{name}: {share(float(one(1.0)))} at ratio 1, "
        f"{share(float(one(RATIO_LIMIT)))} at ratio {RATIO_LIMIT:g}"
        for name, one in list(_taken(found).items())[:_DESCRIBED]
    ]
    plot = Plot(
        f"Performance profile for gap {level(target)}",
        f"Share of runs that come to gap {level(target)} within a ratio of the best "
        f"implementation's median time on the problem. {'; '.join(described)}.",
        log_axis("time, as a ratio to the best", 1.0, RATIO_LIMIT),
        _SHARES,
    )
    return _profiles(tier, found, plot, f"Gap {level(target)}")


def data_profile(tier: TierView, target: float) -> Figure | None:
    """Return the More-Wild data profiles for one target; None where no run of them reached it."""
    found = tier.analysis.data_profiles(target)
    ends = [value for one in found.values() for value in one.at.tolist() if value > 0]
    if not ends:
        return None
    high = max(ends)
    described = [
        f"{name}: {share(float(one(high)))} in the end"
        for name, one in list(_taken(found).items())[:_DESCRIBED]
    ]
    plot = Plot(
        f"Data profile for gap {level(target)}",
        f"Share of runs that come to gap {level(target)} with so many weighted oracle calls. "
        f"{'; '.join(described)}.",
        log_axis("weighted oracle calls", min(ends), high),
        _SHARES,
    )
    return _profiles(tier, found, plot, f"Gap {level(target)}")


def _taken(found: Mapping[str, Profile]) -> dict[str, Profile]:
    return {name: one for name, one in found.items() if one.problems}


def _profiles(tier: TierView, found: Mapping[str, Profile], plot: Plot, caption: str) -> Figure:
    """Draw the profiles of those that take a problem, with bands for the best."""
    drawn = _taken(found)
    for name in list(drawn)[:_BANDS]:
        low, high = _steps(drawn[name], "low", plot.x), _steps(drawn[name], "high", plot.x)
        plot.band(low, high, tier.style[name])
    for name in reversed(drawn):  # the best comes last, on top
        plot.line(name, _steps(drawn[name], "share", plot.x), tier.style[name])
    return Figure(plot.text(), caption, [(name, tier.style[name]) for name in drawn])


def convergence(tier: TierView, problem: str, unit: Unit) -> Figure | None:
    """Return the gap against the cost of each implementation's median run on a problem."""
    runs = [(row.implementation, _median_run(tier, row.implementation, problem))
            for row in tier.board.rows if tier.board.runs(row.implementation, problem)]  # fmt: skip
    curves = {name: (run, _curve(tier, run, unit)) for name, run in runs if run is not None}
    drawn = {name: pair for name, pair in curves.items() if pair[1]}
    if not drawn:
        return None
    x, y = _axes(tier, [points for _, points in drawn.values()], unit)
    ends = [
        f"{name}: gap {number(points[-1][1])} after {_spent(points[-1][0], unit)}"
        for name, (_, points) in list(drawn.items())[:_DESCRIBED]
    ]
    plot = Plot(
        f"Convergence on {problem} in {unit}",
        f"Gap against {UNITS[unit]}, both logarithmic. {'; '.join(ends)}.",
        x,
        y,
    )
    for target in tier.board.suite.targets:
        if y.low < target < y.high:
            plot.rule(target, f"target {level(target)}")
    for name in reversed(drawn):
        run, points = drawn[name]
        tip = f"{name}, seed {run.spec.seed}, {run.status}"
        plot.line(tip, points, tier.style[name])
        shape: Shape = "cross" if run.status.failed else "dot"
        plot.mark(tip, points[-1], tier.style[name], shape)
    caption = f"Gap against {UNITS[unit]}"
    if missing := len(runs) - len(drawn):
        caption += f"; {count(missing, 'implementation')} not drawn: no judged answer"
        caption += " or no counted call" if unit == "oracles" else ""
    return Figure(plot.text(), caption, [(name, tier.style[name]) for name in drawn])


def _steps(one: Profile, what: str, axis: Axis) -> Points:
    """Return the corners of a profile, or of an end of its band, over an axis."""
    heights = getattr(one, what)
    start = int((one.at <= axis.low).sum())
    height = float(heights[start - 1]) if start else 0.0
    points = [(axis.low, height)]
    for cost, above in zip(one.at[start:].tolist(), heights[start:].tolist(), strict=True):
        if cost > axis.high:
            break
        points += [(cost, height), (cost, above)]
        height = above
    return [*points, (axis.high, height)]


def _median_run(tier: TierView, implementation: str, problem: str) -> Record | None:
    runs = [run for run in tier.board.runs(implementation, problem) if run.checkpoints]

    def final(run: Record) -> float:
        gap = run.columns.metric(tier.board.suite.gap)[-1]
        return math.inf if math.isnan(gap) else gap

    return sorted(runs, key=final)[(len(runs) - 1) // 2] if runs else None


def _curve(tier: TierView, run: Record, unit: Unit) -> Points:
    suite, columns = tier.board.suite, run.columns
    spent = columns.seconds if unit == "seconds" else columns.oracles(suite.oracles)
    points = zip(spent, columns.metric(suite.gap), strict=True)
    known = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    return known if unit == "seconds" or any(x > 0 for x, _ in known) else []


def _spent(value: float, unit: Unit) -> str:
    return seconds(value) if unit == "seconds" else count(round(value), "call")


def _axes(tier: TierView, curves: Sequence[Points], unit: Unit) -> tuple[Axis, Axis]:
    """Return axes around the curves; what is far below the targets or far up is on the edge."""
    suite = tier.board.suite
    times = [x for points in curves for x, _ in points if x > 0] or [1.0]
    gaps = [y for points in curves for _, y in points if y > 0]
    starts = sorted(points[0][1] for points in curves)
    floor = suite.targets[-1] * _BELOW
    ceiling = max(starts[len(starts) // 2] * _ABOVE, suite.targets[0])
    top = max((min(y, ceiling) for y in gaps), default=1.0)
    bottom = min((y for y in gaps), default=top)
    return (
        log_axis(UNITS[unit], min(times), max(times)),
        log_axis(suite.gap, min(max(bottom, floor), top), top),
    )
