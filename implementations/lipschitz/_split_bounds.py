"""Bounds of a ReLU chain's Jacobian where some neurons are fixed, for a batch of nodes at once.

A node is a box, a row of outputs, bounds of the preactivations z_i and a set of split neurons. The
derivative of a ReLU is d_i in {0, 1}, one value where the sign of z_i is known. With g_i the
derivative of the output by neuron layer i and h_i = g_i d_i the one by z_i, a row of the Jacobian
is y = h_0 W_0. Relaxations of h = g d by chords: Shi, Wang, Zhang, Kolter & Hsieh (2022),
arXiv:2210.07394.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

ROUNDING = 1e-12
"""Share of a preactivation's range that float64 may be off by."""


@dataclass(frozen=True, eq=False)
class Layers:
    """The hidden layers of a chain: weights (m_i, m_i-1) and biases (m_i,), float64 tensors."""

    weights: tuple[Tensor, ...]
    biases: tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Nodes:
    """A batch of B nodes.

    Attributes:
        row: (B, m) the outputs' weights on the last hidden layer.
        direction: (B, n) the input direction of a directional derivative, or zeros for the
            l1 norm of the whole row.
        low, high: (B, n) corners of the boxes.
        lower, upper: of the preactivations, (B, m_i) each.
        split: (B, m_i) each: 1 where z >= 0 is a constraint, -1 where z <= 0 is, else 0.
    """

    row: Tensor
    direction: Tensor | None
    low: Tensor
    high: Tensor
    lower: tuple[Tensor, ...]
    upper: tuple[Tensor, ...]
    split: tuple[Tensor, ...]

    def take(self, index: Tensor) -> Nodes:
        """Return the nodes at ``index``."""
        return Nodes(
            self.row[index],
            None if self.direction is None else self.direction[index],
            self.low[index],
            self.high[index],
            tuple(one[index] for one in self.lower),
            tuple(one[index] for one in self.upper),
            tuple(one[index] for one in self.split),
        )

    def __len__(self) -> int:
        return len(self.row)


def masks(nodes: Nodes, i: int) -> tuple[Tensor, Tensor]:
    """Return, (B, m_i) float64 each, where neurons of layer i are active and where unstable."""
    on = nodes.lower[i] >= 0
    free = ~on & (nodes.upper[i] > 0)
    return on.to(torch.float64), free.to(torch.float64)


