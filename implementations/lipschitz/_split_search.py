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
    Layers,
    Nodes,
    free_bound,
    interval,
    preactivations,
    ranges,
    unbounded,
)
from tiltyard.implementations.lipschitz._split_dual import Dual, optimise
from tiltyard.implementations.lipschitz._split_tree import Node, Tree
from tiltyard.implementations.lipschitz._split_witness import cell, jacobians

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]

WORK = 5e8
"""Multiplications of a batch, about: what is known is yielded between batches."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the method's parameters say.

    Attributes:
        batch: nodes that are split at a time, at most.
        iterations: of the multipliers, for each batch.
        candidates: neurons of a node whose two children are bounded before one is chosen.
        samples: points of each region at which the value is computed first.
    """

    batch: int
    iterations: int
    candidates: int
    samples: int


class Search:
    """The state of one run; ``upper`` bounds the answer's entries."""

    def __init__(
        self, problem: LipschitzProblem, rng: np.random.Generator, options: Options
    ) -> None:
        self.problem = problem
        self.rng = rng
        self.options = options
        chain = problem.chain
        self.layers = Layers(
            tuple(torch.tensor(weight) for weight in chain.weights[:-1]),
            tuple(torch.tensor(bias) for bias in chain.biases[:-1]),
        )
        self.rows = torch.tensor(chain.weights[-1])
        self.low, self.high = (torch.tensor(corner) for corner in problem.box)
        self.partial = problem.norm == "partial"
        # An entry of the answer is a region, or a signed feature of one.
        self.slots = 2 * len(problem.features) if self.partial else 1
        self.tree = Tree(problem.regions * self.slots, ratio=not self.partial)
        self.sizes = [len(weight) for weight in self.layers.weights]
        self.best = self.low.repeat_interleave(self.slots, 0)
        self.batch = int(np.clip(WORK / self._cost(), 1, options.batch))

    def _cost(self) -> float:
        """Return how many multiplications the bounds of one node take."""
        work, before = 0.0, 0.0
        for weight in self.layers.weights:
            before += weight.numel()
            work += 2.0 * len(weight) * before
        return 2.0 * work

    @property
    def upper(self) -> Array:
        """Upper bounds in the answer's shape."""
        return self.tree.upper().reshape(self.problem.shape)

    def _nodes(self, entries: NDArray[np.int64], rows: Tensor, state: tuple[Tensor, ...]) -> Nodes:
        """Return the batch of nodes of the given entries and rows; the state is flat, (B, M)."""
        region = torch.tensor(entries // self.slots)
        direction = None
        if self.partial:
            direction = torch.zeros(len(rows), self.low.shape[1], dtype=torch.float64)
            slots = entries % self.slots
            features = np.array(self.problem.features * 2)[slots]
            sign = np.where(slots < self.slots // 2, 1.0, -1.0)
            direction[torch.arange(len(rows)), torch.tensor(features)] = torch.tensor(sign)
        lower, upper, split = (tuple(one.split(self.sizes, dim=1)) for one in state)
        return Nodes(
            self.rows[rows], direction, self.low[region], self.high[region], lower, upper, split
        )

    def start(self) -> Iterator[None]:
        """Bound every entry without a split, by intervals, then by CROWN; pause between."""
        lower, upper = self._interval()
        roots = [self._roots(region) for region in range(self.problem.regions)]
        states = [self._state(lower, upper, region) for region in range(self.problem.regions)]
        for (entries, rows), state in zip(roots, states, strict=True):
            full = [one.expand(len(rows), -1) for one in state]
            nodes = self._nodes(entries, rows, tuple(full))
            bound = free_bound(self.layers, nodes, ranges(self.layers, nodes, unbounded(nodes)))
            for entry in np.unique(entries):
                self.tree.set_first(int(entry), float(bound.numpy()[entries == entry].max()))
        yield
        self._sample()
        for region, (entries, rows) in enumerate(roots):
            one = self._nodes(entries[:1], rows[:1], states[region])
            one = preactivations(self.layers, one)
            state = tuple(torch.cat(parts, dim=1) for parts in (one.lower, one.upper, one.split))
            self._root(entries, rows, state)
            yield

    def _root(self, entries: NDArray[np.int64], rows: Tensor, state: tuple[Tensor, ...]) -> None:
        full = tuple(one.expand(len(rows), -1) for one in state)
        nodes = self._nodes(entries, rows, full)
        bound = free_bound(self.layers, nodes, ranges(self.layers, nodes)).numpy()
        self._open(entries, rows, np.minimum(bound, self.tree.upper()[entries]), full)
        for entry in np.unique(entries):
            self.tree.begin(int(entry))

    def _roots(self, region: int) -> tuple[NDArray[np.int64], Tensor]:
        """Return the entries and rows of a region's first nodes."""
        count = self.slots if self.partial else len(self.rows)
        slots = np.arange(count)
        if self.partial:
            return region * self.slots + slots, torch.zeros(count, dtype=torch.int64)
        return np.full(count, region), torch.tensor(slots)

    def _interval(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return interval bounds of the preactivations, (k, m_i) each."""
        low, high = self.low, self.high
        lower, upper = [], []
        for weight, bias in zip(self.layers.weights, self.layers.biases, strict=True):
            low, high = interval(weight.T, low, high)
            slack = 1e-12 * (high - low)
            lower.append(low + bias - slack)
            upper.append(high + bias + slack)
            low, high = lower[-1].clamp(min=0), upper[-1].clamp(min=0)
        return lower, upper

    def _state(self, lower: list[Tensor], upper: list[Tensor], region: int) -> tuple[Tensor, ...]:
        l, u = (torch.cat([one[region] for one in part]).unsqueeze(0) for part in (lower, upper))
        return l, u, torch.zeros(l.shape, dtype=torch.int8)

    def _open(
        self,
        entries: NDArray[np.int64],
        rows: Tensor,
        bound: Array,
        state: tuple[Tensor, ...],
    ) -> None:
        """Put nodes into the tree."""
        lower, upper, split = (one.numpy() for one in state)
        keep = bound > self.tree.cut(entries)
        for i in np.flatnonzero(keep):
            self.tree.push(
                int(entries[i]), int(rows[i]), float(bound[i]), (lower[i], upper[i], split[i])
            )

    def _sample(self) -> None:
        """Compute the values at corners and at uniform points of each region."""
        count, n = self.options.samples, self.low.shape[1]
        for region in range(self.problem.regions):
            share = self.rng.random((count, n))
            share[::2] = share[::2] < 0.5
            points = self.low[region] + torch.tensor(share) * (self.high - self.low)[region]
            self._try(np.full(count, region * self.slots), points)

    def _try(self, entries: NDArray[np.int64], points: Tensor) -> None:
        """Compute the values at points (P, n) of the entries' regions; note larger ones."""
        self.problem.count("sample", len(points))
        j = jacobians(self.layers, self.rows, points)
        if self.partial:
            plus = j[:, 0, list(self.problem.features)]
            values = torch.cat([plus, -plus], dim=1).numpy()
        else:
            values = j.abs().sum(dim=2).amax(dim=1, keepdim=True).numpy()
        regions = entries // self.slots
        for region in np.unique(regions):
            inside = np.flatnonzero(regions == region)
            for slot, at in enumerate(values[inside].argmax(axis=0)):
                entry, found = region * self.slots + slot, values[inside[at], slot]
                if found > self.tree.value[entry]:
                    self.tree.value[entry] = found
                    self.best[entry] = points[inside[at]]

    def step(self) -> bool:
        """Split a batch of nodes; return whether there was one."""
        taken = self.tree.take(self.batch)
        if not taken:
            return False
        self.problem.count("branch", len(taken))
        entries = np.array([node.entry for node in taken])
        rows = torch.tensor([node.row for node in taken])
        state = tuple(
            torch.from_numpy(np.stack([getattr(node, name) for node in taken]))
            for name in ("lower", "upper", "split")
        )
        fixed = ~((state[0] < 0) & (state[1] > 0)).any(dim=1).numpy()
        for node in (taken[i] for i in np.flatnonzero(fixed)):
            self._leaf(node)
        rest = np.flatnonzero(~fixed)
        if not len(rest):
            return True
        bound = np.array([-node.key for node in taken])[rest]
        state = tuple(one[rest] for one in state)
        nodes = self._nodes(entries[rest], rows[rest], state)
        neuron = self._choose(nodes, entries[rest], rows[rest], state, bound)
        twice = np.concatenate([rest, rest])
        children = _children(state, neuron)
        self._bound(entries[twice], rows[twice], np.concatenate([bound, bound]), children)
        return True

    def _leaf(self, node: Node) -> None:
        """Settle a node in which every neuron is fixed: its bound is the value of its cell."""
        self.problem.count("linear_program")
        region = node.entry // self.slots
        active = (node.lower >= 0).astype(np.float64)
        point, empty = cell(
            self.layers, active, node.split, self.low[region].numpy(), self.high[region].numpy()
        )
        if point is not None:
            self._try(np.array([node.entry]), torch.tensor(point).unsqueeze(0))
        if not empty:
            self.tree.close(node.entry, -node.key)

    def _choose(
        self,
        nodes: Nodes,
        entries: NDArray[np.int64],
        rows: Tensor,
        state: tuple[Tensor, ...],
        bound: Array,
    ) -> Tensor:
        """Return the neuron of each node whose two children are bounded lowest, (B,).

        The children are bounded by intervals within the bounds of their parent.
        """
        lower, upper, _ = state
        known = ranges(self.layers, nodes)
        free = (lower < 0) & (upper > 0)
        reach = torch.cat([torch.maximum(-low, high) for low, high in known.g], dim=1)
        count = min(self.options.candidates, int(free.sum(dim=1).max()))
        at = torch.where(free, reach, -1.0).topk(count, dim=1).indices
        flat = torch.arange(len(rows)).repeat_interleave(count)
        children = _children(tuple(one[flat] for one in state), at.reshape(-1))
        twice = torch.cat([flat, flat])
        family = self._nodes(entries[twice], rows[twice], children)
        close = ranges(self.layers, family, known.take(twice))
        parent = torch.tensor(bound)[twice]
        cut = torch.tensor(self.tree.cut(entries))[twice]
        least = torch.maximum(free_bound(self.layers, family, close), cut)
        drop = (parent - least).clamp(min=0) + 1e-6 * parent.abs()
        score = (drop[: len(flat)] * drop[len(flat) :]).reshape(-1, count)
        score = torch.where(free.gather(1, at), score, -1.0)
        return at.gather(1, score.argmax(dim=1, keepdim=True))[:, 0]

    def _bound(
        self,
        entries: NDArray[np.int64],
        rows: Tensor,
        parent: Array,
        state: tuple[Tensor, ...],
    ) -> None:
        """Bound children and open those that matter."""
        nodes = preactivations(self.layers, self._nodes(entries, rows, state))
        state = tuple(torch.cat(part, dim=1) for part in (nodes.lower, nodes.upper, nodes.split))
        bounds = ranges(self.layers, nodes)
        bound = np.minimum(parent, free_bound(self.layers, nodes, bounds).numpy())
        bound[(state[0] > state[1]).any(dim=1).numpy()] = -np.inf
        keep = np.flatnonzero(bound > self.tree.cut(entries))
        if not len(keep):
            return
        index = torch.tensor(keep)
        dual = Dual(self.layers, nodes.take(index), bounds.take(index))
        below = torch.tensor(self.tree.cut(entries[keep]))
        best, points = optimise(dual, below, self.options.iterations)
        bound = np.minimum(bound[keep], best.numpy())
        self._try(np.repeat(entries[keep], points.shape[1]), points.flatten(0, 1))
        self._open(entries[keep], rows[index], bound, tuple(one[index] for one in state))


def _children(state: tuple[Tensor, ...], neuron: Tensor) -> tuple[Tensor, ...]:
    """Return the states, (2 B, M), with one neuron active, then with it inactive."""
    count = len(neuron)
    lower, upper, split = (torch.cat([one, one]) for one in state)
    first = torch.arange(count)
    lower[first, neuron], split[first, neuron] = 0.0, 1
    upper[first + count, neuron], split[first + count, neuron] = 0.0, -1
    return lower, upper, split
