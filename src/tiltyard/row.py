"""Rows of a leaderboard: what one implementation's runs gave."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tiltyard.run.record import Record, Status
from tiltyard.stats import Array, median_of_runs
from tiltyard.suite import Metric, Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One implementation's line.

    Attributes:
        implementation: its name, with the parameters that differ from their defaults.
        rank: None when it takes too few of the problems to be ranked.
        rank_low: lower end of the rank's 95 % interval.
        rank_high: its upper end.
        score: mean credit over problems (and targets), in [0, 1].
        problems: how many of the board's problems it takes.
        gap: median final gap; infinite where most runs failed.
        metrics: median or geometric mean, as the metric says, of the final values of every metric
            of the suite, over the runs that did not fail.
        phases: median seconds of each phase that boards of the suite show.
        latency: median seconds of one call of the oracle that boards show it of.
        seconds: median sustained seconds to each target; infinite where most runs missed it.
        reached: share of runs that sustained each target.
        statuses: how its runs ended.
        reasons: of runs that failed or are unsupported, with counts.
    """

    implementation: str
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    score: float
    problems: int
    gap: float
    metrics: Mapping[str, float]
    phases: Mapping[str, float]
    latency: float
    seconds: Mapping[float, float]
    reached: Mapping[float, float]
    statuses: Mapping[str, int]
    reasons: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; infinity and NaN are null."""
        return {
            "implementation": self.implementation,
            "rank": self.rank,
            "rank_low": self.rank_low,
            "rank_high": self.rank_high,
            "score": _number(self.score),
            "problems": self.problems,
            "gap": _number(self.gap),
            "metrics": {name: _number(value) for name, value in self.metrics.items()},
            "phases": {name: _number(value) for name, value in self.phases.items()},
            "latency": _number(self.latency),
            "seconds": {f"{level:g}": _number(value) for level, value in self.seconds.items()},
            "reached": {f"{level:g}": _number(value) for level, value in self.reached.items()},
            "statuses": dict(self.statuses),
            "reasons": dict(self.reasons),
        }


def row_of(  # noqa: PLR0913 - what a row depends on
    suite: Suite,
    name: str,
    records: Sequence[Record],
    *,
    costs: Mapping[float, Array],
    score: float,
    problems: int,
    ranks: tuple[int | None, int | None, int | None],
) -> Row:
    """Return an implementation's row.

    Args:
        suite: whose records they are.
        name: the implementation's label.
        records: all its runs on the board's problems.
        costs: (problems, seeds) its sustained seconds to each target; inf where it was missed, NaN
            where there is no run.
        score: its mean credit.
        problems: how many of the problems it takes.
        ranks: its rank with the ends of the interval; None for each if it is not ranked.
    """
    taken = [record for record in records if record.status != Status.UNSUPPORTED]
    ended = [record for record in taken if not record.status.failed]
    costs = {level: values[~np.isnan(values)] for level, values in costs.items()}
    return Row(
        implementation=name,
        rank=ranks[0],
        rank_low=ranks[1],
        rank_high=ranks[2],
        score=score,
        problems=problems,
        gap=_median([final_gap(suite, record) for record in taken]),
        metrics={
            metric.name: _average(
                metric, [record.metrics.get(metric.name, math.nan) for record in ended]
            )
            for metric in suite.metrics
        },
        phases={
            phase: _median([record.phases.get(phase, 0.0) for record in ended])
            for phase in suite.phases
        },
        latency=_median([seconds_a_call(suite, record) for record in ended]),
        seconds={level: _median(values) for level, values in costs.items()},
        reached={
            level: float(np.isfinite(values).mean()) if values.size else math.nan
            for level, values in costs.items()
        },
        statuses=dict(sorted(Counter(str(record.status) for record in records).items())),
        reasons=dict(
            Counter(
                f"{record.status}: {record.reason}"
                for record in records
                if record.status.failed or record.status == Status.UNSUPPORTED
            ).most_common()
        ),
    )


def final_gap(suite: Suite, record: Record) -> float:
    """Return a run's final gap; inf if it failed, NaN if it is unsupported."""
    if record.status == Status.UNSUPPORTED:
        return math.nan
    return math.inf if record.status.failed else record.metrics.get(suite.gap, math.nan)


def seconds_a_call(suite: Suite, record: Record) -> float:
    """Return the seconds of a call of the oracle that boards show it of; NaN where it has none."""
    if suite.latency is None:
        return math.nan
    phase, oracle = suite.latency
    calls = record.oracles.get(oracle, 0)
    return record.phases.get(phase, math.nan) / calls if calls else math.nan


def _average(metric: Metric, values: Sequence[float]) -> float:
    """Return the metric's average of what is not NaN."""
    if metric.average == "median":
        return _median(values)
    known = [value for value in values if not math.isnan(value)]
    if not known or min(known) < 0:
        return math.nan
    return math.exp(sum(map(math.log, known)) / len(known)) if min(known) > 0 else 0.0


def _median(values: Sequence[float] | Array) -> float:
    return float(median_of_runs(np.asarray(values), upper=True))


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
