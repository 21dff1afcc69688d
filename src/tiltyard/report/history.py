"""The history pages: one small line a series, with its regressions marked."""

from __future__ import annotations

import html
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tiltyard.report.addresses import history_address
from tiltyard.report.format import number, quantity
from tiltyard.report.table import Cell, Column, Table

_WIDTH, _HEIGHT, _EDGE = 160, 28, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One measured quantity, commit by commit.

    Attributes:
        group: the suite, or whatever the benchmark's name begins with; each has a page.
        name: what was measured, such as a benchmark with its problem and implementation.
        conditions: machine, device, threads, in words; series of different ones are never joined.
        unit: of the values.
        commits: hashes, oldest first.
        values: one a commit; NaN where it has none.
        regressions: indices of the commits at which the value got worse.
    """

    group: str
    name: str
    conditions: str
    unit: str
    commits: Sequence[str]
    values: Sequence[float]
    regressions: Sequence[int] = ()


def history_values(series: Sequence[Series]) -> dict[str, Any]:
    """Return what the history's first page shows: what got worse, and where the others are."""
    worse = [one for one in series if one.regressions]
    groups = Counter(one.group for one in series)
    bad = Counter(one.group for one in worse)
    rows = [
        [
            Cell(group, href=history_address(group)),
            Cell(f"{count}", value=count),
            Cell(f"{bad[group]}", value=bad[group], css="bad" if bad[group] else ""),
        ]
        for group, count in sorted(groups.items())
    ]
    heads = ("suite", "series", "worse")
    columns = [Column(head, numeric=head != "suite") for head in heads]
    return {
        "groups": Table("Series by suite", columns, rows) if rows else None,
        "worse": _table("Series that got worse", worse) if worse else None,
        "regressed": len(worse),
        "total": len(series),
    }


def group_values(series: Sequence[Series]) -> dict[str, Any]:
    """Return what the page of one group shows."""
    return {
        "group": series[0].group,
        "every": _table("History by commit, oldest on the left", series),
        "regressed": sum(bool(one.regressions) for one in series),
        "total": len(series),
    }


def sparkline(one: Series) -> str:
    """Return a line of the values with every regression marked by a triangle, as SVG."""
    known = [(i, v) for i, v in enumerate(one.values) if math.isfinite(v)]
    if not known:
        return ""
    low, high = min(v for _, v in known), max(v for _, v in known)
    across = (_WIDTH - 2 * _EDGE) / max(len(one.values) - 1, 1)
    down = (_HEIGHT - 2 * _EDGE) / (high - low) if high > low else 0.0

    def spot(index: int, value: float) -> tuple[float, float]:
        return round(_EDGE + index * across, 1), round(_HEIGHT - _EDGE - (value - low) * down, 1)

    path = "L".join("{:g},{:g}".format(*spot(*point)) for point in known)
    marks = []
    for index, value in known:
        if index in one.regressions:
            x, y = spot(index, value)
            marks.append(f'<path class="worse" d="M{x:g},{y - 4:g}l4,7h-8z"/>')
    x, y = spot(*known[-1])
    last = f'<circle cx="{x:g}" cy="{y:g}" r="2"/>'
    text = html.escape(f"{one.name}: {len(known)} values, {_regressions(one)}")
    return (
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"><title>{text}</title>'
        f"<desc>From {number(known[0][1])} to {number(known[-1][1])}, between {number(low)} and "
        f'{number(high)}.</desc><path d="M{path}"/>{last}{"".join(marks)}</svg>'
    )


def _regressions(one: Series) -> str:
    if not one.regressions:
        return "no regression"
    return "worse at " + ", ".join(one.commits[index][:10] for index in one.regressions)


def _table(caption: str, series: Sequence[Series]) -> Table:
    rows = []
    for one in sorted(series, key=lambda one: (not one.regressions, one.name, one.conditions)):
        known = [value for value in one.values if math.isfinite(value)]
        last = known[-1] if known else math.nan
        rows.append(
            [
                Cell(one.name),
                Cell(one.conditions),
                Cell("no finite value" if not known else "", svg=sparkline(one)),
                Cell(quantity(last, one.unit), value=last),
                Cell(_regressions(one), css="bad" if one.regressions else ""),
            ]
        )
    heads = ("series", "conditions", "over the commits", "newest", "regressions")
    columns = [Column(head, numeric=head == "newest") for head in heads]
    return Table(caption, columns, rows)
