"""Branch and bound over the neurons of a ReLU chain, in batches of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.implementations.lipschitz._split_bounds import (
    Nodes,
    free_bound,
    preactivations,
    ranges,
    unbounded,
)
from tiltyard.implementations.lipschitz._split_dual import Dual, optimise
from tiltyard.implementations.lipschitz._split_objectives import (
    Entries,
    Objectives,
    State,
    children,
    flat,
    repeat,
)
from tiltyard.implementations.lipschitz._split_tree import Node, Tree
from tiltyard.implementations.lipschitz._split_witness import cell

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]

WORK = 5e8
"""Multiplications of a batch, about: what is known is yielded between batches."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the method's parameters say; see ``clarke_branch_and_bound``."""

    batch: int
    iterations: int
    candidates: int
    samples: int


class Search:
    """The state of one run.

    Attributes:
        objectives: what is bounded.
        tree: the open nodes.
    """

    def __init__(
        self, problem: LipschitzProblem, rng: np.random.Generator, options: Options
    ) -> None:
        self.objectives = Objectives(problem)
        self.tree = Tree(int(np.prod(problem.shape)), ratio=not self.objectives.partial)
        self._problem = problem
        self._rng = rng
        self._options = options
        self._batch = int(np.clip(WORK / self.objectives.cost(), 1, options.batch))

    @property
    def upper(self) -> Array:
        """Upper bounds in the answer's shape."""
        return self.tree.upper().reshape(self._problem.shape)

    def start(self) -> Iterator[None]:
        """Bound every entry without a split, by intervals, then by CROWN; pause between."""
        goals = self.objectives
        states = goals.interval_states()
        for region, state in enumerate(states):
            entries, nodes = self._root(region, state)
            known = ranges(goals.layers, nodes, unbounded(nodes))
            bound = free_bound(goals.layers, nodes, known).numpy()
            for entry in np.unique(entries):
                self.tree.set_first(int(entry), float(bound[entries == entry].max()))
        yield
        self._sample()
        for region, state in enumerate(states):
            entries, rows = goals.roots(region)
            one = goals.nodes(entries[:1], rows[:1], state)
            entries, nodes = self._root(region, flat(preactivations(goals.layers, one)))
            bound = free_bound(goals.layers, nodes, ranges(goals.layers, nodes)).numpy()
            bound = np.minimum(bound, self.tree.upper()[entries])
            self._open(entries, rows, bound, flat(nodes))
            for entry in np.unique(entries):
                self.tree.begin(int(entry))
            yield

    def _root(self, region: int, state: State) -> tuple[Entries, Nodes]:
        """Return the entries and nodes of a region's objectives; the state is (1, M)."""
        entries, rows = self.objectives.roots(region)
        at = torch.zeros(len(rows), dtype=torch.int64)
        return entries, self.objectives.nodes(entries, rows, repeat(state, at))

    def _sample(self) -> None:
        """Compute the values at corners and at uniform points of each region."""
        goals, count = self.objectives, self._options.samples
        for region in range(goals.regions):
            low, high = goals.low[region], goals.high[region]
            share = self._rng.random((count, len(low)))
            share[::2] = share[::2] < 0.5
            points = low + torch.from_numpy(share) * (high - low)
            self._try(np.full(count, region * goals.slots), points)

    def _try(self, entries: Entries, points: Tensor) -> None:
        """Compute the values at points (P, n) of the entries' regions; keep the largest."""
        self._problem.count("sample", len(points))
        goals, slots = self.objectives, self.objectives.slots
        region = torch.from_numpy(entries // slots)
        # A corner is computed from a center and may be off by rounding.
        values = goals.values(torch.clamp(points, goals.low[region], goals.high[region]))
        table = self.tree.value.reshape(-1, slots)
        np.maximum.at(table, entries // slots, values)

    def step(self) -> bool:
        """Split a batch of nodes; return whether there was one."""
        taken = self.tree.take(self._batch)
        if not taken:
            return False
        self._problem.count("branch", len(taken))
        rest = []
        for node in taken:
            if ((node.lower < 0) & (node.upper > 0)).any():
                rest.append(node)
            else:
                self._leaf(node)
        if rest:
            self._split(rest)
        return True

    def _leaf(self, node: Node) -> None:
        """Settle a node in which every neuron is fixed: its bound is the value of its cell."""
        self._problem.count("linear_program")
        goals = self.objectives
        region = node.entry // goals.slots
        box = goals.low[region].numpy(), goals.high[region].numpy()
        active = (node.lower >= 0).astype(np.float64)
        point, empty = cell(goals.layers, active, node.split, box)
        if point is not None:
            self._try(np.array([node.entry]), torch.from_numpy(point).unsqueeze(0))
        if not empty:
            self.tree.close(node.entry, -node.key)

    def _split(self, taken: list[Node]) -> None:
        """Replace nodes by their children."""
        entries = np.array([node.entry for node in taken])
        rows = torch.tensor([node.row for node in taken])
        bound = np.array([-node.key for node in taken])
        state = (
            torch.from_numpy(np.stack([node.lower for node in taken])),
            torch.from_numpy(np.stack([node.upper for node in taken])),
            torch.from_numpy(np.stack([node.split for node in taken])),
        )
        made = children(state, self._choose(entries, rows, state, bound))
        self._bound(np.tile(entries, 2), rows.repeat(2), np.tile(bound, 2), made)

    def _choose(self, entries: Entries, rows: Tensor, state: State, bound: Array) -> Tensor:
        """Return the neuron of each node whose two children are bounded lowest, (B,).

        The children are bounded by intervals within the bounds of their parent.
        """
        goals = self.objectives
        known = ranges(goals.layers, goals.nodes(entries, rows, state))
        free = (state[0] < 0) & (state[1] > 0)
        reach = torch.cat([torch.maximum(-low, high) for low, high in known.g], dim=1)
        count = min(self._options.candidates, int(free.sum(dim=1).max()))
        at = torch.where(free, reach, -1.0).topk(count, dim=1).indices
        each = torch.arange(len(rows)).repeat_interleave(count)
        twice = each.repeat(2)
        family = goals.nodes(
            entries[twice.numpy()], rows[twice], children(repeat(state, each), at.flatten())
        )
        close = ranges(goals.layers, family, known.take(twice))
        parent, cut = torch.from_numpy(bound)[twice], torch.tensor(self.tree.cut(entries))[twice]
        least = torch.maximum(free_bound(goals.layers, family, close), cut)
        drop = (parent - least).clamp(min=0)
        score = (drop[: len(each)] + drop[len(each) :]).reshape(-1, count)
        score = torch.where(free.gather(1, at), score, -1.0)
        return at.gather(1, score.argmax(dim=1, keepdim=True))[:, 0]

    def _bound(self, entries: Entries, rows: Tensor, parent: Array, state: State) -> None:
        """Bound children and open those that matter."""
        goals = self.objectives
        nodes = preactivations(goals.layers, goals.nodes(entries, rows, state))
        state = flat(nodes)
        known = ranges(goals.layers, nodes)
        bound = np.minimum(parent, free_bound(goals.layers, nodes, known).numpy())
        bound[(state[0] > state[1]).any(dim=1).numpy()] = -np.inf
        keep = np.flatnonzero(bound > self.tree.cut(entries))
        if not len(keep):
            return
        index, entries = torch.from_numpy(keep), entries[keep]
        dual = Dual(goals.layers, nodes.take(index), known.take(index))
        below = torch.from_numpy(self.tree.cut(entries))
        best, points = optimise(dual, below, self._options.iterations)
        bound = np.minimum(bound[keep], best.numpy())
        self._try(np.repeat(entries, points.shape[1]), points.flatten(0, 1))
        self._open(entries, rows[index], bound, repeat(state, index))

    def _open(self, entries: Entries, rows: Tensor, bound: Array, state: State) -> None:
        """Put nodes into the tree, but for those that are closed at once."""
        lower, upper, split = (one.numpy() for one in state)
        for i in np.flatnonzero(bound > self.tree.cut(entries)):
            self.tree.push(
                int(entries[i]), int(rows[i]), float(bound[i]), (lower[i], upper[i], split[i])
            )
