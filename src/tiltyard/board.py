"""Leaderboards: ranks of implementations on one suite, tier and hardware, made from records."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from tiltyard.errors import unknown
from tiltyard.registry import generator
from tiltyard.row import Row, final_gap, row_of
from tiltyard.run.record import Record
from tiltyard.run.spec import canonical_json
from tiltyard.stats import (
    Array,
    Pairing,
    Unit,
    cost_spent,
    costs_to,
    gap_credit,
    known_means,
    mean_credit,
    median_of_runs,
    pair,
    profile_credit,
    rank,
)
from tiltyard.suite import Budget, Suite

__all__ = ["MINIMUM_COVERAGE", "Board", "Conditions", "Row"]

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
    track: str = ""
    kind: str = ""

    @classmethod
    def of(
        cls,
        record: Record,
        environments: Mapping[str, Mapping[str, Any]],
        track: str = "",
        kind: str = "",
    ) -> Conditions:
        """Return a record's, with the track of its problem and the kind of its implementation."""
        spec = record.spec
        return cls(
            suite_version=spec.suite_version,
            device=spec.device,
            threads=spec.threads,
            budget=spec.budget,
            hardware=environments[record.environment]["hardware"],
            track=track,
            kind=kind,
        )


class Board:
    """The leaderboard of records that were made under the same conditions.

    Args:
        suite: whose records they are.
        tier: a name for the set of problems.
        conditions: what the records have in common.
        records: the latest of every (implementation, problem, seed).
        labels: the implementation's label for each record's id.
        of: how many problems there are to run; the records may be of fewer.
        drawn: runs of drawn configurations under the same conditions; they have no rows here.
        tuned: how many configurations each row was chosen from besides the defaults; 0 for rows
            that were not chosen.
        absent: why the implementations that take none of a track's problems have no row, by name.
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
        drawn: Sequence[Record] = (),
        tuned: int = 0,
        absent: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.of = of
        self.drawn = drawn
        self.tuned = tuned
        self.absent = absent
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
        self._costs: dict[tuple[float, Unit], Array] = {}
        self._medians: dict[float, Array] = {}

    def runs(self, implementation: str, problem: str) -> list[Record]:
        """Return an implementation's records on a problem, one a seed."""
        return self._cells[implementation, problem]

    @cached_property
    def pool(self) -> str:
        """A hash of who was compared on what: scores of different pools are not comparable."""
        compared = [self.implementations, self.problems, self.seeds]
        key = canonical_json([*compared, self.tuned] if self.tuned else compared)
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    @cached_property
    def credits(self) -> Array:
        """(implementations, problems, seeds) credit, as the suite ranks: of gaps, or of profiles.

        Profile credit is averaged over the targets.
        """
        if self.suite.ranking == "gap":
            return gap_credit(self.array(lambda one: final_gap(self.suite, one)))
        shape = (len(self.implementations), len(self.problems), len(self.seeds))
        total = np.zeros(shape)
        for target in self.suite.targets:
            total += profile_credit(self.costs(target))
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
            row_of(
                self.suite,
                name,
                [record for problem in self.problems for record in self.runs(name, problem)],
                costs={target: self.costs(target)[index] for target in self.suite.targets},
                score=float(scores[index]),
                problems=int(taken[index]),
                ranks=ranks.get(index, unranked),
            )
            for index, name in enumerate(self.implementations)
        ]
        return sorted(rows, key=lambda row: (row.rank or math.inf, row.implementation))

    @property
    def track(self) -> str:
        """The suite's track that its problems are of; empty if the suite has none."""
        return self.conditions.track

    @property
    def kind(self) -> str:
        """The suite's kind that its implementations are of; empty if the suite has none."""
        return self.conditions.kind

    @property
    def scope(self) -> str:
        """Its tier, track and kind, as titles name them: ``standard, track general``."""
        track = f", track {self.track}" if self.track else ""
        return f"{self.tier}{track}, kind {self.kind}" if self.kind else f"{self.tier}{track}"

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
        tuned = f"tuned({self.tuned}), " if self.tuned else ""
        return (
            f"tier {self.scope}, {tuned}{len(self.problems)} of {self.of} problems, "
            f"version {one.suite_version}, {one.device}, {threads}, budget {spent}, "
            f"hardware {one.hardware[:8]}, pool {self.pool}"
        )

    def require(self, implementation: str) -> None:
        """Refuse an implementation that is not on this board."""
        if implementation not in self.implementations:
            raise unknown("implementation", implementation, self.implementations)

    def common_target(self, problem: str, *implementations: str) -> float:
        """Return the tightest target that one of the implementations reaches on a problem."""
        rows = [self.implementations.index(name) for name in implementations]
        column = self.problems.index(problem)
        reached = [
            target
            for target in self.suite.targets
            if np.isfinite(self.medians(target)[rows, column]).any()
        ]
        return reached[-1] if reached else self.suite.targets[0]

    def compare(self, first: str, second: str) -> Pairing:
        """Compare two implementations on the problems that both take."""
        means = dict(zip(self.implementations, known_means(self.credits), strict=True))
        return pair(means[first], means[second], generator("pair", self.pool, first, second))

    def seconds(self, implementation: str, problem: str, target: float) -> float:
        """Return the median over seeds of sustained seconds; inf if missed, NaN if unsupported."""
        cell = self.implementations.index(implementation), self.problems.index(problem)
        return float(self.medians(target)[cell])

    def gap(self, implementation: str, problem: str) -> float:
        """Return the median final gap over seeds; inf for failed runs, NaN if unsupported."""
        cell = self.implementations.index(implementation), self.problems.index(problem)
        return float(self._gaps[cell])

    @cached_property
    def _gaps(self) -> Array:
        """(implementations, problems) median final gaps."""
        return median_of_runs(self.array(lambda one: final_gap(self.suite, one)), upper=True)

    def medians(self, target: float) -> Array:
        """Return (implementations, problems) medians over seeds of sustained seconds.

        Inf where most runs missed the target, NaN where none is known.
        """
        if target not in self._medians:
            self._medians[target] = median_of_runs(self.costs(target), upper=True)
        return self._medians[target]

    def costs(self, target: float, unit: Unit = "seconds") -> Array:
        """Return (implementations, problems, seeds) sustained costs to a target.

        Inf where the target was missed, NaN where the run is unsupported or missing.
        """
        if (target, unit) not in self._costs:
            # A record's columns are read once for all targets.
            targets = tuple(dict.fromkeys((*self.suite.targets, target)))
            found = self._arrays(lambda r: costs_to(self.suite, r, targets, unit), len(targets))
            self._costs.update(((one, unit), found[index]) for index, one in enumerate(targets))
        return self._costs[target, unit]

    def spent(self, unit: Unit = "seconds") -> Array:
        """Return (implementations, problems, seeds) costs of whole runs; NaN as in ``costs``."""
        return self.array(lambda record: cost_spent(self.suite, record, unit))

    def array(self, value: Callable[[Record], float]) -> Array:
        """Return (implementations, problems, seeds) values of the records, NaN for none."""
        (values,) = self._arrays(lambda record: [value(record)], 1)
        return np.asarray(values)

    def _arrays(self, values_of: Callable[[Record], Sequence[float]], count: int) -> Array:
        """Return (count, implementations, problems, seeds) of several values of each record."""
        shape = (count, len(self.implementations), len(self.problems), len(self.seeds))
        values = np.full(shape, np.nan)
        seeds = {seed: index for index, seed in enumerate(self.seeds)}
        for i, implementation in enumerate(self.implementations):
            for j, problem in enumerate(self.problems):
                for record in self.runs(implementation, problem):
                    values[:, i, j, seeds[record.spec.seed]] = values_of(record)
        return values
