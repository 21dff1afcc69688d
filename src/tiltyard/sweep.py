"""Sweeps: one implementation over a grid of one parameter."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiltyard.claim import Request
from tiltyard.errors import TiltyardError
from tiltyard.names import Value, spell
from tiltyard.registry import Registry
from tiltyard.run.plan import Selection, plan_requests, select_problems, with_defaults
from tiltyard.run.record import Record, Status
from tiltyard.run.spec import RunSpec
from tiltyard.stats import decades
from tiltyard.suite import Budget, Suite


@dataclass(frozen=True, slots=True)
class Grid:
    """Values of a parameter; ``logarithmic`` when they are equally spaced on that axis."""

    values: tuple[Value, ...]
    logarithmic: bool


def grid(text: str) -> Grid:
    """Read ``0.1,1,10`` or ``low:high:count``, a logarithmic axis.

    Raises:
        TiltyardError: the text is of neither form.
    """
    if ":" not in text:
        values = tuple(part.strip() for part in text.split(",") if part.strip())
        if not values:
            raise TiltyardError("--values is empty")
        return Grid(values, logarithmic=False)
    try:
        low, high, count = text.split(":")
        points = np.geomspace(float(low), float(high), int(count))
    except ValueError:
        points = np.array([])
    if len(points) < 2 or not 0 < points[0] < points[-1] < math.inf:
        raise TiltyardError(
            f"--values {text!r} is not low:high:count with 0 < low < high and count above 1"
        )
    # Rounded, so that the grid 1e-3:1e1:9 holds 0.01 and not 0.010000000000000002.
    return Grid(tuple(float(f"{point:.6g}") for point in points), logarithmic=True)


def sweep_specs(  # noqa: PLR0913, PLR0917 - what a sweep consists of
    registry: Registry,
    suite: Suite,
    implementation: str,
    parameter: str,
    points: Grid,
    selection: Selection,
) -> list[RunSpec]:
    """Return the runs of a sweep."""
    tier = suite.tiers[selection.tier]
    seconds = selection.seconds
    if seconds is None and selection.iterations is None and selection.cost is None:
        seconds = tier.seconds
    requests = [
        Request(
            problem=name,
            implementation=implementation,
            parameters={parameter: value},
            seeds=tuple(range(selection.seeds or tier.seeds)),
            budget=Budget(seconds=seconds, iterations=selection.iterations, cost=selection.cost),
        )
        for name in select_problems(registry, suite.name, selection.tier, selection.problems)
        for value in points.values
    ]
    return plan_requests(registry, suite, requests, threads=selection.threads)


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRow:
    """What one value of the parameter gave over all problems and seeds."""

    value: str
    median: float
    worst: float
    reached: tuple[float, ...]
    statuses: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; an infinite gap (a failed run) is null."""
        return {
            "value": self.value,
            "median_gap": self.median if math.isfinite(self.median) else None,
            "worst_gap": self.worst if math.isfinite(self.worst) else None,
            "reached": list(self.reached),
            "statuses": dict(self.statuses),
        }


def table(
    registry: Registry, suite: Suite, parameter: str, points: Grid, records: Sequence[Record]
) -> tuple[list[SweepRow], dict[str, float]]:
    """Return a row for each value, and for each target the decades in which the median is below.

    The decades are only given on a logarithmic grid.
    """
    by_value: dict[Value, list[Record]] = defaultdict(list)
    for record in records:
        by_value[record.spec.parameters[parameter]].append(record)
    rows = []
    for value in points.values:
        if not records:
            break
        method = registry.implementation(suite.name, records[0].spec.implementation)
        rows.append(_row(suite, with_defaults(method, {parameter: value})[parameter], by_value))
    if not points.logarithmic:
        return rows, {}
    grid_values = [float(value) for value in points.values]
    widths = {
        f"{target:g}": decades(grid_values, [row.median <= target for row in rows])
        for target in suite.targets
    }
    return rows, widths


def _row(suite: Suite, value: Value, by_value: Mapping[Value, Sequence[Record]]) -> SweepRow:
    records = [r for r in by_value.get(value, ()) if r.status != Status.UNSUPPORTED]
    gaps = [
        math.inf if r.status.failed else r.metrics.get(suite.gap, math.inf) for r in records
    ] or [math.nan]
    return SweepRow(
        value=spell(value),
        median=float(np.median(gaps)),
        worst=max(gaps),
        reached=tuple(sum(gap <= target for gap in gaps) / len(gaps) for target in suite.targets),
        statuses=Counter(str(record.status) for record in by_value.get(value, ())),
    )
