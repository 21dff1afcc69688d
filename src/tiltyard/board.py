"""Leaderboards: ranks of implementations on one suite, tier and hardware, made from records."""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tiltyard.errors import unknown
from tiltyard.registry import generator
from tiltyard.run.record import Record, Status
from tiltyard.run.spec import canonical_json
from tiltyard.stats import Array, Pairing, mean_credit, pair, profile_credit, rank, sustained
from tiltyard.suite import Budget, Suite

MINIMUM_COVERAGE = 0.5
"""Share of the problems that an implementation must take to be ranked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What rows of one ranking have in common."""

    suite_version: int
    device: str
    threads: int
    budget: Budget
    hardware: str

    @classmethod
    def of(cls, record: Record, environments: Mapping[str, Mapping[str, Any]]) -> Conditions:
        """Return a record's."""
        spec = record.spec
        return cls(
            suite_version=spec.suite_version,
            device=spec.device,
            threads=spec.threads,
            budget=spec.budget,
            hardware=environments[record.environment]["hardware"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One implementation's line.

    Attributes:
        implementation: its name, with the parameters that differ from their defaults.
        rank: None when it takes too few of the problems to be ranked.
        rank_low: lower end of the rank's 95 % interval.
        rank_high: its upper end.
        score: mean profile credit over problems and targets, in [0, 1].
        problems: how many of the board's problems it takes.
        gap: median final gap; infinite where most runs failed.
        metrics: median final value of every metric of the suite, over the runs that did not fail.
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
            "seconds": {f"{level:g}": _number(value) for level, value in self.seconds.items()},
            "reached": {f"{level:g}": _number(value) for level, value in self.reached.items()},
            "statuses": dict(self.statuses),
            "reasons": dict(self.reasons),
        }


class Board:
    """The leaderboard of records that were made under the same conditions.

    Args:
        suite: whose records they are.
        tier: a name for the set of problems.
        conditions: what the records have in common.
        records: the latest of every (implementation, problem, seed).
        labels: the implementation's label for each record's id.
        of: how many problems there are to run; the records may be of fewer.
    """

    def __init__(  # noqa: PLR0913 - the parts of a board
        self,
        suite: Suite,
        tier: str,
        conditions: Conditions,
        records: Sequence[Record],
        *,
        labels: Mapping[str, str],
        of: int,
    ) -> None:
        self.of = of
        self.suite = suite
        self.tier = tier
        self.conditions = conditions
        self.records = records
        self.problems = sorted({record.spec.problem for record in records})
        self.implementations = sorted({labels[record.spec.id] for record in records})
        self.seeds = sorted({record.spec.seed for record in records})
        self._cells: dict[tuple[str, str], list[Record]] = defaultdict(list)
        for record in records:
            self._cells[labels[record.spec.id], record.spec.problem].append(record)

    def runs(self, implementation: str, problem: str) -> list[Record]:
        """Return an implementation's records on a problem, one a seed."""
        return self._cells[implementation, problem]

    @cached_property
    def pool(self) -> str:
        """A hash of who was compared on what: scores of different pools are not comparable."""
        key = canonical_json([self.implementations, self.problems, self.seeds])
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    @cached_property
    def credits(self) -> Array:
        """(implementations, problems, seeds) profile credit, averaged over the targets."""
        shape = (len(self.implementations), len(self.problems), len(self.seeds))
        total = np.zeros(shape)
        for target in self.suite.targets:
            total += profile_credit(self._costs(target))
        mean: Array = total / len(self.suite.targets)
        return mean

    @cached_property
    def rows(self) -> list[Row]:
        """Every implementation's row, best first; those that are not ranked come last."""
        taken = (~np.isnan(self.credits).all(axis=2)).sum(axis=1)
        enough = [i for i, n in enumerate(taken) if n >= MINIMUM_COVERAGE * len(self.problems) > 0]
        ranks: dict[int, tuple[int, int, int]] = {}
        if enough:
            ranking = rank(self.credits[enough], generator("ranks", self.pool))
            columns = (ranking.ranks.tolist(), ranking.low.tolist(), ranking.high.tolist())
            ranks = dict(zip(enough, zip(*columns, strict=True), strict=True))
        scores, unranked = mean_credit(self.credits), (None, None, None)
        rows = [
            self._row(name, float(scores[index]), int(taken[index]), ranks.get(index, unranked))
            for index, name in enumerate(self.implementations)
        ]
        return sorted(rows, key=lambda row: (row.rank or math.inf, row.implementation))

    def describe(self) -> str:
        """Return the conditions in one line."""
        one = self.conditions
        budget = one.budget
        limits = (
            (budget.seconds, "s"),
            (budget.iterations, "iterations"),
            (budget.cost, "oracle calls"),
        )
        spent = ", ".join(f"{value:g} {unit}" for value, unit in limits if value is not None)
        threads = f"{one.threads} thread{'s' if one.threads > 1 else ''}"
        return (
            f"tier {self.tier}, {len(self.problems)} of {self.of} problems, "
            f"version {one.suite_version}, {one.device}, {threads}, budget {spent}, "
            f"hardware {one.hardware[:8]}, pool {self.pool}"
        )

    def require(self, implementation: str) -> None:
        """Refuse an implementation that is not on this board."""
        if implementation not in self.implementations:
            raise unknown("implementation", implementation, self.implementations)

    def common_target(self, problem: str, *implementations: str) -> float:
        """Return the tightest target that one of the implementations reaches on a problem."""
        reached = [
            target
            for target in self.suite.targets
            if any(math.isfinite(self.seconds(name, problem, target)) for name in implementations)
        ]
        return reached[-1] if reached else self.suite.targets[0]

    def compare(self, first: str, second: str) -> Pairing:
        """Compare two implementations on the problems that both take."""
        means = []
        for name in (first, second):
            block = self.credits[self.implementations.index(name)]
            known = ~np.isnan(block)
            with np.errstate(invalid="ignore"):
                means.append(np.where(known, block, 0.0).sum(axis=1) / known.sum(axis=1))
        return pair(means[0], means[1], generator("pair", self.pool, first, second))

    def seconds(self, implementation: str, problem: str, target: float) -> float:
        """Return the median over seeds of sustained seconds; inf if missed, NaN if unsupported."""
        return _median([self._cost(r, target) for r in self.runs(implementation, problem)])

    def gap(self, implementation: str, problem: str) -> float:
        """Return the median final gap over seeds; inf for failed runs, NaN if unsupported."""
        return _median([self._gap(record) for record in self.runs(implementation, problem)])

    def _cost(self, record: Record, target: float) -> float:
        if record.status == Status.UNSUPPORTED:
            return math.nan
        point = sustained(record, self.suite.gap, target)
        return math.inf if point is None else point.seconds

    def _gap(self, record: Record) -> float:
        if record.status == Status.UNSUPPORTED:
            return math.nan
        return math.inf if record.status.failed else record.metrics.get(self.suite.gap, math.nan)

    def _costs(self, target: float) -> Array:
        shape = (len(self.implementations), len(self.problems), len(self.seeds))
        costs = np.full(shape, np.nan)
        seeds = {seed: index for index, seed in enumerate(self.seeds)}
        for i, implementation in enumerate(self.implementations):
            for j, problem in enumerate(self.problems):
                for record in self.runs(implementation, problem):
                    costs[i, j, seeds[record.spec.seed]] = self._cost(record, target)
        return costs

    def _row(
        self,
        name: str,
        score: float,
        problems: int,
        ranks: tuple[int | None, int | None, int | None],
    ) -> Row:
        records = [record for problem in self.problems for record in self.runs(name, problem)]
        taken = [record for record in records if record.status != Status.UNSUPPORTED]
        ended = [record for record in taken if not record.status.failed]
        costs = {level: [self._cost(r, level) for r in taken] for level in self.suite.targets}
        return Row(
            implementation=name,
            rank=ranks[0],
            rank_low=ranks[1],
            rank_high=ranks[2],
            score=score,
            problems=problems,
            gap=_median([self._gap(record) for record in taken]),
            metrics={
                metric.name: _median(
                    [record.metrics.get(metric.name, math.nan) for record in ended]
                )
                for metric in self.suite.metrics
            },
            seconds={level: _median(values) for level, values in costs.items()},
            reached={
                level: sum(map(math.isfinite, values)) / len(values) if values else math.nan
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


def _median(values: Sequence[float]) -> float:
    """Return the median of what is not NaN (of an even number the upper one, as inf may be)."""
    known = sorted(value for value in values if not math.isnan(value))
    return known[len(known) // 2] if known else math.nan


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
