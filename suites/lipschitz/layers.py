"""The layers that networks of the lipschitz suite are made of.

Every layer maps a batch of flat vectors, a torch tensor of shape (batch, inputs), to one of shape
(batch, outputs), differentiably and in the dtype and on the device of its input. Parameters are
read-only float64 NumPy arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
Kind = Literal["relu", "leaky_relu", "tanh", "sigmoid", "softplus", "gelu"]
KINDS: tuple[Kind, ...] = ("relu", "leaky_relu", "tanh", "sigmoid", "softplus", "gelu")


class Layer:
    """A map from R^inputs to R^outputs."""

    def size(self, inputs: int) -> int:
        """Return the number of outputs for ``inputs`` inputs.

        Raises:
            TiltyardError: the layer does not take that many.
        """
        raise NotImplementedError

    def apply(self, x: Tensor) -> Tensor:
        """Return the (batch, outputs) values at (batch, inputs) points."""
        raise NotImplementedError


def frozen(name: str, value: object) -> Array:
    """Return a read-only float64 copy of a parameter.

    Raises:
        TiltyardError: it holds NaN or infinity.
    """
    array = np.array(value, dtype=np.float64)
    if not np.isfinite(array).all():
        raise TiltyardError(f"the network's {name} holds NaN or infinity")
    array.setflags(write=False)
    return array


def like(array: Array, x: Tensor) -> Tensor:
    """Return a parameter in the dtype and on the device of ``x``."""
    import torch

    return torch.as_tensor(array.copy(), dtype=x.dtype, device=x.device)


@dataclass(frozen=True, eq=False)
class Dense(Layer):
    """x -> weight x + bias, weight (outputs, inputs) and bias (outputs,)."""

    weight: Array
    bias: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", frozen("weight", self.weight))
        object.__setattr__(self, "bias", frozen("bias", self.bias))
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise TiltyardError(
                f"a dense layer's weight {self.weight.shape} and bias {self.bias.shape} do not fit"
            )

    def size(self, inputs: int) -> int:
        """Return the number of rows of the weight."""
        need(inputs, self.weight.shape[1], "dense")
        return len(self.weight)

    def apply(self, x: Tensor) -> Tensor:
        """Return x W' + b."""
        return x @ like(self.weight, x).T + like(self.bias, x)