def interval(matrix: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the bounds, (B, p), of x @ matrix over low <= x <= high, (B, q)."""
    plus, minus = matrix.clamp(min=0), matrix.clamp(max=0)
    return low @ plus + high @ minus, high @ plus + low @ minus


def preactivations(layers: Layers, nodes: Nodes) -> Nodes:
    """Return the nodes with the bounds of unstable neurons tightened, by CROWN.

    Zhang, Weng, Chen, Hsieh & Daniel (2018), arXiv:1811.00866.
    """
    lower, upper = list(nodes.lower), list(nodes.upper)
    for i in range(1, len(lower)):
        found = replace(nodes, lower=tuple(lower), upper=tuple(upper))
        at = _unstable(found, i)
        rows, bias = layers.weights[i][at], layers.biases[i][at]
        above = bias + _linear_upper(layers, found, rows, i - 1)
        below = bias - _linear_upper(layers, found, -rows, i - 1)
        slack = ROUNDING * (upper[i] - lower[i]).gather(1, at)
        upper[i] = upper[i].scatter_reduce(1, at, above + slack, "amin")
        lower[i] = lower[i].scatter_reduce(1, at, below - slack, "amax")
    return replace(nodes, lower=tuple(lower), upper=tuple(upper))


def _unstable(nodes: Nodes, i: int) -> Tensor:
    """Return indices, (B, K), that hold all unstable neurons of layer i of every node."""
    _, free = masks(nodes, i)
    return free.topk(int(free.sum(dim=1).max()), dim=1).indices


def _linear_upper(layers: Layers, nodes: Nodes, a: Tensor, level: int) -> Tensor:
    """Return upper bounds, (B, T), of a relu(z_level), a (B, T, m_level)."""
    total = torch.zeros(a.shape[:2], dtype=torch.float64)
    for i in range(level, -1, -1):
        low, high = nodes.lower[i], nodes.upper[i]
        on, free = masks(nodes, i)
        slope = on + free * high / (high - low).clamp(min=1e-300)
        least = on + free * (high > -low)
        plus, minus = a.clamp(min=0), a.clamp(max=0)
        total += (plus @ (-(free * slope * low)).unsqueeze(2)).squeeze(2)
        q = plus * slope.unsqueeze(1) + minus * least.unsqueeze(1)
        total += q @ layers.biases[i]
        a = q @ layers.weights[i]
    plus, minus = a.clamp(min=0), a.clamp(max=0)
    return total + (plus @ nodes.high.unsqueeze(2) + minus @ nodes.low.unsqueeze(2)).squeeze(2)


@dataclass(frozen=True, eq=False)
class Ranges:
    """Bounds of the derivatives g_i, (B, m_i) each, and of the Jacobian's row y, (B, n)."""

    g: tuple[tuple[Tensor, Tensor], ...]
    y: tuple[Tensor, Tensor]

    def take(self, index: Tensor) -> Ranges:
        """Return the bounds of the nodes at ``index``."""
        g = tuple((low[index], high[index]) for low, high in self.g)
        return Ranges(g, (self.y[0][index], self.y[1][index]))


def ranges(layers: Layers, nodes: Nodes, known: Ranges | None = None) -> Ranges:
    """Return bounds of the derivatives where every unstable d_i is free in [0, 1].

    Args:
        layers: of the chain.
        nodes: the batch.
        known: bounds that hold already; with them only intervals are propagated.
    """
    depth = len(layers.weights)
    found: dict[int, tuple[Tensor, Tensor]] = {depth - 1: (nodes.row, nodes.row)}
    for i in range(depth - 2, -2, -1):
        matrix = layers.weights[i + 1]
        low, high = interval(matrix, *_products(nodes, found[i + 1], i + 1))
        if known is not None:
            before = known.g[i] if i >= 0 else known.y
            low, high = torch.maximum(low, before[0]), torch.minimum(high, before[1])
        elif i + 1 < depth - 1:
            # Where a neuron is stable, the bounds of its derivative matter little.
            every = torch.arange(matrix.shape[1]).expand(len(nodes), -1)
            at = _unstable(nodes, i) if i >= 0 else every
            rows = matrix.T[at]
            above = _free_upper(layers, nodes, found, rows, i + 1)
            below = -_free_upper(layers, nodes, found, -rows, i + 1)
            high = high.scatter_reduce(1, at, above, "amin")
            low = low.scatter_reduce(1, at, below, "amax")
        found[i] = low, high
    return Ranges(tuple(found[i] for i in range(depth)), found[-1])


def _products(nodes: Nodes, g: tuple[Tensor, Tensor], i: int) -> tuple[Tensor, Tensor]:
    """Return bounds, (B, m_i) each, of h_i = g_i d_i."""
    on, free = masks(nodes, i)
    return on * g[0] + free * g[0].clamp(max=0), on * g[1] + free * g[1].clamp(min=0)


def unbounded(nodes: Nodes) -> Ranges:
    """Return ranges that say nothing."""
    g = tuple(
        (torch.full_like(one, -torch.inf), -torch.full_like(one, -torch.inf)) for one in nodes.lower
    )
    y = torch.full_like(nodes.low, -torch.inf)
    return Ranges(g, (y, -y))


def _free_upper(
    layers: Layers,
    nodes: Nodes,
    found: dict[int, tuple[Tensor, Tensor]],
    v: Tensor,
    level: int,
) -> Tensor:
    """Return upper bounds, (B, T), of v h_level, v (B, T, m_level), with every d free."""
    depth = len(layers.weights)
    total = torch.zeros(v.shape[:2], dtype=torch.float64)
    for i in range(level, depth):
        plus, minus = v.clamp(min=0), v.clamp(max=0)
        if i == depth - 1:
            least, most = _products(nodes, found[i], i)
            break
        on, free = masks(nodes, i)
        gl, gu = found[i]
        p, n = gu.clamp(min=0), gl.clamp(max=0)
        width = (p - n).clamp(min=1e-300)
        rise, fall = p / width, -n / width
        total += (plus @ (-free * n * rise).unsqueeze(2)).squeeze(2)
        total += (minus @ (-free * p * fall).unsqueeze(2)).squeeze(2)
        v = plus * (on + free * rise).unsqueeze(1) + minus * (on + free * fall).unsqueeze(1)
        v = v @ layers.weights[i + 1].T
    return total + (plus @ most.unsqueeze(2) + minus @ least.unsqueeze(2)).squeeze(2)


def objective(nodes: Nodes, bounds: Ranges) -> tuple[Tensor, Tensor]:
    """Return slopes (B, n) and constants (B,) of a linear bound of the objective in y."""
    if nodes.direction is not None:
        return nodes.direction, torch.zeros(len(nodes), dtype=torch.float64)
    low, high = bounds.y
    crossing = (low < 0) & (high > 0)
    width = (high - low).clamp(min=1e-300)
    slope = torch.where(crossing, (high + low) / width, torch.where(low >= 0, 1.0, -1.0))
    constant = torch.where(crossing, -2 * high * low / width, 0.0)
    return slope, constant.sum(dim=1)


def free_bound(layers: Layers, nodes: Nodes, bounds: Ranges) -> Tensor:
    """Return upper bounds (B,) of the objective where every unstable d_i is free."""
    slope, constant = objective(nodes, bounds)
    found = dict(enumerate(bounds.g))
    v = (slope @ layers.weights[0].T).unsqueeze(1)
    top = constant + _free_upper(layers, nodes, found, v, 0)[:, 0]
    low, high = bounds.y
    if nodes.direction is None:
        return torch.minimum(top, torch.maximum(high, -low).sum(dim=1))
    plus, minus = nodes.direction.clamp(min=0), nodes.direction.clamp(max=0)
    return torch.minimum(top, (plus * high + minus * low).sum(dim=1))
