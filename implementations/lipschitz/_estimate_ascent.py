"""Steps towards larger Jacobian norms.

The norm is u' J v for vectors of its own (singular vectors; a row and signs), and its gradient that
of u' J(x) v. Of piecewise linear networks that is zero: there the gradient is that of a network
whose kinks are rounded off, so that points move towards patterns of activations that raise it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tiltyard.suites.lipschitz.layers import (
    Activation,
    GroupSort,
    Householder,
    Layer,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.problem import LipschitzProblem

if TYPE_CHECKING:
    from torch import Tensor


def rounded(layers: tuple[Layer, ...], x: Tensor, width: float) -> Tensor:
    """Return a network's values with its kinks rounded off.

    Args:
        layers: of the network.
        x: (N, inputs).
        width: of a rounded kink, in mean sizes of a layer's entries. Groups of more than two that
            are sorted keep their kinks.
    """
    import torch

    for layer in layers:
        size = width * x.detach().abs().mean().clamp(min=1e-12)
        match layer:
            case Activation(kind="relu" | "leaky_relu"):
                low = layer.slope if layer.kind == "leaky_relu" else 0.0
                x = low * x + (1.0 - low) * size * torch.nn.functional.softplus(x / size)
            case GroupSort(group=2):
                first, second = x.reshape(len(x), -1, 2).unbind(dim=2)
                half = torch.sqrt((first - second) ** 2 + size**2) / 2
                middle = (first + second) / 2
                x = torch.stack([middle - half, middle + half], dim=2).reshape(x.shape)
            case Householder():
                v = torch.tensor(layer.vectors, dtype=x.dtype, device=x.device)
                pairs = x.reshape(len(x), -1, 2)
                along = (pairs * v).sum(dim=2, keepdim=True)
                behind = size * torch.nn.functional.softplus(-along / size)
                x = (pairs + 2.0 * behind * v).reshape(x.shape)
            case Residual():
                x = layer.skip * x + layer.scale * rounded(layer.branch, x, width)
            case PerToken():
                parts = x.reshape(len(x) * layer.tokens, -1)
                x = rounded((layer.layer,), parts, width).reshape(len(x), -1)
            case _:
                x = layer.apply(x)
    return x


def gradients(problem: LipschitzProblem, x: Tensor, u: Tensor, v: Tensor, width: float) -> Tensor:
    """Return the (N, n) gradients of u' J(x) v of the rounded network at (N, n) points."""
    import torch

    x = x.detach().requires_grad_()
    values = (rounded(problem.network.layers, x, width) * u).sum()
    if not values.requires_grad:
        return torch.zeros_like(x)
    (slopes,) = torch.autograd.grad(values, x, create_graph=True)
    if not slopes.requires_grad:
        return torch.zeros_like(x)
    found: Tensor = torch.autograd.grad((slopes * v).sum(), x, materialize_grads=True)[0]
    return found


def attaining(problem: LipschitzProblem, J: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
    """Return u, (N, m), and v, (N, n), with u' J v the value of (N, m, n) Jacobians, nearly.

    Args:
        problem: says which norm.
        J: the Jacobians.
        part: (N,) which of the values of a region it is.
    """
    import torch

    own = torch.arange(len(J), device=J.device)
    u, v = J.new_zeros(J.shape[:2]), J.new_zeros(len(J), J.shape[2])
    if problem.norm == "linf":
        row = J.abs().sum(dim=2).argmax(dim=1)
        u[own, row] = 1.0
        return u, J[own, row].sign()
    if problem.norm == "partial":
        features = torch.tensor(problem.features, device=J.device)
        u[:, 0] = 1.0
        v[own, features[part % len(features)]] = torch.where(part < len(features), 1.0, -1.0).to(v)
        return u, v
    if problem.norm == "l2":
        return spectral(J)[1:]
    return _token_vectors(J, problem.tokens)


def spectral(J: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the largest singular values of (N, m, n) matrices, and their vectors.

    From the smaller of J J' and J' J, which takes a fraction of a singular value decomposition.
    """
    import torch

    wide = J.shape[1] <= J.shape[2]
    gram = J @ J.mT if wide else J.mT @ J
    values, vectors = torch.linalg.eigh(gram)
    sizes, first = values[:, -1].clamp(min=0.0).sqrt(), vectors[:, :, -1]
    second = torch.einsum("bmn,bm->bn" if wide else "bmn,bn->bm", J, first)
    second = second / second.norm(dim=1, keepdim=True).clamp(min=1e-300)
    return (sizes, first, second) if wide else (sizes, second, first)


def _token_vectors(J: Tensor, tokens: int) -> tuple[Tensor, Tensor]:
    import torch

    u, v = token_vectors(J, tokens)
    best = u.norm(dim=2).argmax(dim=1)
    own = torch.arange(len(J), device=J.device)
    chosen = torch.zeros_like(u)
    chosen[own, best] = u[own, best] / u[own, best].norm(dim=1, keepdim=True).clamp(min=1e-300)
    return chosen.flatten(1), v[own, best].flatten(1)


def token_vectors(J: Tensor, tokens: int, rounds: int = 10) -> tuple[Tensor, Tensor]:
    """Return what each output token can reach, (N, tokens, o), and from where.

    The latter are (N, tokens, tokens, i): for each output token, input tokens of length one that
    nearly maximise its length. For a fixed direction of the output the best input tokens are known,
    and the other way round.
    """
    import torch

    blocks = J.reshape(len(J), tokens, J.shape[1] // tokens, tokens, -1)
    u = blocks.sum(dim=(3, 4))
    v = blocks.new_zeros(())
    for _ in range(rounds):
        u = u / u.norm(dim=2, keepdim=True).clamp(min=1e-300)
        pulled = torch.einsum("btosi,bto->btsi", blocks, u)
        v = pulled / pulled.norm(dim=3, keepdim=True).clamp(min=1e-300)
        u = torch.einsum("btosi,btsi->bto", blocks, v)
    return u, v


def token_norms(J: Tensor, tokens: int) -> Tensor:
    """Return (N, 1): the largest rms of an output token over input tokens of rms one, nearly."""
    ratio = math.sqrt(J.shape[2] / J.shape[1])
    lengths: Tensor = token_vectors(J, tokens)[0].norm(dim=2)
    return ratio * lengths.amax(dim=1, keepdim=True)
