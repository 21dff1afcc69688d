"""The open nodes of a branch and bound over several objectives, best bound first."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TOLERANCE = 1e-7
"""A node whose bound is this part above the best known value is closed."""

SLACK = 1e-10
"""Part of an entry's first bound that float64 may be off by."""


@dataclass(order=True, slots=True)
class Node:
    """An open node: what is known of it, and the entry of the answer that it belongs to.

    Attributes:
        key: minus the bound.
        serial: breaks ties.
        entry: index of the answer that the node belongs to.
        row: index of the output.
        lower, upper: (M,) bounds of the preactivations of all layers.
        split: (M,) int8, 1 where z >= 0 is a constraint, -1 where z <= 0 is, else 0.
    """

    key: float
    serial: int
    entry: int = field(compare=False)
    row: int = field(compare=False)
    lower: Array = field(compare=False)
    upper: Array = field(compare=False)
    split: NDArray[np.int8] = field(compare=False)


class Tree:
    """Open nodes, the best known values and the largest bounds of closed nodes, by entry.

    Attributes:
        value: (e,) the largest value known at a point of the region.
        ratio: whether entries are compared by bound / value, or else by their difference, those
            whose sign is open before others.
    """

    def __init__(self, entries: int, *, ratio: bool) -> None:
        self.value = np.full(entries, -np.inf)
        self.ratio = ratio
        self._first = np.full(entries, np.nan)
        self._least = np.full(entries, np.inf)
        self._begun = np.zeros(entries, dtype=np.bool_)
        self._closed = np.full(entries, -np.inf)
        self._heaps: list[list[Node]] = [[] for _ in range(entries)]
        self._serial = itertools.count()

    def set_first(self, entry: int, bound: float) -> None:
        """Note an entry's bound before any node of it is there."""
        self._first[entry] = self._least[entry] = bound

    def cut(self, entries: NDArray[np.int64]) -> Array:
        """Return the bounds, (B,), at or below which nodes of the entries are closed."""
        floor = np.maximum(self.value, self._closed)[entries]
        extra = TOLERANCE * np.abs(np.where(np.isfinite(floor), floor, 0.0))
        return np.asarray(floor + extra + SLACK * np.abs(self._first[entries]))

    def begin(self, entry: int) -> None:
        """Let the open nodes bound an entry from now on."""
        self._begun[entry] = True

    def push(
        self,
        entry: int,
        row: int,
        bound: float,
        state: tuple[Array, Array, NDArray[np.int8]],
    ) -> None:
        """Open a node."""
        node = Node(-bound, next(self._serial), entry, row, *state)
        heapq.heappush(self._heaps[entry], node)

    def close(self, entry: int, bound: float) -> None:
        """Note the bound of a node that cannot be split."""
        self._closed[entry] = max(self._closed[entry], bound)

    def upper(self) -> Array:
        """Return the least upper bound of each entry so far, (e,); no node may be in work."""
        entries = np.arange(len(self.value))
        opened = np.array([-heap[0].key if heap else -np.inf for heap in self._heaps])
        bound = np.maximum(opened + SLACK * np.abs(self._first), self.cut(entries))
        self._least[self._begun] = np.minimum(self._least, bound)[self._begun]
        return self._least.copy()

    def take(self, size: int) -> list[Node]:
        """Remove and return up to ``size`` nodes: entries in turn, the worst bounded first."""
        cut = self.cut(np.arange(len(self.value)))
        for heap, limit in zip(self._heaps, cut, strict=True):
            if heap and -heap[0].key <= limit:
                heap.clear()
        waiting = [entry for entry in np.argsort(-self._urgency()) if self._heaps[entry]]
        taken: list[Node] = []
        while waiting and len(taken) < size:
            turn = waiting[: size - len(taken)]
            taken.extend(heapq.heappop(self._heaps[entry]) for entry in turn)
            waiting = [
                entry
                for entry in waiting
                if self._heaps[entry] and -self._heaps[entry][0].key > cut[entry]
            ]
        return taken

    def _urgency(self) -> Array:
        upper = self.upper()
        if self.ratio:
            return np.asarray(upper / np.maximum(self.value, 1e-300))
        undecided = (upper >= 0) & (self.value <= 0)
        return np.asarray(undecided + (upper - self.value) / (1e3 * np.abs(self._first) + 1e-300))
