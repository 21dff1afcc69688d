"""Tuned leaderboards: every implementation at the configuration that does best on other problems.

The protocol, alike for every implementation that declares a tuning space:

1. The candidates are its defaults and the first k random configurations.
2. For a problem that candidate is chosen whose mean credit on the *other* problems is best, with
   the mean over seeds taken first; of equals, the defaults, then the one drawn first. A run's
   credit is its profile credit among the implementation's own candidates, so that who else takes
   part does not change what is chosen. A candidate that does not take a problem, where another one
   does, earns nothing on it.
3. The row shows, on each problem, the runs of the candidate that was chosen without that problem.

So no run that a row shows had a part in choosing its configuration: cross-validation that leaves
one problem out (Stone 1974, doi:10.1111/j.2517-6161.1974.tb00994.x).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tiltyard.board import Board
from tiltyard.grouping import label
from tiltyard.implementation import Implementation
from tiltyard.registry import Registry
from tiltyard.run.record import Record
from tiltyard.stats import Array, known_means
from tiltyard.tuning import (
    MOST,
    Configuration,
    Key,
    by_configuration,
    configuration_key,
    leading_draws,
)

MINIMUM_PROBLEMS = 3
"""With fewer, a configuration would be chosen on a single problem."""

SUMMARY = (
    "Each row shows, on each problem, the runs of the configuration that does best on all the "
    "other problems, out of the defaults and k random ones; k is the same for all."
)
"""The protocol in one sentence."""

_DIGITS = 12  # equal credits summed in another order are still equal

_Case = tuple[str, int]
"""A problem and a seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """A tuned leaderboard.

    Attributes:
        board: one row for each implementation; ``board.tuned`` is the number of configurations.
        choices: for each tuned implementation and problem the label of the configuration chosen.
        notes: what else a reader must know, in sentences.
    """

    board: Board
    choices: Mapping[str, Mapping[str, str]]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Untuned:
    """Why there are runs of drawn configurations, but no tuned leaderboard."""

    reason: str


def tuned(registry: Registry, board: Board) -> Tuned | Untuned | None:
    """Return the tuned leaderboard beside a board, why there is none, or None without any draws.

    It is over the problems and seeds for which every tuned implementation has its defaults and
    the same number of configurations.

    Args:
        registry: declares the tuning spaces.
        board: with the runs of drawn configurations.
    """
    if not board.drawn:
        return None
    made = by_configuration(registry, [*board.records, *board.drawn])
    methods = {name: registry.implementations[board.suite.name, name] for name in made}
    draws = {name: leading_draws(method, made[name]) for name, method in methods.items()}
    draws = {name: found for name, found in draws.items() if found}
    count = _common(draws)
    candidates = {
        name: _candidates(methods[name], made[name], found[:count]) for name, found in draws.items()
    }
    cases = _complete(candidates.values())
    problems = {problem for problem, _ in cases}
    if len(problems) < MINIMUM_PROBLEMS:
        return Untuned(_too_few(len(problems), count))
    chosen = {name: _chosen(board, runs, cases) for name, runs in candidates.items()}
    fixed = {
        name: _within(made[name].get(configuration_key(method, {}), []), cases)
        for name, method in methods.items()
        if not method.tune
    }
    return Tuned(
        board=_board(board, [*chosen.values(), *fixed.values()], count),
        choices={
            name: {run.spec.problem: label(registry, run.spec) for run in runs}
            for name, runs in chosen.items()
        },
        notes=tuple(_notes(board, draws, [name for name, runs in fixed.items() if runs], problems)),
    )


def choose(credits_: Array) -> list[int]:
    """Return, for each problem, the candidate that is best on all the other problems.

    Args:
        credits_: (candidates, problems, seeds) in [0, 1], NaN where there is no run or the pair is
            unsupported; the first candidate is the defaults.

    Returns:
        (problems,) indices of candidates. A problem's own credits have no part in its choice.
    """
    means = known_means(credits_)
    means = np.where(np.isnan(means) & ~np.isnan(means).all(axis=0), 0.0, means)
    found = []
    for problem in range(means.shape[1]):
        scores = known_means(np.delete(means, problem, axis=1))
        scores = np.where(np.isnan(scores), -1.0, np.round(scores, _DIGITS))
        found.append(int(np.argmax(scores)))  # the first of equals
    return found


