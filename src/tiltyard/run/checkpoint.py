"""Checkpoints: the judge's view of a run at each moment it looked."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
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

    __slots__ = ("_iterations", "_metrics", "_oracles", "_seconds")

    def __init__(self, points: Sequence[Mapping[str, Any]]) -> None:
        self._iterations = array("q", [point["iteration"] for point in points])
        self._seconds = array("d", [point["seconds"] for point in points])
        metrics = [point["metrics"] for point in points]
        self._metrics = {
            name: array("d", [_real(values.get(name)) for values in metrics])
            for name in dict.fromkeys(chain.from_iterable(metrics))
        }
        oracles = [point["oracles"] for point in points]
        self._oracles = {
            kind: array("q", [calls.get(kind, _ABSENT) for calls in oracles])
            for kind in dict.fromkeys(chain.from_iterable(oracles))
        }

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

    @property
    def final(self) -> Mapping[str, float]:
        """The metrics of the last checkpoint."""
        return {name: values[-1] for name, values in self._metrics.items()}

    def metric(self, name: str) -> Sequence[float]:
        """Return the values of a metric, NaN where no verdict has it."""
        return self._metrics.get(name) or array("d", [math.nan]) * len(self)

    @property
    def seconds(self) -> Sequence[float]:
        """Seconds on the method's clock."""
        return self._seconds

    def oracles(self, weights: Mapping[str, float]) -> list[float]:
        """Return the weighted oracle calls."""
        total = [0.0] * len(self)
        for kind, weight in weights.items():
            for index, calls in enumerate(self._oracles.get(kind, ())):
                total[index] += weight * max(calls, 0)
        return total

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _real(value: float | None) -> float:
    return math.nan if value is None else value
