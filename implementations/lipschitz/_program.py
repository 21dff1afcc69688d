"""Networks as programs of three operations, and the program of their backward pass.

A program is a sequence of linear maps, of nonlinear maps that act entry by entry, and of residual
blocks of such. The backward pass of a program, v -> J' v, has the same form: transposed linear
maps, products with the derivatives, and residual blocks. One engine bounds both.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from tiltyard.errors import Unsupported
from tiltyard.suites.lipschitz.layers import (
    Activation,
    Conv2d,
    Dense,
    Layer,
    PerToken,
    Residual,
    sizes,
)

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.network import Network

Tensor = torch.Tensor
Map = Callable[[Tensor], Tensor]

SMALL = 4_000_000
"""Entries up to which a convolution is one dense matrix, which is faster than its kernel."""


@dataclass(frozen=True)
class Linear:
    """x -> W x + b over the last axis.

    Attributes:
        forward: v (..., n) -> W v.
        adjoint: v (..., m) -> W' v.
        spread: r (..., n) -> |W| r, entry by entry.
        adjoint_spread: r (..., m) -> |W|' r.
        bias: (m,), or None for zero.
        outputs: m.
    """

    forward: Map
    adjoint: Map
    spread: Map
    adjoint_spread: Map
    bias: Tensor | None
    inputs: int
    outputs: int

    def reversed(self) -> Linear:
        """Return v -> W' v."""
        return Linear(
            self.adjoint,
            self.forward,
            self.adjoint_spread,
            self.spread,
            None,
            self.outputs,
            self.inputs,
        )


@dataclass(frozen=True)
class Pointwise:
    """The nonlinear map number ``index`` of a network, or the product with its derivative."""

    activation: Activation
    index: int
    size: int


@dataclass(frozen=True)
class Block:
    """x -> skip x + scale branch(x)."""

    branch: Program
    skip: float
    scale: float


Operation = Linear | Pointwise | Block
Program = tuple[Operation, ...]


@dataclass(frozen=True)
class Sizes:
    """What a compiled network is made of: numbers of inputs, outputs, and of every activation."""

    inputs: int
    outputs: int
    activations: tuple[Pointwise, ...]


def compile_network(network: Network, like: Tensor) -> tuple[Program, Sizes]:
    """Return the network as a program in the dtype and on the device of ``like``.

    Raises:
        Unsupported: a layer is neither linear, elementwise nor residual.
    """
    found: list[Pointwise] = []
    program = _sequence(network.layers, network.inputs, 1, found, like)
    return program, Sizes(network.inputs, network.outputs, tuple(found))


def reverse(program: Program) -> Program:
    """Return the program of the backward pass: v -> J' v."""
    return tuple(_reverse(operation) for operation in reversed(program))


def pointwise(program: Program) -> Iterator[Pointwise]:
    """Return the nonlinear maps in the order of the program."""
    for operation in program:
        if isinstance(operation, Pointwise):
            yield operation
        elif isinstance(operation, Block):
            yield from pointwise(operation.branch)


def _reverse(operation: Operation) -> Operation:
    if isinstance(operation, Linear):
        return operation.reversed()
    if isinstance(operation, Block):
        return replace(operation, branch=reverse(operation.branch))
    return operation


def _sequence(
    layers: tuple[Layer, ...], inputs: int, tokens: int, found: list[Pointwise], like: Tensor
) -> Program:
    """Compile layers that act on each of ``tokens`` vectors of ``inputs`` entries."""
    made: list[Operation] = []
    for size, layer in zip(sizes(layers, inputs), layers, strict=False):
        made += _operation(layer, size, tokens, found, like)
    return tuple(made)


def _operation(
    layer: Layer, size: int, tokens: int, found: list[Pointwise], like: Tensor
) -> Program:
    if isinstance(layer, Conv2d) and size * layer.size(size) > SMALL and tokens == 1:
        return (_convolution(layer, like),)
    if isinstance(layer, Dense | Conv2d):
        return (_dense(layer.dense if isinstance(layer, Conv2d) else layer, tokens, like),)
    if isinstance(layer, Activation):
        found.append(Pointwise(layer, len(found), size * tokens))
        return (found[-1],)
    if isinstance(layer, Residual):
        branch = _sequence(layer.branch, size, tokens, found, like)
        return (Block(branch, layer.skip, layer.scale),)
    if isinstance(layer, PerToken):
        part = size // layer.tokens
        return _sequence((layer.layer,), part, tokens * layer.tokens, found, like)
    raise Unsupported(
        "takes linear, elementwise and residual layers; "
        f"this network has {type(layer).__name__.lower()} layers"
    )


def _dense(layer: Dense, tokens: int, like: Tensor) -> Linear:
    weight = torch.tensor(layer.weight, dtype=like.dtype, device=like.device)
    bias = torch.tensor(layer.bias, dtype=like.dtype, device=like.device)
    size = weight.abs()

    def times(matrix: Tensor) -> Map:
        if tokens == 1:
            return lambda v: v @ matrix

        def each(v: Tensor) -> Tensor:
            parts = v.reshape(*v.shape[:-1], tokens, len(matrix)) @ matrix
            return parts.reshape(*v.shape[:-1], -1)

        return each

    rows, columns = weight.shape
    return Linear(
        times(weight.T.contiguous()),
        times(weight),
        times(size.T.contiguous()),
        times(size),
        bias.repeat(tokens),
        tokens * columns,
        tokens * rows,
    )


def _convolution(layer: Conv2d, like: Tensor) -> Linear:
    kernel = torch.tensor(layer.kernel, dtype=like.dtype, device=like.device)
    bias = torch.tensor(layer.bias, dtype=like.dtype, device=like.device)
    into, out = layer.shape, layer.output_shape
    # Rows and columns at the far edge that no window reaches.
    margin = [
        into[i] + 2 * layer.padding - kernel.shape[i + 1] - (out[i] - 1) * layer.stride
        for i in (1, 2)
    ]

    def forward(weights: Tensor) -> Map:
        def apply(v: Tensor) -> Tensor:
            made = torch.nn.functional.conv2d(
                v.reshape(-1, *into), weights, None, layer.stride, layer.padding
            )
            return made.reshape(*v.shape[:-1], -1)

        return apply

    def adjoint(weights: Tensor) -> Map:
        def apply(v: Tensor) -> Tensor:
            made = torch.nn.functional.conv_transpose2d(
                v.reshape(-1, *out), weights, None, layer.stride, layer.padding, margin
            )
            return made.reshape(*v.shape[:-1], -1)

        return apply

    return Linear(
        forward(kernel),
        adjoint(kernel),
        forward(kernel.abs()),
        adjoint(kernel.abs()),
        bias.repeat_interleave(math.prod(out[1:])),
        math.prod(into),
        math.prod(out),
    )
