"""Gradient ascent on the norm of the Jacobian, through networks whose kinks are rounded off.

The Jacobian of a piecewise linear network is piecewise constant; with max(0, z) replaced by
t log(1 + exp(z / t)) it has slopes that lead to other pieces. What is found counts with the
network's own Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from tiltyard.suites.lipschitz._regions import Owner, Regions
from tiltyard.suites.lipschitz.layers import (
    Activation,
    Array,
    GroupSort,
    Householder,
    Layer,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.problem import LipschitzProblem

if TYPE_CHECKING:
    from torch import Tensor

_LOOKS = 6


class Ascent:
    """Climbs from many points at once.

    For an output direction u and G = J(x)' u, what grows is |G|_1 for ``linf``, |G|_2 for ``l2``,
    the sum over tokens of |G_s|_2 for ``max-rms`` and one entry of G for ``partial``. Between steps
    u makes a step of the power iteration, apart from ``linf``, whose u is a row.
    """

    def __init__(self, problem: LipschitzProblem) -> None:
        self._problem = problem
        self._regions = Regions(problem)
        self._norm = problem.norm

    def start(self, jacobian: Tensor, part: Owner, rank: Owner) -> Tensor:
        """Return (N, m) directions: the rows that count for (N, m, n) Jacobians.

        Args:
            jacobian: at the points.
            part: (N,) of a ``partial``.
            rank: (N,) 0 for the largest row or token, 1 for the next one, and so on.
        """
        count, m, _ = jacobian.shape
        if self._norm == "partial":
            half = len(self._problem.features)
            return torch.as_tensor(np.where(part < half, 1.0, -1.0))[:, None]
        sizes = jacobian.abs().sum(dim=2)
        if self._norm == "l2":
            left: Tensor = torch.linalg.svd(jacobian, full_matrices=False)[0][:, :, 0]
            return left
        tokens = self._problem.tokens if self._norm == "max-rms" else m
        order = sizes.reshape(count, tokens, -1).sum(dim=2).argsort(dim=1, descending=True)
        ranks = torch.as_tensor(rank % tokens)[:, None]
        chosen = torch.zeros(count, tokens, dtype=jacobian.dtype)
        chosen.scatter_(1, order.gather(1, ranks), 1.0)
        return chosen.repeat_interleave(m // tokens, dim=1)

    def climb(self, points: Array, owner: Owner, part: Owner, u: Tensor, steps: int) -> Array:
        """Return (looks, N, n) points on the way, in steps of all regions' sizes that shrink."""
        allowed = (u != 0.0).to(u.dtype)
        way = []
        for step in range(steps):
            done = step / max(1, steps - 1)
            layers = soften(self._problem.network.layers, 0.5 * 0.02**done)
            x = torch.tensor(points, requires_grad=True)
            u = u.detach().requires_grad_()
            slope, turn = self._slopes(layers, x, u, part)
            if self._norm in ("l2", "max-rms"):
                turned = turn * allowed
                u = turned / turned.norm(dim=1, keepdim=True).clamp(min=1e-300)
            length = self._regions.size[owner] * 0.3 * 0.03**done
            points = self._regions.project(points + length * self._direction(slope), owner)
            way.append(points)
        return np.stack(way[:: -max(1, steps // _LOOKS)])

    def _slopes(
        self, layers: tuple[Layer, ...], x: Tensor, u: Tensor, part: Owner
    ) -> tuple[Tensor, Tensor]:
        y = x
        for layer in layers:
            y = layer.apply(y)
        (pulled,) = torch.autograd.grad(y, x, u, create_graph=True)
        match self._norm:
            case "linf":
                sizes = pulled.abs().sum(dim=1)
            case "l2":
                sizes = pulled.norm(dim=1)
            case "max-rms":
                sizes = pulled.reshape(len(x), self._problem.tokens, -1).norm(dim=2).sum(dim=1)
            case "partial":
                features = np.array(self._problem.features)[part % len(self._problem.features)]
                sizes = pulled.gather(1, torch.as_tensor(features)[:, None])[:, 0]
        slope, turn = torch.autograd.grad(sizes.sum(), (x, u), materialize_grads=True)
        return slope, turn

    def _direction(self, slope: Tensor) -> Array:
        if self._problem.region == "box":
            made: Array = slope.sign().numpy()
        else:
            size = slope.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-300)
            made = (slope / size).numpy()
        return made


def soften(layers: tuple[Layer, ...], width: float) -> tuple[Layer, ...]:
    """Return the layers with kinks rounded off over ``width`` times the typical entry."""
    return tuple(_soft(layer, width) for layer in layers)


def _soft(layer: Layer, width: float) -> Layer:
    match layer:
        case Residual():
            return replace(layer, branch=soften(layer.branch, width))
        case PerToken():
            return replace(layer, layer=_soft(layer.layer, width))
        case Activation(kind="relu" | "leaky_relu") | GroupSort(group=2) | Householder():
            return _Soft(layer, width)
        case _:
            return layer


@dataclass(frozen=True, eq=False)
class _Soft(Layer):
    """A piecewise linear layer with max(0, z) rounded off."""

    layer: Activation | GroupSort | Householder
    width: float

    def size(self, inputs: int) -> int:
        return self.layer.size(inputs)

    def apply(self, x: Tensor) -> Tensor:
        match self.layer:
            case Activation(kind="leaky_relu", slope=slope):
                return slope * x + (1.0 - slope) * self._positive(x)
            case Activation():
                return self._positive(x)
            case GroupSort():
                first, second = x.reshape(len(x), -1, 2).unbind(dim=2)
                excess = self._positive(first - second)
                return torch.stack([first - excess, second + excess], dim=2).reshape(x.shape)
            case Householder():
                v = torch.tensor(self.layer.vectors, dtype=x.dtype)
                pairs = x.reshape(len(x), -1, 2)
                behind = self._positive(-(pairs * v).sum(dim=2, keepdim=True))
                return (pairs + 2.0 * behind * v).reshape(x.shape)

    def _positive(self, z: Tensor) -> Tensor:
        t = self.width * z.detach().abs().mean(dim=-1, keepdim=True).clamp(min=1e-12)
        return t * torch.nn.functional.softplus(z / t)