def _common(draws: Mapping[str, Sequence[Configuration]]) -> int:
    """Return the number of configurations that every implementation has."""
    count = min(map(len, draws.values()))
    if count < MOST:
        return count
    # Every space is finite, and every configuration has runs: draws that repeat do not count.
    return max(1 + max(map(found.index, found)) for found in draws.values())


def _candidates(
    method: Implementation, made: Mapping[Key, list[Record]], draws: Sequence[Configuration]
) -> list[list[Record]]:
    """Return the runs of each candidate, the defaults first; draws that repeat are left out."""
    keys = [configuration_key(method, one) for one in ({}, *draws)]
    return [made[key] for key in dict.fromkeys(keys)]


def _complete(candidates: Iterable[Sequence[Sequence[Record]]]) -> set[_Case]:
    """Return the problems and seeds for which every candidate of every implementation has a run."""
    return set.intersection(
        *({(run.spec.problem, run.spec.seed) for run in runs} for one in candidates for runs in one)
    )


def _within(records: Iterable[Record], cases: set[_Case]) -> list[Record]:
    return [run for run in records if (run.spec.problem, run.spec.seed) in cases]


def _chosen(
    board: Board, candidates: Sequence[Sequence[Record]], cases: set[_Case]
) -> list[Record]:
    """Return one implementation's runs of the configuration that is chosen for each problem."""
    runs = [_within(records, cases) for records in candidates]
    names = [f"{index:06}" for index in range(len(runs))]  # sorted as they are numbered
    own = Board(
        board.suite,
        board.tier,
        board.conditions,
        [run for one in runs for run in one],
        labels={run.spec.id: name for name, one in zip(names, runs, strict=True) for run in one},
        of=board.of,
    )
    picks = zip(own.problems, choose(own.credits), strict=True)
    return [run for problem, index in picks for run in own.runs(names[index], problem)]


def _board(board: Board, rows: Iterable[Sequence[Record]], count: int) -> Board:
    """Return the leaderboard of runs that were chosen, under the names of the implementations."""
    records = [run for runs in rows for run in runs]
    labels = {run.spec.id: run.spec.implementation for run in records}
    return Board(
        board.suite,
        board.tier,
        board.conditions,
        records,
        labels=labels,
        of=board.of,
        tuned=count,
        absent=board.absent,
    )


def _too_few(problems: int, count: int) -> str:
    return (
        f"There is no tuned leaderboard: {problems or 'no'} problem{'' if problems == 1 else 's'} "
        f"with all runs of the defaults and of {count} configuration{'' if count == 1 else 's'} of "
        f"every tuned implementation, and choosing on other problems takes {MINIMUM_PROBLEMS}."
    )


def _notes(
    board: Board,
    draws: Mapping[str, Sequence[Configuration]],
    fixed: Sequence[str],
    problems: set[str],
) -> Iterator[str]:
    """Yield what a reader must know besides the rows."""
    count = _common(draws)
    more = [name for name, found in sorted(draws.items()) if count < len(found) < MOST]
    if more:
        yield (
            f"k = {count} is the largest number of configurations that every tuned implementation "
            f"has runs of; more have {', '.join(more)}."
        )
    if fixed:
        yield f"Nothing to tune, so at the defaults: {', '.join(sorted(fixed))}."
    names = {run.spec.implementation for run in board.records}
    if absent := sorted(names - draws.keys() - set(fixed)):
        yield f"Left out for want of runs at the defaults or of draws: {', '.join(absent)}."
    if missing := len(set(board.problems) - problems):
        yield (
            f"Left out: {missing} problem{'' if missing == 1 else 's'} on which a configuration of "
            "a tuned implementation has no runs."
        )
