"""What asv tracks of a suite: one benchmark for each thing that is measured of a run.

Everything is stored so that lower is better: asv knows no direction. A gap is stored as the decades
that it lies above the suite's tightest target, log10(max(gap, target)) - log10(target): below the
target a run has done all that was asked, and what is left of the gap is rounding. So 0 is perfect,
and nothing is negative, which asv's ratios could not show.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tiltyard.run.record import Record
from tiltyard.stats import sustained
from tiltyard.suite import Metric, Suite

KERNELS = "kernels"
"""The group of the pytest-benchmark results; no suite may have this name."""

METERED = "measured_"
"""How the provenance of an energy begins that a meter measured; estimates are not tracked."""


class Kind(StrEnum):
    """How a benchmark's values are compared."""

    TIME = "time"
    MEMORY = "memory"
    ENERGY = "energy"
    SHARE = "share"
    LOG10 = "log10"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One thing that asv tracks of a suite.

    Attributes:
        name: asv's name of it, such as ``cvar.track_seconds_to_1e_4``.
        title: for readers.
        unit: of its values.
        kind: how values are compared.
        version: the suite's; asv starts a new graph when it changes.
        measure: returns a record's value, lower is better; NaN where the run has none.
    """

    name: str
    title: str
    unit: str
    kind: Kind
    version: str
    measure: Callable[[Record], float]


def benchmarks_of(suite: Suite) -> list[Benchmark]:
    """Return what is tracked of a suite, always in the same order."""

    def tracked(
        name: str, title: str, unit: str, kind: Kind, measure: Callable[[Record], float]
    ) -> Benchmark:
        full = f"{suite.name}.track_{name}"
        return Benchmark(full, f"{suite.name}: {title}", unit, kind, str(suite.version), measure)

    found = []
    for target in suite.targets:
        level, key = f"{target:g}", _spell(target)
        seconds, missed = _seconds_to(suite, target), _missed(suite, target)
        title = f"seconds to a {suite.gap} of {level}"
        found.append(tracked(f"seconds_to_{key}", title, "seconds", Kind.TIME, seconds))
        title = f"share of runs that missed a {suite.gap} of {level}"
        found.append(tracked(f"missed_{key}", title, "share", Kind.SHARE, missed))
    for metric in suite.metrics:
        name, title, kind, measure = _of_metric(metric, floor=suite.targets[-1])
        unit = metric.unit if kind is Kind.LINEAR else f"decades above {suite.targets[-1]:g}"
        found.append(tracked(name, title, unit, kind, measure))
    return [
        *found,
        tracked("failed", "share of runs that failed", "share", Kind.SHARE, _failed),
        tracked("peak_memory", "peak memory", "bytes", Kind.MEMORY, _peak_memory),
        tracked("energy", "energy", "joules", Kind.ENERGY, _energy),
    ]


def _seconds_to(suite: Suite, target: float) -> Callable[[Record], float]:
    def measure(record: Record) -> float:
        point = sustained(record, suite.gap, target)
        return math.nan if point is None else point.seconds

    return measure


def _missed(suite: Suite, target: float) -> Callable[[Record], float]:
    return lambda record: float(sustained(record, suite.gap, target) is None)


def _of_metric(metric: Metric, floor: float) -> tuple[str, str, Kind, Callable[[Record], float]]:
    """Return name, title, kind and measure of a metric of the judge."""

    def final(record: Record) -> float:
        value = math.nan if record.status.failed else record.metrics.get(metric.name, math.nan)
        return value if math.isfinite(value) else math.nan

    def decades(record: Record) -> float:
        value = final(record)
        value = value if metric.better == "lower" or value <= 0 else 1.0 / value
        known = math.isfinite(value)  # the quotient of the two may overflow
        return math.log10(max(value, floor)) - math.log10(floor) if known else math.nan

    if metric.scale == "log":
        inverse = "" if metric.better == "lower" else "inverse_"
        title = f"log10 of the final {inverse.replace('_', ' ')}{metric.name}"
        return f"log10_{inverse}{metric.name}", title, Kind.LOG10, decades
    if metric.better == "lower":
        return metric.name, f"final {metric.name}", Kind.LINEAR, final
    if metric.unit == "1":
        title = f"1 - final {metric.name}"
        return f"one_minus_{metric.name}", title, Kind.LINEAR, lambda record: 1.0 - final(record)
    title = f"final {metric.name}, negated"
    return f"negative_{metric.name}", title, Kind.LINEAR, lambda record: -final(record)


def _failed(record: Record) -> float:
    return float(record.status.failed)


def _peak_memory(record: Record) -> float:
    known = record.peak_memory_bytes is not None and not record.status.failed
    return float(record.peak_memory_bytes or 0) if known else math.nan


def _energy(record: Record) -> float:
    energy = record.energy or {}
    metered = str(energy.get("provenance", "")).startswith(METERED)
    joules = energy.get("joules")
    known = metered and isinstance(joules, float) and not record.status.failed
    return joules if known and isinstance(joules, float) else math.nan


def _spell(target: float) -> str:
    """Return a level as part of a name, where asv allows letters, digits and underscores."""
    mantissa, exponent = f"{target:e}".split("e")
    digits = mantissa.rstrip("0").rstrip(".").replace(".", "p")
    return f"{digits}e{'_' if exponent[0] == '-' else ''}{int(exponent[1:])}"
