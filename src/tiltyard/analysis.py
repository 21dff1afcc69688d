"""The statistics of one leaderboard: profiles, tests, groups of ties, expected running times."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from tiltyard.board import Board
from tiltyard.errors import TiltyardError, unknown
from tiltyard.registry import generator
from tiltyard.stats import (
    Array,
    ExpectedRuntime,
    Friedman,
    HeadToHead,
    PairwiseTests,
    Profile,
    Unit,
    Untested,
    data_profiles,
    expected_runtime,
    friedman,
    head_to_head,
    known_means,
    pairwise_tests,
    performance_profiles,
)


class Analysis:
    """The statistics of a board, each computed when it is first asked for.

    Every random draw comes from a generator named by the board's pool and the question, so that the
    same records give the same numbers.

    Args:
        board: whose records are analysed.

    Attributes:
        board: the same.
        ranked: names of the implementations that the board ranks, best first. Tests are between
            these: one that takes few problems would leave few for the others.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.ranked = [row.implementation for row in board.rows if row.rank is not None]

    def performance_profiles(
        self, target: float | None = None, unit: Unit = "seconds"
    ) -> dict[str, Profile]:
        """Return every implementation's performance profile, best rank first.

        Args:
            target: a level of the gap; None averages over the suite's targets.
            unit: of the costs.
        """
        rng = generator("performance profiles", self.board.pool, str(target), unit)
        return self._by_name(performance_profiles(self._costs(target, unit), rng))

    def data_profiles(
        self, target: float | None = None, units: Mapping[str, float] | None = None
    ) -> dict[str, Profile]:
        """Return every implementation's data profile over weighted oracle calls, best rank first.

        Args:
            target: a level of the gap; None averages over the suite's targets.
            units: oracle calls that make one unit on each problem, such as its dimension + 1; None
                counts plain calls.

        Raises:
            TiltyardError: a problem of the board has no unit, or one that is not above 0.
        """
        problems = self.board.problems
        missing = [name for name in problems if units is not None and name not in units]
        if missing:
            raise TiltyardError(
                f"no unit of cost for problem {missing[0]}; a data profile needs one for each of "
                f"the board's {len(problems)} problems"
            )
        scale = np.array([1.0 if units is None else units[name] for name in problems])
        rng = generator("data profiles", self.board.pool, str(target))
        return self._by_name(data_profiles(self._costs(target, "oracles"), scale, rng))

    @cached_property
    def tests(self) -> PairwiseTests:
        """Signed-rank tests of every pair of ``ranked``, with Holm's correction; by index in it."""
        return pairwise_tests(self._values)

    @cached_property
    def friedman(self) -> Friedman | Untested:
        """Friedman's test of ``ranked``, with Nemenyi's comparisons; by index in it."""
        return friedman(self._values)

    @cached_property
    def ties(self) -> list[tuple[str, ...]]:
        """The largest groups of ranked implementations of which no two are different."""
        return [tuple(self.ranked[index] for index in group) for group in self.tests.groups]

    def different(self, first: str, second: str) -> bool:
        """Return whether the corrected test tells two implementations apart.

        No test is made of one that is not ranked, nor on fewer problems than a test needs.
        """
        if first not in self.ranked or second not in self.ranked:
            return False
        return self.tests.different(self.ranked.index(first), self.ranked.index(second))

    def expected_runtime(
        self, implementation: str, problem: str, target: float, unit: Unit = "seconds"
    ) -> ExpectedRuntime:
        """Return the expected running time to a target, with simulated restarts.

        Raises:
            TiltyardError: the board has no such implementation or problem.
        """
        if problem not in self.board.problems:
            raise unknown("problem", problem, self.board.problems)
        cell = self._row(implementation), self.board.problems.index(problem)
        rng = generator("restarts", self.board.pool, implementation, problem, target, unit)
        return expected_runtime(self.board.costs(target, unit)[cell], self._spent[unit][cell], rng)

    def head_to_head(
        self, first: str, second: str, target: float, unit: Unit = "seconds"
    ) -> HeadToHead:
        """Return two implementations' costs to a target compared, in the order of the problems.

        Raises:
            TiltyardError: the board has no such implementation.
        """
        costs = self.board.costs(target, unit)
        rng = generator("head to head", self.board.pool, first, second, target, unit)
        return head_to_head(costs[self._row(first)], costs[self._row(second)], rng)

    @cached_property
    def _spent(self) -> dict[Unit, Array]:
        units: tuple[Unit, ...] = ("seconds", "oracles")
        return {unit: self.board.spent(unit) for unit in units}

    @cached_property
    def _values(self) -> Array:
        """(ranked, problems) mean credits."""
        rows = [self._row(name) for name in self.ranked]
        return known_means(self.board.credits[rows])

    def _row(self, implementation: str) -> int:
        self.board.require(implementation)
        return self.board.implementations.index(implementation)

    def _costs(self, target: float | None, unit: Unit) -> Array:
        """Return (targets, implementations, problems, seeds)."""
        targets = self.board.suite.targets if target is None else (target,)
        return np.stack([self.board.costs(one, unit) for one in targets])

    def _by_name(self, profiles: list[Profile]) -> dict[str, Profile]:
        return {
            row.implementation: profiles[self._row(row.implementation)] for row in self.board.rows
        }
