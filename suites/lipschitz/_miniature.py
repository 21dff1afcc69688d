"""The tiny problems on which methods are rehearsed before their first timed run."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import count

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.suites.lipschitz.attention import Attention
from tiltyard.suites.lipschitz.layers import (
    Array,
    Conv2d,
    Dense,
    GroupSort,
    Householder,
    Layer,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

_REGIONS = 2
_LARGEST_GROUP = 4
_LINEAR = (Dense, Conv2d, Attention)


def miniature(problem: LipschitzProblem) -> LipschitzProblem:
    """Return a problem with the same layers, all of them small, with weights drawn anew.

    Norm, kind of region, radius, track, architecture and activation are the problem's; there are at
    most two regions, tokens and features.
    """
    network = _network(problem)
    rng = np.random.default_rng(1)
    low, high = problem.clip or (-1.0, 1.0)
    points = low + (high - low) * rng.uniform(0.3, 0.7, (_REGIONS, network.inputs))
    centered = problem.region in ("box", "ball")
    return LipschitzProblem(
        network=network,
        track=problem.track,
        norm=problem.norm,
        region=problem.region,
        centers=points[: problem.regions] if centered else np.empty((0, 0)),
        radius=problem.radius,
        clip=problem.clip,
        outputs=problem.outputs,
        input_scaling=problem.input_scaling,
        features=tuple(range(len(problem.features[:2]))),
        tokens=min(2, problem.tokens),
        points=points,
    )


def _network(problem: LipschitzProblem) -> Network:
    """Return the network made small.

    An image's side is the shortest that its convolutions take.
    """
    layers = problem.network.layers
    images = [layer for layer in layers if isinstance(layer, Conv2d)]
    for side in count(2) if images else (1,):
        shrink = _Shrink(problem, side)
        inputs = shrink.width
        if images:
            channels = min(2, images[0].shape[0])
            inputs = channels * side * side
        try:
            return Network(inputs, tuple(shrink.every(layers, inputs, shrink.outputs)))
        except TiltyardError:
            if not images or side >= images[0].shape[1]:
                raise
    raise AssertionError


class _Shrink:
    """Makes layers small: ``width`` entries between them, images of ``side`` pixels squared."""

    def __init__(self, problem: LipschitzProblem, side: int) -> None:
        network = problem.network
        self._rng = np.random.default_rng(0)
        self._image = (1, side, side)
        nonlinear = network.nonlinear()
        groups = [_group(one) for one in nonlinear if isinstance(one, GroupSort)]
        tokens = 2 if network.architecture == "attention" or problem.tokens > 1 else 1
        self.width = tokens * math.lcm(4, *groups)
        m = network.outputs
        ends_linear = isinstance(network.layers[-1], _LINEAR)
        self.outputs = min(m, 3) if ends_linear and tokens == 1 else 1 if m == 1 else self.width

    def every(self, layers: tuple[Layer, ...], size: int, outputs: int) -> list[Layer]:
        """Return the layers, from ``size`` entries to ``outputs`` where any can change them."""
        linear = [i for i, layer in enumerate(layers) if _resizes(layer)]
        made: list[Layer] = []
        for i, layer in enumerate(layers):
            wanted = outputs if linear and i == linear[-1] else self.width
            made.append(self._one(layer, size, wanted))
            size = made[-1].size(size)
        return made

    def _one(self, layer: Layer, size: int, outputs: int) -> Layer:
        made = layer
        match layer:
            case Dense():
                made = Dense(self._draw(outputs, size), self._draw(outputs, 9)[:, 0])
            case Conv2d():
                made = self._convolution(layer, size)
            case GroupSort():
                made = GroupSort(_group(layer))
            case Householder():
                angles = self._rng.uniform(0.0, 2.0 * np.pi, size // 2)
                made = Householder(np.stack([np.cos(angles), np.sin(angles)], axis=1))
            case Residual(branch=branch):
                made = replace(layer, branch=tuple(self.every(branch, size, size)))
            case PerToken(layer=inner):
                made = PerToken(self._one(inner, size // 2, outputs // 2), 2)
            case Attention():
                made = self._attention(layer, size // 2, outputs // 2)
        return made

    def _convolution(self, layer: Conv2d, size: int) -> Conv2d:
        side = self._image[1]
        inputs = min(2, layer.shape[0])
        if inputs * side * side != size:  # after a convolution that changed the side
            side = math.isqrt(size // inputs)
        outputs = min(2, len(layer.kernel))
        taps = layer.kernel.shape[2:]
        kernel = self._draw(outputs, inputs * math.prod(taps)).reshape(outputs, inputs, *taps)
        made = replace(layer, kernel=kernel, bias=np.zeros(outputs), shape=(inputs, side, side))
        if min(made.output_shape) < 1:
            raise TiltyardError("the image is smaller than the kernel")
        return made

    def _attention(self, layer: Attention, size: int, outputs: int) -> Attention:
        heads = min(2, len(layer.query))

        def draw(rows: int, columns: int) -> Array:
            return self._draw(heads * rows, columns).reshape(heads, rows, columns)

        return replace(
            layer,
            query=draw(2, size),
            key=draw(2, size),
            value=draw(2, size),
            output=draw(outputs, 2),
            tokens=2,
        )

    def _draw(self, rows: int, columns: int) -> Array:
        drawn: Array = self._rng.standard_normal((rows, columns)) / columns**0.5
        return drawn


def _group(layer: GroupSort) -> int:
    return min(layer.group, _LARGEST_GROUP)


def _resizes(layer: Layer) -> bool:
    if isinstance(layer, PerToken):
        return _resizes(layer.layer)
    return isinstance(layer, Dense | Attention)
