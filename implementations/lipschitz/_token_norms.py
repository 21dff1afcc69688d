"""How far layers stretch token sequences in the largest root mean square, and how long they get.

A sequence's norm is the largest root mean square of a token. Newhouse et al. (2025),
arXiv:2507.13338, compose such bounds over the layers of a transformer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._slopes import steepest
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

ROUNDING = 1.0 + 1e-12
"""What a spectral norm or a slope may be off by."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A Lipschitz constant, and the largest norm of an output."""

    stretch: float
    length: float


class TokenNorms:
    """Composes bounds layer by layer.

    Args:
        tokens: in the input and after every layer.
        merged: whether products of an attention's matrices are bounded as one, query with key and
            output with value, instead of by the product of their norms.
    """

    def __init__(self, tokens: int, *, merged: bool) -> None:
        self._tokens = tokens
        self._merged = merged

    def of(self, layers: tuple[Layer, ...], start: Reach) -> Reach:
        """Return the bounds after the layers.

        Raises:
            Unsupported: naming a layer that has no such bound here.
        """
        for layer in layers:
            start = self._after(layer, start)
        return start

    def _after(self, layer: Layer, x: Reach) -> Reach:
        match layer:
            case PerToken(layer=Dense() as dense):
                norm = _rms_norm(dense.weight)
                return Reach(norm * x.stretch, norm * x.length + _rms(dense.bias))
            case PerToken(layer=inner):
                return self._after(inner, x)
            case Dense() | Conv2d():
                return self._dense(layer.dense if isinstance(layer, Conv2d) else layer, x)
            case Residual(branch=branch, skip=skip, scale=scale):
                branched = self.of(branch, x)
                return Reach(
                    abs(skip) * x.stretch + abs(scale) * branched.stretch,
                    abs(skip) * x.length + abs(scale) * branched.length,
                )
            case Attention():
                return self._attention(layer, x)
        return _nonlinear(layer, x)

    def _dense(self, dense: Dense, x: Reach) -> Reach:
        """Bound a layer that mixes tokens by the norms of its blocks."""
        m, n = dense.weight.shape
        if m % self._tokens or n % self._tokens:
            raise Unsupported(f"a dense layer from {n} to {m} entries has no whole tokens")
        blocks = dense.weight.reshape(self._tokens, m // self._tokens, self._tokens, -1)
        norms = np.linalg.norm(blocks.transpose(0, 2, 1, 3), ord=2, axis=(2, 3)) * ROUNDING
        norm = math.sqrt(n / m) * float(norms.sum(axis=1).max())
        shift = max(_rms(part) for part in dense.bias.reshape(self._tokens, -1))
        return Reach(norm * x.stretch, norm * x.length + shift)

    def _attention(self, layer: Attention, x: Reach) -> Reach:
        """Bound every head and add up.

        With p a token's attention, s its scores and o_j the values times the output matrix, the
        derivative of sum_j p_j o_j is sum_j p_j do_j + Cov_p(ds, o). By Cauchy-Schwarz the latter
        is at most max_j |ds_j| max_j |o_j|; and s_j = scale q . k_j is bilinear in the tokens.
        """
        stretch = length = 0.0
        d = layer.query.shape[2]
        for query, key, value, output in zip(
            layer.query, layer.key, layer.value, layer.output, strict=True
        ):
            if self._merged:
                scores = _spectral(query.T @ key)
                carried = _rms_norm(output @ value)
            else:
                scores = _spectral(query) * _spectral(key)
                carried = _rms_norm(output) * _rms_norm(value)
            # Tokens of norm one have Euclidean length sqrt d each.
            slope = 2.0 * abs(layer.scale) * scores * d * x.length
            stretch += carried * (1.0 + slope * x.length)
            length += carried * x.length
        return Reach(stretch * x.stretch, length)


def _nonlinear(layer: Layer, x: Reach) -> Reach:
    match layer:
        case Activation(kind=kind):
            factor = steepest(layer) * ROUNDING
            # GELU's values are at most |z|; those of softplus and sigmoid are not 0 at 0.
            at_zero = {"sigmoid": 0.5, "softplus": math.log(2.0)}.get(kind, 0.0)
            grown = 1.0 if kind == "gelu" else factor
            return Reach(factor * x.stretch, grown * x.length + at_zero)
        case GroupSort() | Householder():
            return x
    raise Unsupported(f"has no bound for {type(layer).__name__} layers")


def _spectral(matrix: Array) -> float:
    return float(np.linalg.norm(matrix, 2)) * ROUNDING


def _rms_norm(matrix: Array) -> float:
    """Return the operator norm between root mean squares."""
    rows, columns = matrix.shape
    return math.sqrt(columns / rows) * _spectral(matrix)


def _rms(vector: Array) -> float:
    return float(np.sqrt((vector**2).mean()))