@dataclass(frozen=True, eq=False)
class Conv2d(Layer):
    """A two-dimensional cross-correlation, zero-padded; inputs and outputs are flat (c, h, w).

    Attributes:
        kernel: (outputs, inputs, height, width).
        bias: (outputs,).
        shape: (channels, height, width) of the input.
        stride: of both axes.
        padding: zeros on each side of both axes.
    """

    kernel: Array
    bias: Array
    shape: tuple[int, int, int]
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", frozen("kernel", self.kernel))
        object.__setattr__(self, "bias", frozen("bias", self.bias))
        if (
            self.kernel.ndim != 4
            or self.kernel.shape[1] != self.shape[0]
            or self.bias.shape != self.kernel.shape[:1]
        ):
            raise TiltyardError(
                f"a convolution's kernel {self.kernel.shape}, bias {self.bias.shape} and input "
                f"{self.shape} do not fit"
            )
        if self.stride < 1 or self.padding < 0 or min(self.output_shape) < 1:
            raise TiltyardError(
                f"a convolution of stride {self.stride} and padding {self.padding} by a kernel "
                f"{self.kernel.shape[2:]} leaves nothing of an input {self.shape}"
            )

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of the output."""
        height, width = (
            (self.shape[i + 1] + 2 * self.padding - self.kernel.shape[i + 2]) // self.stride + 1
            for i in (0, 1)
        )
        return len(self.kernel), height, width

    def size(self, inputs: int) -> int:
        """Return the number of outputs over all channels."""
        need(inputs, math.prod(self.shape), "convolution")
        return math.prod(self.output_shape)

    def apply(self, x: Tensor) -> Tensor:
        """Return the flat convolution."""
        import torch

        images = x.reshape(-1, *self.shape)
        made = torch.nn.functional.conv2d(
            images, like(self.kernel, x), like(self.bias, x), self.stride, self.padding
        )
        return made.reshape(len(x), math.prod(self.output_shape))

    @cached_property
    def dense(self) -> Dense:
        """The same map as a dense layer."""
        import torch

        n = math.prod(self.shape)
        bias = np.repeat(self.bias, math.prod(self.output_shape[1:]))
        columns = self.apply(torch.eye(n, dtype=torch.float64)).numpy() - bias
        return Dense(columns.T, bias)


@dataclass(frozen=True, eq=False)
class Activation(Layer):
    """An elementwise nonlinearity; ``slope`` is that of a leaky ReLU below zero."""

    kind: Kind
    slope: float = 0.01

    def size(self, inputs: int) -> int:
        """Return ``inputs``."""
        return inputs

    def apply(self, x: Tensor) -> Tensor:
        """Return the nonlinearity, entry by entry; GELU is the exact one, z Phi(z)."""
        import torch

        match self.kind:
            case "relu":
                return torch.relu(x)
            case "leaky_relu":
                return torch.nn.functional.leaky_relu(x, self.slope)
            case "tanh":
                return torch.tanh(x)
            case "sigmoid":
                return torch.sigmoid(x)
            case "softplus":
                return torch.logaddexp(x, torch.zeros_like(x))
            case "gelu":
                return torch.nn.functional.gelu(x)


@dataclass(frozen=True, eq=False)
class GroupSort(Layer):
    """Sorts every ``group`` successive entries, ascending; MaxMin is a group of two.

    Anil, Lucas & Grosse (2019), arXiv:1811.05381.
    """

    group: int = 2

    def size(self, inputs: int) -> int:
        """Return ``inputs``, a multiple of the group."""
        if self.group < 1 or inputs % self.group:
            raise TiltyardError(f"{inputs} neurons do not divide into groups of {self.group}")
        return inputs

    def apply(self, x: Tensor) -> Tensor:
        """Return the sorted groups."""
        return x.reshape(len(x), -1, self.group).sort(dim=2).values.reshape(x.shape)


@dataclass(frozen=True, eq=False)
class Householder(Layer):
    """Reflects pair i, z = (x_2i, x_2i+1), where v_i . z < 0: z - 2 v_i (v_i . z).

    Singla, Singla & Feizi (2022), arXiv:2108.04062. ``vectors`` is (pairs, 2), of unit length.
    """

    vectors: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "vectors", frozen("Householder vectors", self.vectors))
        lengths = np.linalg.norm(self.vectors, axis=-1)
        if self.vectors.ndim != 2 or self.vectors.shape[1] != 2 or abs(lengths - 1).max() > 1e-9:
            raise TiltyardError("Householder vectors must be an (n, 2) array of unit length")

    def size(self, inputs: int) -> int:
        """Return ``inputs``, two for every vector."""
        need(inputs, 2 * len(self.vectors), "Householder")
        return inputs

    def apply(self, x: Tensor) -> Tensor:
        """Return the pairs, reflected where they lie behind their mirror."""
        v = like(self.vectors, x)
        pairs = x.reshape(len(x), -1, 2)
        behind = (pairs * v).sum(dim=2, keepdim=True).clamp(max=0.0)
        return (pairs - 2.0 * behind * v).reshape(x.shape)


@dataclass(frozen=True, eq=False)
class Residual(Layer):
    """x -> skip x + scale branch(x), the branch a sequence of layers."""

    branch: tuple[Layer, ...]
    skip: float = 1.0
    scale: float = 1.0

    def size(self, inputs: int) -> int:
        """Return ``inputs``, which the branch must return too."""
        need(sizes(self.branch, inputs)[-1], inputs, "residual")
        return inputs

    def apply(self, x: Tensor) -> Tensor:
        """Return skip x + scale branch(x)."""
        inner = x
        for layer in self.branch:
            inner = layer.apply(inner)
        return self.skip * x + self.scale * inner


@dataclass(frozen=True, eq=False)
class PerToken(Layer):
    """Applies a layer to each of ``tokens`` equal parts of its input."""

    layer: Layer
    tokens: int

    def size(self, inputs: int) -> int:
        """Return the layer's outputs times the tokens."""
        if inputs % self.tokens:
            raise TiltyardError(f"{inputs} entries do not divide into {self.tokens} tokens")
        return self.tokens * self.layer.size(inputs // self.tokens)

    def apply(self, x: Tensor) -> Tensor:
        """Return the layer's values, token by token."""
        return self.layer.apply(x.reshape(len(x) * self.tokens, -1)).reshape(len(x), -1)


def sizes(layers: Sequence[Layer], inputs: int) -> list[int]:
    """Return the number of entries before the first layer and after each.

    Raises:
        TiltyardError: a layer does not take what the one before it gives.
    """
    found = [inputs]
    for layer in layers:
        found.append(layer.size(found[-1]))
    return found


def need(found: int, wanted: int, what: str) -> None:
    """Refuse a layer of ``wanted`` inputs after ``found`` outputs."""
    if found != wanted:
        raise TiltyardError(f"a {what} layer of {wanted} inputs follows {found} outputs")
