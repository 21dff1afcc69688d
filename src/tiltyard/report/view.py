"""A suite's records as its pages see them: by tier, by implementation, by problem."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tiltyard.analysis import Analysis
from tiltyard.board import Board
from tiltyard.grouping import boards, by_part, label
from tiltyard.registry import Registry
from tiltyard.report.conditions import Environments
from tiltyard.report.format import slug
from tiltyard.report.summary import telling_targets
from tiltyard.run.plan import TIERS
from tiltyard.run.record import Record
from tiltyard.stats import HeadToHead
from tiltyard.suite import Suite
from tiltyard.tuned import Tuned, Untuned, tuned

COLOURS, DASHES = 7, 4
"""How many the style sheet has; together they tell 28 implementations apart."""


_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Duel:
    """Two implementations' times compared.

    Attributes:
        target: the level of the gap that the times are to.
        result: the comparison, for the first.
    """

    target: float
    result: HeadToHead


@dataclass(frozen=True)
class TierView:
    """One tier of a suite, or a track or kind of it: its main board, and those of other conditions.

    Attributes:
        board: the most telling board.
        others: runs of the same problems under other conditions.
        names: the implementation of each of the board's labels.
        label_of: the label of each of the board's records, by its id.
        tuned: the tuned board, why there is none, or None without runs of drawn configurations.
    """

    board: Board
    others: Sequence[Board]
    names: dict[str, str]
    label_of: dict[str, str]
    tuned: Tuned | Untuned | None

    @property
    def anchor(self) -> str:
        """The id of its section."""
        board = self.board
        return "-".join(
            slug(part) for part in ("tier", board.tier, board.track, board.kind) if part
        )

    @cached_property
    def analysis(self) -> Analysis:
        """The board's statistics."""
        return Analysis(self.board)

    @cached_property
    def style(self) -> dict[str, str]:
        """The classes that colour and dash each implementation's line."""
        return {
            row.implementation: f"s{index % COLOURS} d{index // COLOURS % DASHES}"
            for index, row in enumerate(self.board.rows)
        }

    @cached_property
    def targets(self) -> list[float]:
        """The tightest target that a run sustained and two looser ones, tightest first."""
        return telling_targets(self.board)

    @cached_property
    def contenders(self) -> dict[str, str]:
        """The label that stands for each implementation: its defaults, else its best row."""
        found: dict[str, str] = {}
        for row in self.board.rows:
            name = self.names[row.implementation]
            if name == row.implementation or name not in found:
                found[name] = row.implementation
        return found

    def duel(self, first: str, second: str) -> Duel:
        """Return two labels' times compared, to the tightest target that decides most of it.

        That is one which at least one of the two reached on half of the problems; the loosest
        where there is none.
        """
        index = [self.board.implementations.index(name) for name in (first, second)]
        telling = self.board.suite.targets[0]
        for target in self.board.suite.targets:
            if np.isfinite(self.board.medians(target)[index]).any(axis=0).mean() >= _HALF:
                telling = target
        return Duel(telling, self.analysis.head_to_head(first, second, telling))


class SuiteView:
    """What the pages of one suite show.

    Args:
        registry: the suites, implementations and claims.
        suite: the suite.
        records: all its records, in the order in which they were started.
        environments: the store's.
    """

    def __init__(
        self,
        registry: Registry,
        suite: Suite,
        records: Sequence[Record],
        environments: Environments,
    ) -> None:
        self.registry = registry
        self.suite = suite
        self.records = records
        self.environments = environments

    @cached_property
    def tiers(self) -> list[TierView]:
        """Every tier that has runs, the most demanding first; each kind and track by itself."""
        views = []
        for tier in [one for one in reversed(TIERS) if one in self.suite.tiers]:
            found = boards(self.registry, self.suite, tier, self.records, self.environments)
            for board, *rest in by_part(found):
                labels = {one.spec.id: label(self.registry, one.spec) for one in board.records}
                names = {labels[one.spec.id]: one.spec.implementation for one in board.records}
                best = tuned(self.registry, board)
                views.append(TierView(board, rest, names, labels, best))
        return views

    @cached_property
    def by_problem(self) -> dict[str, list[Record]]:
        """The records of each problem that has any, in the order of their names."""
        found = defaultdict(list)
        for record in self.records:
            found[record.spec.problem].append(record)
        return dict(sorted(found.items()))

    @cached_property
    def by_implementation(self) -> dict[str, list[Record]]:
        """The records of each implementation, registered or not, in the order of their names."""
        found: dict[str, list[Record]] = {
            method.name: [] for method in self.registry.methods_of(self.suite.name)
        }
        for record in self.records:
            found.setdefault(record.spec.implementation, []).append(record)
        return dict(sorted(found.items()))

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """Every two implementations that share a board, each in the order of their names."""
        found = {
            (first, second)
            for tier in self.tiers
            for first in tier.contenders
            for second in tier.contenders
            if first < second
        }
        return sorted(found)

    def facts(self) -> dict[str, str]:
        """Return how much there is, and how fresh it is."""
        latest = max((record.started for record in self.records), default="")
        return {
            "runs": f"{len(self.records):,}",
            "problems": str(len(self.by_problem)),
            "implementations": str(len({r.spec.implementation for r in self.records})),
            "newest run": latest[:16].replace("T", " ") + " UTC" if latest else "-",
        }
