"""Checkpoints: the judge's view of a run at each moment it looked."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import methodcaller
from typing import Any, overload

_ABSENT = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The judge's view of a run at one moment.

    Attributes:
        iteration: answers yielded so far.
        seconds: on the method's clock.
        oracles: calls so far, by kind.
        metrics: the verdict's.
    """

    iteration: int
    seconds: float
    oracles: Mapping[str, int]
    metrics: Mapping[str, float]


class Checkpoints(Sequence[Checkpoint]):
    """The checkpoints of a stored run by columns: a tenth of the memory of as many objects.

    Args:
        points: as JSON holds them; a metric that is null is NaN.
    """

    __slots__ = ("_iterations", "_metrics", "_oracles", "_seconds", "final")

    final: Mapping[str, float]
    """The metrics of the last checkpoint."""

    def __init__(self, points: Sequence[Mapping[str, Any]]) -> None:
        self._iterations = array("q", [point["iteration"] for point in points])
        self._seconds = array("d", [point["seconds"] for point in points])
        self._metrics = {
            name: array("d", _filled(values, math.nan))
            for name, values in _columns([point["metrics"] for point in points])
        }
        self._oracles = {
            kind: array("q", _filled(calls, _ABSENT))
            for kind, calls in _columns([point["oracles"] for point in points])
        }
        self.final = {name: values[-1] for name, values in self._metrics.items()}

    def __len__(self) -> int:
        return len(self._seconds)

    @overload
    def __getitem__(self, index: int) -> Checkpoint: ...
    @overload
    def __getitem__(self, index: slice) -> list[Checkpoint]: ...
    def __getitem__(self, index: int | slice) -> Checkpoint | list[Checkpoint]:
        if isinstance(index, slice):
            return [self[one] for one in range(*index.indices(len(self)))]
        return Checkpoint(
            iteration=self._iterations[index],
            seconds=self._seconds[index],
            oracles={k: calls[index] for k, calls in self._oracles.items()
                     if calls[index] != _ABSENT},
            metrics={name: values[index] for name, values in self._metrics.items()},
        )  # fmt: skip

    def metric(self, name: str) -> Sequence[float]:
        """Return the values of a metric, NaN where no verdict has it."""
        return self._metrics.get(name) or array("d", [math.nan]) * len(self)

    @property
    def seconds(self) -> Sequence[float]:
        """Seconds on the method's clock."""
        return self._seconds

    def oracles(self, weights: Mapping[str, float]) -> list[float]:
        """Return the weighted oracle calls."""
        columns = [
            [weight * max(calls, 0) for calls in self._oracles[kind]]
            for kind, weight in weights.items()
            if kind in self._oracles
        ]
        if len(columns) == 1:
            return columns[0]
        return [sum(calls) for calls in zip(*columns, strict=True)] or [0.0] * len(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _columns(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield each key with its value in every row, None where a row lacks it."""
    names = list(rows[0]) if rows else []
    if all(map(names.__eq__, map(list, rows))):  # as good as always, and four times as fast
        yield from zip(names, zip(*map(methodcaller("values"), rows), strict=True), strict=True)
        return
    for name in dict.fromkeys(chain.from_iterable(rows)):
        yield name, [row.get(name) for row in rows]


def _filled(values: Sequence[Any], absent: float) -> Sequence[Any]:
    """Return the values with ``absent`` in place of None."""
    return [absent if one is None else one for one in values] if None in values else values
