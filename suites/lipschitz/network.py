"""Networks: sequences of layers, and the plain chain that most methods want."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tiltyard.errors import TiltyardError, Unsupported
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
    sizes,
)

if TYPE_CHECKING:
    from torch import Tensor

Nonlinear = Activation | GroupSort | Householder


@dataclass(frozen=True, eq=False)
class Chain:
    """f(x) = W_L s_L-1(... s_1(W_1 x + b_1) ...) + b_L, as dense matrices.

    Attributes:
        weights: L matrices, (n_i, n_i-1).
        biases: L vectors, (n_i,).
        activations: the L - 1 nonlinearities between them.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array, ...]
    activations: tuple[Nonlinear, ...]


@dataclass(frozen=True, eq=False)
class Network:
    """A function from R^inputs to R^outputs, layer by layer.

    Raises:
        TiltyardError: the layers do not fit each other.
    """

    inputs: int
    layers: tuple[Layer, ...]
    outputs: int = field(init=False)

    def __post_init__(self) -> None:
        if not self.layers or self.inputs < 1:
            raise TiltyardError("a network needs an input and a layer")
        object.__setattr__(self, "outputs", sizes(self.layers, self.inputs)[-1])

    def apply(self, x: Tensor) -> Tensor:
        """Return the (batch, outputs) values at (batch, inputs) points, differentiably."""
        for layer in self.layers:
            x = layer.apply(x)
        return x

    def then(self, layer: Layer) -> Network:
        """Return this network with one more layer at its end."""
        return Network(self.inputs, (*self.layers, layer))

    def nonlinear(self) -> tuple[Layer, ...]:
        """Return every layer that is not linear, those inside others too, in order."""
        return tuple(one for one in _every(self.layers) if isinstance(one, Nonlinear | Attention))

    @property
    def architecture(self) -> str:
        """``chain`` (linear and elementwise or sorting layers), ``residual`` or ``attention``."""
        every = tuple(_every(self.layers))
        if any(isinstance(layer, Attention) for layer in every):
            return "attention"
        inner = any(isinstance(layer, Residual | PerToken) for layer in every)
        return "residual" if inner else "chain"

    @property
    def activation(self) -> str:
        """The nonlinearity that it has: a kind, ``groupsort``, ``none``, or ``mixed``."""
        kinds = {_kind(layer) for layer in self.nonlinear() if not isinstance(layer, Attention)}
        return "mixed" if len(kinds) > 1 else next(iter(kinds), "none")

    def widths(self) -> list[int]:
        """Return the number of entries at every nonlinearity of the outermost sequence."""
        found = sizes(self.layers, self.inputs)
        return [
            size
            for size, layer in zip(found, self.layers, strict=False)
            if isinstance(layer, Nonlinear)
        ]

    def neurons(self) -> int:
        """Return how many entries pass through a nonlinearity, inside residual branches too."""
        return _neurons(self.layers, self.inputs)

    def chain(self) -> Chain:
        """Return the network as a chain, convolutions as dense matrices.

        Raises:
            Unsupported: it has residual or attention layers.
        """
        weights, biases, activations = [np.eye(self.inputs)], [np.zeros(self.inputs)], []
        fresh = True  # the last matrix is an identity that nothing has used yet
        for layer in self.layers:
            if isinstance(layer, Dense | Conv2d):
                dense = layer.dense if isinstance(layer, Conv2d) else layer
                # Multiplied only where two linear layers meet.
                weights[-1] = np.array(dense.weight) if fresh else dense.weight @ weights[-1]
                biases[-1] = dense.bias + (0.0 if fresh else dense.weight @ biases[-1])
                fresh = False
            elif isinstance(layer, Nonlinear):
                activations.append(layer)
                size = len(weights[-1])
                weights.append(np.eye(size))
                biases.append(np.zeros(size))
                fresh = True
            else:
                raise Unsupported(f"takes chains; this network has {_name(layer)} layers")
        return Chain(tuple(weights), tuple(biases), tuple(activations))


def _every(layers: tuple[Layer, ...]) -> Iterator[Layer]:
    for layer in layers:
        yield layer
        if isinstance(layer, Residual):
            yield from _every(layer.branch)
        elif isinstance(layer, PerToken):
            yield from _every((layer.layer,))


def _neurons(layers: tuple[Layer, ...], inputs: int) -> int:
    total = 0
    for size, layer in zip(sizes(layers, inputs), layers, strict=False):
        if isinstance(layer, Nonlinear):
            total += size
        elif isinstance(layer, Residual):
            total += _neurons(layer.branch, size)
        elif isinstance(layer, PerToken):
            total += layer.tokens * _neurons((layer.layer,), size // layer.tokens)
    return total


def _kind(layer: Layer) -> str:
    return layer.kind if isinstance(layer, Activation) else _name(layer)


def _name(layer: Layer) -> str:
    return type(layer).__name__.lower()
