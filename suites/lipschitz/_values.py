"""The problem's quantity at points: exact Jacobians in float64, away from kinks."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from tiltyard.suites.lipschitz._regions import Owner, Regions
from tiltyard.suites.lipschitz.attention import Attention
from tiltyard.suites.lipschitz.layers import (
    Activation,
    Array,
    Conv2d,
    Dense,
    GroupSort,
    Householder,
    Layer,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.problem import LipschitzProblem

if TYPE_CHECKING:
    from torch import Tensor

KINK = 1e-11
"""A point is on a kink if a sign that a nonlinearity looks at is smaller, relative to its layer."""

_STEPS = (1e-7, 1e-5, 1e-3)
_TARGETS = 8
_CHUNK = 2**22
_LOOKS = 64


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, so that every process gets the same last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Values:
    """What a problem asks for, at points.

    Attributes:
        parts: how many values a region has: 1 for norms, 2 J for J partial derivatives.
        row_cost: floating-point operations of one row of one Jacobian, about.
    """

    def __init__(self, problem: LipschitzProblem) -> None:
        self._network = problem.network
        self._norm = problem.norm
        self._features = list(problem.features)
        self._tokens = problem.tokens
        self._regions = Regions(problem)
        self.parts = 2 * len(problem.features) if problem.norm == "partial" else 1
        self.row_cost = 6.0 * sum(_cost(layer) for layer in self._network.layers)
        widest = max(self._network.neurons(), self._network.inputs, self._network.outputs)
        self._chunk = max(1, _CHUNK // (widest * self._network.outputs))

    @cached_property
    def _alive(self) -> list[Tensor]:
        """Which signs are ever other than zero: one that never is, such as of equal rows, is none.

        As far as random points of the regions tell.
        """
        owner = np.arange(_LOOKS) % self._regions.count
        points = self._regions.inside(owner, np.random.default_rng(0))
        every = margins(self._network.layers, torch.tensor(points))
        return [(gaps > KINK).any(dim=0) for gaps in every]

    def at(self, points: Array, restarts: int = 2, iterations: int = 12) -> Array:
        """Return the (N, parts) values at (N, n) points; minus infinity on kinks.

        Args:
            points: where.
            restarts: of the iteration for ``max-rms``; what it finds is a lower bound.
            iterations: of each.
        """
        values = [
            torch.where(
                self.smooth(x)[:, None],
                self.of(jacobians(self._network, x), restarts, iterations),
                -math.inf,
            )
            for x in torch.split(torch.tensor(points), self._chunk)
        ]
        made: Array = torch.cat(values).numpy()
        return made

    def smooth(self, x: Tensor) -> Tensor:
        """Return (N,) whether the (N, n) points lie on no kink."""
        found = torch.ones(len(x), dtype=torch.bool)
        for gaps, alive in zip(margins(self._network.layers, x), self._alive, strict=True):
            found &= (gaps[:, alive] > KINK).all(dim=1)
        return found

    def of(self, jacobian: Tensor, restarts: int = 2, iterations: int = 12) -> Tensor:
        """Return the (N, parts) values of (N, m, n) Jacobians."""
        made: Tensor
        match self._norm:
            case "linf":
                made = jacobian.abs().sum(dim=2).amax(dim=1, keepdim=True)
            case "l2":
                made = torch.linalg.svdvals(jacobian)[:, :1]
            case "partial":
                slopes = jacobian[:, 0, self._features]
                made = torch.cat([slopes, -slopes], dim=1)
            case "max-rms":
                made = _max_rms(jacobian, self._tokens, restarts, iterations)
        return made

    def attained(self, points: Array, owner: Owner) -> tuple[Array, Array]:
        """Return the (N, parts) values at points or right beside them, and (N, parts, n) where.

        A point on a kink gives way to points near it, towards random interior ones: the Jacobian
        that differentiation returns on a kink may lie outside the Clarke Jacobian. Where a sign
        is zero all around as well, the layer is constant in it and no kink.
        """
        with one_thread():
            values = self.at(points, 8, 60)
            where = np.repeat(points[:, None], self.parts, axis=1)
            for i in np.flatnonzero(np.isinf(values[:, 0])):
                values[i], where[i] = self._beside(points[i], owner[i])
        return values, where

    def _beside(self, point: Array, owner: int | np.int64) -> tuple[Array, Array]:
        rng = np.random.default_rng(0)
        targets = self._regions.inside(np.full(_TARGETS, owner), rng)
        near = np.concatenate([point + step * (targets - point) for step in _STEPS])
        values = self.at(near, 8, 60)
        if np.isinf(values).all():
            last = torch.tensor(near[-_TARGETS:])
            near = near[-_TARGETS:]
            values = self.of(jacobians(self._network, last), 8, 60).numpy()
        best = values.argmax(axis=0)
        return values.max(axis=0), near[best]


def jacobians(network: object, x: Tensor) -> Tensor:
    """Return the (N, m, n) Jacobians of a network at (N, n) points, by reverse mode."""
    m: int = network.outputs  # type: ignore[attr-defined]
    rows = x.repeat_interleave(m, dim=0).requires_grad_()
    picked = network.apply(rows).gather(1, torch.arange(m).repeat(len(x))[:, None])  # type: ignore[attr-defined]
    (made,) = torch.autograd.grad(picked.sum(), rows)
    return made.reshape(len(x), m, -1)


def margins(layers: tuple[Layer, ...], x: Tensor) -> Iterator[Tensor]:
    """Yield (N, signs) margins of the signs that decide slopes, relative to their layers."""
    with torch.no_grad():
        for layer in layers:
            match layer:
                case Residual(branch=branch):
                    yield from margins(branch, x)
                case PerToken(layer=inner, tokens=tokens):
                    inside = margins((inner,), x.reshape(len(x) * tokens, -1))
                    yield from (one.reshape(len(x), -1) for one in inside)
                case _:
                    gaps = _gaps(layer, x)
                    yield gaps / x.abs().amax(dim=1, keepdim=True).clamp(min=1e-300)
            x = layer.apply(x)


def _gaps(layer: Layer, x: Tensor) -> Tensor:
    match layer:
        case Activation(kind="relu" | "leaky_relu"):
            gaps = x.abs()
        case GroupSort(group=group):
            gaps = x.reshape(len(x), -1, group).sort(dim=2).values.diff(dim=2).flatten(1)
        case Householder(vectors=vectors):
            mirrors = torch.as_tensor(vectors.copy(), dtype=x.dtype)
            gaps = (x.reshape(len(x), -1, 2) * mirrors).sum(dim=2).abs()
        case _:
            gaps = x[:, :0]
    return gaps


def _max_rms(jacobian: Tensor, tokens: int, restarts: int, iterations: int) -> Tensor:
    """Return (N, 1) max over t of sup |sum_s J_ts v_s|_rms over |v_s|_rms <= 1, from below.

    Block power iteration: v_s is the best for the current direction u of the output, then u for v.
    Both steps never lose.
    """
    blocks = jacobian.reshape(len(jacobian), tokens, jacobian.shape[1] // tokens, tokens, -1)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(restarts, blocks.shape[2], generator=generator, dtype=blocks.dtype)
    u = start.expand(len(blocks), tokens, restarts, blocks.shape[2])
    tiny = torch.finfo(blocks.dtype).tiny
    for _ in range(iterations):
        pull = torch.einsum("ntosi,ntro->ntrsi", blocks, u)
        v = pull / pull.norm(dim=4, keepdim=True).clamp(min=tiny)
        made = torch.einsum("ntosi,ntrsi->ntro", blocks, v)
        u = made / made.norm(dim=3, keepdim=True).clamp(min=tiny)
    largest: Tensor = (
        math.sqrt(blocks.shape[4] / blocks.shape[2]) * made.norm(dim=3).amax(dim=(1, 2))[:, None]
    )
    return largest


def _cost(layer: Layer) -> float:
    """Return the multiplications of a layer, about."""
    size = 0.0
    match layer:
        case Dense():
            size = layer.weight.size
        case Conv2d():
            size = layer.kernel.size * math.prod(layer.output_shape[1:])
        case Residual():
            size = sum(_cost(one) for one in layer.branch)
        case PerToken():
            size = layer.tokens * _cost(layer.layer)
        case Attention():
            weights = sum(getattr(layer, name).size for name in ("query", "key", "value", "output"))
            size = layer.tokens * (weights + layer.tokens * 2 * layer.query[:, :, 0].size)
    return size


def scale(layers: tuple[Layer, ...]) -> float:
    """Return about how large a Jacobian could be: what rounding errors are relative to."""
    total = 1.0
    for layer in layers:
        match layer:
            case Dense(weight=weight):
                total *= float(np.linalg.norm(weight, 2))
            case Conv2d(kernel=kernel):
                total *= float(np.linalg.norm(kernel.reshape(len(kernel), -1), 2))
            case Residual():
                total *= abs(layer.skip) + abs(layer.scale) * scale(layer.branch)
            case PerToken(layer=inner):
                total *= scale((inner,))
            case Attention():
                pairs = zip(layer.value, layer.output, strict=True)
                total *= sum(float(np.linalg.norm(o @ v, 2)) for v, o in pairs)
            case _:
                pass
    return total
