"""The suprema that a problem asks for, as objectives of a branch and bound: chains on boxes.

An *entry* is one number of the answer: a region for the l_inf norm, a signed feature of a region
for partial derivatives. The norm is the maximum over the rows of the output, which makes an
objective of each row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.implementations.lipschitz._split_bounds import ROUNDING, Layers, Nodes, interval
from tiltyard.implementations.lipschitz._split_witness import jacobians

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]
Entries = NDArray[np.int64]

State = tuple[Tensor, Tensor, Tensor]
"""Bounds of the preactivations and splits of all layers, (B, M) each; see ``Nodes``."""


class Objectives:
    """The objectives of a problem.

    Attributes:
        layers: the hidden layers.
        rows: (m, m_L) the outputs' weights on the last hidden layer.
        low, high: (k, n) corners of the boxes.
        partial: whether the problem asks for partial derivatives.
        slots: entries of a region.
    """

    def __init__(self, problem: LipschitzProblem) -> None:
        chain = problem.chain
        self.layers = Layers(
            tuple(torch.tensor(weight) for weight in chain.weights[:-1]),
            tuple(torch.tensor(bias) for bias in chain.biases[:-1]),
        )
        self.rows = torch.tensor(chain.weights[-1])
        self.low, self.high = (torch.tensor(corner) for corner in problem.box)
        self.partial = problem.norm == "partial"
        self.slots = 2 * len(problem.features) if self.partial else 1
        self._features = np.array(problem.features, dtype=np.int64)
        self._sizes = [len(weight) for weight in self.layers.weights]

    @property
    def regions(self) -> int:
        """Number of boxes."""
        return len(self.low)

    def cost(self) -> float:
        """Return about how many multiplications the bounds of one node take."""
        work, before = 0.0, 0.0
        for weight in self.layers.weights:
            before += weight.numel()
            work += 2.0 * len(weight) * before
        return 2.0 * work

    def roots(self, region: int) -> tuple[Entries, Tensor]:
        """Return the entries and the rows, (B,) each, of a region's objectives."""
        if self.partial:
            entries = region * self.slots + np.arange(self.slots)
            return entries, torch.zeros(self.slots, dtype=torch.int64)
        return np.full(len(self.rows), region), torch.arange(len(self.rows))

    def nodes(self, entries: Entries, rows: Tensor, state: State) -> Nodes:
        """Return the batch of nodes of entries and rows, (B,) each."""
        region = torch.tensor(entries // self.slots)
        lower, upper, split = (torch.split(one, self._sizes, dim=1) for one in state)
        return Nodes(
            self.rows[rows],
            self._directions(entries) if self.partial else None,
            self.low[region],
            self.high[region],
            lower,
            upper,
            split,
        )

    def _directions(self, entries: Entries) -> Tensor:
        feature, count = entries % self.slots, len(self._features)
        directions = np.zeros((len(entries), self.low.shape[1]))
        sign = np.where(feature < count, 1.0, -1.0)
        directions[np.arange(len(entries)), self._features[feature % count]] = sign
        return torch.from_numpy(directions)

    def interval_states(self) -> list[State]:
        """Return the state without a split of each region, (1, M), by interval arithmetic."""
        low, high = self.low, self.high
        lower, upper = [], []
        for weight, bias in zip(self.layers.weights, self.layers.biases, strict=True):
            low, high = interval(weight.T, low, high)
            slack = ROUNDING * (high - low)
            lower.append(low + bias - slack)
            upper.append(high + bias + slack)
            low, high = lower[-1].clamp(min=0), upper[-1].clamp(min=0)
        least, most = torch.cat(lower, dim=1), torch.cat(upper, dim=1)
        split = torch.zeros(least.shape, dtype=torch.int8)
        return [(least[k, None], most[k, None], split[k, None]) for k in range(self.regions)]

    def values(self, points: Tensor) -> Array:
        """Return the values (P, slots) at points (P, n) of one region's entries."""
        j = jacobians(self.layers, self.rows, points)
        if self.partial:
            plus = j[:, 0, self._features]
            return np.asarray(torch.cat([plus, -plus], dim=1))
        return np.asarray(j.abs().sum(dim=2).amax(dim=1, keepdim=True))


def flat(nodes: Nodes) -> State:
    """Return the state of nodes."""
    return (
        torch.cat(nodes.lower, dim=1),
        torch.cat(nodes.upper, dim=1),
        torch.cat(nodes.split, dim=1),
    )


def repeat(state: State, index: Tensor) -> State:
    """Return the states at ``index``, or where it is true."""
    return state[0][index], state[1][index], state[2][index]


def children(state: State, neuron: Tensor) -> State:
    """Return the states, (2 B, M), with one neuron (B,) active, then with it inactive."""
    count = len(neuron)
    lower, upper, split = (torch.cat([one, one]) for one in state)
    first = torch.arange(count)
    lower[first, neuron], split[first, neuron] = 0.0, 1
    upper[first + count, neuron], split[first + count, neuron] = 0.0, -1
    return lower, upper, split
