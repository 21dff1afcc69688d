"""Dot-product attention, the layer that mixes tokens."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tiltyard.errors import TiltyardError
from tiltyard.suites.lipschitz.layers import Array, Layer, frozen, like, need

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class Attention(Layer):
    """Multi-head dot-product attention over ``tokens`` equal parts of the input.

    Head h: softmax(scale Q_h K_h') V_h with Q_h = X query[h]', K_h = X key[h]', V_h = X value[h]';
    the output is sum_h (head h) output[h]'. X is (tokens, d).

    Attributes:
        query: (heads, width, d); ``key`` likewise.
        value: (heads, v, d).
        output: (heads, d', v).
        scale: factor of the scores, such as 1/sqrt(width) or 1/width.
        causal: whether a token sees itself and those before it alone.
    """

    query: Array
    key: Array
    value: Array
    output: Array
    tokens: int
    scale: float
    causal: bool = True
    _names: tuple[str, ...] = field(default=("query", "key", "value", "output"), repr=False)

    def __post_init__(self) -> None:
        for name in self._names:
            object.__setattr__(self, name, frozen(name, getattr(self, name)))
        heads, _, d = self.query.shape
        v = self.value.shape[1]
        if (
            self.key.shape != self.query.shape
            or self.value.shape != (heads, v, d)
            or self.output.shape[::2] != (heads, v)
        ):
            raise TiltyardError("the shapes of an attention's query, key, value, output do not fit")

    def size(self, inputs: int) -> int:
        """Return tokens times the rows of ``output``."""
        need(inputs, self.tokens * self.query.shape[2], "attention")
        return self.tokens * int(self.output.shape[1])

    def apply(self, x: Tensor) -> Tensor:
        """Return the attended values of every token."""
        import torch

        tokens = x.reshape(len(x), self.tokens, -1)
        query, key, value, output = (like(getattr(self, name), x) for name in self._names)
        q = torch.einsum("btd,hkd->bhtk", tokens, query)
        k = torch.einsum("btd,hkd->bhtk", tokens, key)
        v = torch.einsum("btd,hvd->bhtv", tokens, value)
        scores = self.scale * q @ k.transpose(2, 3)
        if self.causal:
            later = torch.ones(self.tokens, self.tokens, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(later, -math.inf)
        made = torch.einsum("bhtv,hov->bto", scores.softmax(dim=3) @ v, output)
        return made.reshape(len(x), -1)
