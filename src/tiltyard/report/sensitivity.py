"""How much an implementation depends on a parameter, where the records tell."""

from __future__ import annotations

import math
import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tiltyard.board import Conditions
from tiltyard.implementation import Implementation, interval
from tiltyard.names import Value
from tiltyard.report.conditions import describe
from tiltyard.report.figures import Figure
from tiltyard.report.format import count, level, number, share
from tiltyard.report.svg import Plot, log_axis
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.view import SuiteView
from tiltyard.run.record import Record
from tiltyard.sweep import Grid, SweepRow, table

_Case = tuple[str, int]
"""A problem and a seed."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What several values of one parameter gave on the same problems.

    Attributes:
        parameter: its name.
        conditions: what the runs have in common, in words.
        table: a row for each value.
        figure: the gap against the value; None where it is no positive number.
    """

    parameter: str
    conditions: str
    table: Table
    figure: Figure | None


def sensitivities(
    view: SuiteView, method: Implementation, records: Sequence[Record]
) -> list[Sensitivity]:
    """Return what each parameter's values gave, under the conditions with the most runs."""
    found = []
    for parameter in method.parameters:
        groups = [_common(group) for group in _groups(view, parameter, records).values()]
        groups = [group for group in groups if len(group) > 1]
        if groups:
            best = max(groups, key=lambda group: sum(map(len, group.values())))
            found.append(_sensitivity(view, parameter, best))
    return found


def hint(view: SuiteView, method: Implementation) -> str:
    """Return the command that would show how sensitive an implementation is."""
    parameter = next(iter(method.tune), next(iter(method.parameters), ""))
    if not parameter:
        return ""
    values = "LOW:HIGH:COUNT"
    if parameter in method.tune:
        tuned = method.tune[parameter]
        ends = interval(tuned)
        ranged = ends is not None and ends[2] == "log"
        values = f"{tuned[0]:g}:{tuned[1]:g}:9" if ranged else ",".join(map(str, tuned[:2]))
    words = ["tiltyard", "sweep", view.suite.name, method.name]
    return shlex.join([*words, "--parameter", parameter, "--values", values])


def _groups(
    view: SuiteView, parameter: str, records: Sequence[Record]
) -> dict[tuple[object, ...], dict[Value, dict[_Case, Record]]]:
    """Return records that differ in the parameter alone, by its value, then by problem and seed."""
    groups: dict[tuple[object, ...], dict[Value, dict[_Case, Record]]] = {}
    for record in records:
        parameters = dict(record.spec.parameters)
        if parameter not in parameters:
            continue
        value = parameters.pop(parameter)
        track = view.registry.track(view.suite.name, record.spec.problem)
        conditions = Conditions.of(record, view.environments, track)
        key = (conditions, tuple(sorted(parameters.items())))
        case = record.spec.problem, record.spec.seed
        groups.setdefault(key, defaultdict(dict))[value][case] = record
    return groups


def _common(
    group: Mapping[Value, Mapping[_Case, Record]],
) -> dict[Value, list[Record]]:
    """Return the values that share most problems and seeds, with their runs on these alone."""
    sets = {frozenset(found) for found in group.values()}

    def taking(cases: frozenset[_Case]) -> list[Value]:
        return [value for value, found in group.items() if cases <= found.keys()]

    cases = max(sets, key=lambda one: (len(taking(one)) * len(one), sorted(one)))
    if len(taking(cases)) < 2:
        return {}
    return {
        value: [group[value][case] for case in sorted(cases)]
        for value in sorted(taking(cases), key=lambda value: (str(type(value)), value))
    }


def _sensitivity(
    view: SuiteView, parameter: str, group: Mapping[Value, list[Record]]
) -> Sensitivity:
    records = [record for runs in group.values() for record in runs]
    rows, _ = table(
        view.registry, view.suite, parameter, Grid(tuple(group), logarithmic=False), records
    )
    conditions = describe(Conditions.of(records[0], view.environments), view.environments)
    problems = count(len({record.spec.problem for record in records}), "problem")
    text = ", ".join(f"{key} {value}" for key, value in conditions.items())
    return Sensitivity(
        parameter,
        f"{problems}, {text}",
        _table(view, parameter, rows),
        _figure(view, parameter, list(group), rows),
    )


def _table(view: SuiteView, parameter: str, rows: Sequence[SweepRow]) -> Table:
    cells = [
        [
            Cell(row.value),
            Cell(_gap(row.median), value=row.median),
            Cell(_gap(row.worst), value=row.worst),
            *(Cell(share(one), value=one) for one in row.reached),
            Cell(", ".join(f"{n} {status.replace('_', ' ')}" for status, n
                           in sorted(row.statuses.items())), css="words"),
        ]
        for row in rows
    ]  # fmt: skip
    columns = [
        Column(parameter),
        Column("median final gap", numeric=True),
        Column("worst final gap", numeric=True),
        *(Column(level(one), "share of runs that ended at gap", numeric=True)
          for one in view.suite.targets),
        Column("how runs ended"),
    ]  # fmt: skip
    return Table(f"Sensitivity to {parameter}", columns, cells)


def _gap(value: float) -> str:
    return "failed" if math.isinf(value) else number(value)


def _figure(
    view: SuiteView, parameter: str, values: Sequence[Value], rows: Sequence[SweepRow]
) -> Figure | None:
    numeric = [float(value) for value in values if isinstance(value, int | float) and value > 0]
    points = [
        (x, row.median)
        for x, row in zip(numeric, rows, strict=False)
        if math.isfinite(row.median) and row.median > 0
    ]
    if len(numeric) != len(values) or len(points) < 2:
        return None
    gaps = [y for _, y in points]
    plot = Plot(
        f"Sensitivity to {parameter}",
        f"Median final {view.suite.gap} against {parameter}, both logarithmic; a value at which "
        "most runs failed has no point. The table has the numbers.",
        log_axis(parameter, min(numeric), max(numeric)),
        log_axis(f"median final {view.suite.gap}", min(gaps), max(gaps)),
    )
    for target in view.suite.targets:
        if plot.y.low < target < plot.y.high:
            plot.rule(target, f"target {level(target)}")
    plot.line(parameter, points, "s0 d0")
    for x, y in points:
        plot.mark(f"{parameter} = {x:g}: gap {number(y)}", (x, y), "s0 d0")
    return Figure(plot.text(), f"Median final {view.suite.gap} against {parameter}")
