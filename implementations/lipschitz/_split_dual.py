"""Lagrangian bounds of a node's objective: derivatives d_i tied to the inputs they occur at.

The linear program that is bounded has the inputs x in a box, the preactivations z_i and outputs of
each layer, derivatives d_i in [0, 1], the products h_i = g_i d_i in McCormick's hull, the splits
z_i >= 0 or <= 0, and for every unstable neuron

    max(0, z / u) <= d <= min(1, 1 - z / l).

Any slopes in [0, 1] and multipliers >= 0 make a bound, so that what the iterations stop at is one;
beta-CROWN's treatment of splits: Wang, Zhang, Xu, Lin, Jana, Hsieh & Kolter (2021),
arXiv:2103.06624.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tiltyard.implementations.lipschitz._split_bounds import Layers, Nodes, Ranges, masks, objective

CHECK = 4
"""Iterations between two looks at the progress."""

WORTH = 0.02
"""Share of its distance to the goal by which a bound must fall from one look to the next."""


class Dual:
    """The bound of a batch of nodes as a function of its slopes and multipliers."""

    def __init__(self, layers: Layers, nodes: Nodes, bounds: Ranges) -> None:
        self.layers = layers
        self.nodes = nodes
        self.bounds = bounds
        self.depth = len(layers.weights)
        self.masks = [masks(nodes, i) for i in range(self.depth)]
        self.slope, self.constant = objective(nodes, bounds)
        self.split = [one.to(torch.float64) for one in nodes.split]
        self.center = (nodes.low + nodes.high) / 2
        self.radius = (nodes.high - nodes.low) / 2

    def start(self) -> list[Tensor]:
        """Return parameters at which the bound is that of free derivatives."""
        tie = [torch.zeros_like(one) for one in self.nodes.lower]
        beta = [torch.zeros_like(one) for one in self.nodes.lower]
        relu = [
            (self.nodes.upper[i] > -self.nodes.lower[i]).to(torch.float64)
            for i in range(self.depth - 1)
        ]
        hull = []
        for gl, gu in self.bounds.g[:-1]:
            low, high = gl.clamp(max=0), gu.clamp(min=0)
            hull.append(-low / (high - low).clamp(min=1e-300))
        return [*tie, *beta, *relu, *hull]

    def project(self, parameters: list[Tensor]) -> None:
        """Move the parameters to the nearest that make a bound."""
        with torch.no_grad():
            for i, one in enumerate(parameters):
                one.clamp_(min=0.0, max=None if self.depth <= i < 2 * self.depth else 1.0)

    def value(self, parameters: list[Tensor], scale: Tensor) -> tuple[Tensor, Tensor]:
        """Return the bounds (B,) and slopes (B, n) of the function of x that they maximise."""
        depth = self.depth
        tie, beta = parameters[:depth], parameters[depth : 2 * depth]
        relu, hull = parameters[2 * depth : 3 * depth - 1], parameters[3 * depth - 1 :]
        pull, total = self._derivatives(hull)
        a: Tensor | None = None
        for i in range(depth - 1, -1, -1):
            lower, upper = self.nodes.lower[i], self.nodes.upper[i]
            on, free = self.masks[i]
            plus, minus = pull[i].clamp(min=0), pull[i].clamp(max=0)
            low, high = -1 / lower.clamp(max=-1e-300), 1 / upper.clamp(min=1e-300)
            q = free * tie[i] * (plus * low + minus * high)
            q = q + beta[i] * self.split[i] * scale.unsqueeze(1) / (upper - lower).clamp(min=1e-12)
            total = total + plus.sum(dim=1)
            if a is not None:
                chord = free * upper / (upper - lower).clamp(min=1e-300)
                up, down = a.clamp(min=0), a.clamp(max=0)
                q = q + up * (on + chord) + down * (on + free * relu[i])
                total = total - (up * chord * lower).sum(dim=1)
            total = total + q @ self.layers.biases[i]
            a = q @ self.layers.weights[i]
        assert a is not None  # noqa: S101 - a chain has a layer
        return total + (a * self.center).sum(dim=1) + (a.abs() * self.radius).sum(dim=1), a

    def _derivatives(self, hull: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Return the coefficients of unstable d_i, (B, m_i) each, and the constants (B,)."""
        total = self.constant
        v = self.slope @ self.layers.weights[0].T
        pull = []
        for i in range(self.depth):
            on, free = self.masks[i]
            if i == self.depth - 1:
                pull.append(free * v * self.nodes.row)
                total = total + (on * v * self.nodes.row).sum(dim=1)
                return pull, total
            gl, gu = self.bounds.g[i]
            plus, minus = free * v.clamp(min=0), free * v.clamp(max=0)
            theta = hull[i]
            pull.append(plus * (gl + theta * (gu - gl)) + minus * (gu + theta * (gl - gu)))
            total = total - ((1 - theta) * (plus * gl + minus * gu)).sum(dim=1)
            v = (v * (on + free * (1 - theta))) @ self.layers.weights[i + 1].T
        raise AssertionError


def optimise(
    dual: Dual, below: Tensor, iterations: int, rate: float = 0.2
) -> tuple[Tensor, Tensor]:
    """Lower the bounds by Adam, until all are at most ``below`` (B,).

    Returns:
        The least bounds (B,), points (B, n) that the last ones are attained at in the relaxation,
        and the last parameters.
    """
    parameters = [one.requires_grad_() for one in dual.start()]
    scale = torch.ones(len(below), dtype=torch.float64)
    value, a = dual.value(parameters, scale)
    best = value.detach()
    scale = best.abs()
    points = torch.zeros_like(dual.center)
    first = [torch.zeros_like(one) for one in parameters]
    second = [torch.zeros_like(one) for one in parameters]
    k, mark = 0, best
    for k in range(1, iterations + 1):
        slopes = torch.autograd.grad(
            (value / scale.clamp(min=1e-12)).sum(), parameters, allow_unused=True
        )
        with torch.no_grad():
            for one, slope, m, v in zip(parameters, slopes, first, second, strict=True):
                if slope is None:
                    continue
                m.mul_(0.9).add_(slope, alpha=0.1)
                v.mul_(0.99).addcmul_(slope, slope, value=0.01)
                step = rate * (1 - 0.8 * k / iterations) / (1 - 0.9**k)
                one.sub_(step * m / ((v / (1 - 0.99**k)).sqrt() + 1e-8))
        dual.project(parameters)
        value, a = dual.value(parameters, scale)
        best = torch.minimum(best, value.detach())
        points += torch.sign(a.detach())
        if k % CHECK == 0:
            if bool((mark - best < WORTH * (best - below).clamp(min=0)).all()):
                break
            mark = best
    points = dual.center + dual.radius * points / max(k, 1)
    corner = dual.center + dual.radius * torch.sign(a.detach())
    return best, torch.stack([corner, points], dim=1)
