"""What became of a suite's claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from tiltyard.claim import Claim, Finding
from tiltyard.errors import describe
from tiltyard.names import Value
from tiltyard.registry import Registry
from tiltyard.report.format import count, interval, number
from tiltyard.report.table import Cell, Column, Table
from tiltyard.run.plan import plan_requests
from tiltyard.run.record import Record
from tiltyard.suite import Suite


@dataclass(frozen=True, slots=True)
class Outcome:
    """A claim with its finding, or why there is none.

    Attributes:
        claim: the claim.
        finding: None where it was not measured.
        effect: the measured effect with its interval, in words.
        table: the rows behind it; None where there are none.
        reason: why there is no finding; empty otherwise.
        ids: the records behind it.
    """

    claim: Claim
    finding: Finding | None = None
    effect: str = ""
    table: Table | None = None
    reason: str = ""
    ids: Sequence[str] = ()


def outcomes(
    registry: Registry,
    suite: Suite,
    records: Iterable[Record],
    environments: Mapping[str, Mapping[str, Any]],
) -> list[Outcome]:
    """Return what became of every claim of a suite, in the order of their names."""
    found: dict[str, dict[str, Record]] = {}
    for record in records:
        found.setdefault(environments[record.environment]["hardware"], {})[record.spec.id] = record
    return [_outcome(registry, suite, claim, found) for claim in registry.claims_of(suite.name)]


def _outcome(
    registry: Registry, suite: Suite, claim: Claim, found: Mapping[str, Mapping[str, Record]]
) -> Outcome:
    try:
        ids = [spec.id for spec in plan_requests(registry, suite, claim.plan())]
    except Exception as error:  # noqa: BLE001 - a claim is a plug-in: it takes nothing else down
        return Outcome(claim, reason=f"its runs cannot be planned: {describe(error)}")
    complete = [known for known in found.values() if all(key in known for key in ids)]
    if not ids or not complete:
        have = max((sum(key in known for key in ids) for known in found.values()), default=0)
        of_runs = f" ({have} of {count(len(ids), 'run')} are there)" if have else ""
        return Outcome(claim, reason=f"not measured yet{of_runs}: tiltyard claims {suite.name}")
    # Of several machines that made every run, the one that was at it last.
    records = max(
        ([known[key] for key in ids] for known in complete),
        key=lambda runs: max(run.started for run in runs),
    )
    try:
        finding = claim.measure(records)
        rows = [dict(row) for row in finding.rows]
        effect = f"{number(finding.effect)} {finding.unit}, 95 % interval "
        effect += interval(finding.low, finding.high)
    except Exception as error:  # noqa: BLE001 - as above
        return Outcome(claim, reason=f"its measure failed: {describe(error)}", ids=ids)
    return Outcome(claim, finding, effect, _table(claim, rows), ids=ids)


def _table(claim: Claim, rows: Sequence[Mapping[str, Value]]) -> Table | None:
    if not rows:
        return None
    names = list(dict.fromkeys(key for row in rows for key in row))
    cells = [[value_cell(row.get(name)) for name in names] for row in rows]
    columns = [
        Column(str(name), numeric=all(row[index].value is not None for row in cells))
        for index, name in enumerate(names)
    ]
    return Table(f"Behind the claim {claim.name}", columns, cells)


def value_cell(value: object, spelled: Callable[[float], str] = number) -> Cell:
    """Return a plain value as a cell; ``spelled`` writes a number that is no integer."""
    if value is None:
        return Cell("-", value=math.nan)
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, Integral):
        return Cell(str(value), value=float(value))
    if isinstance(value, Real):
        return Cell(spelled(float(value)), value=float(value))
    return Cell(str(value))
