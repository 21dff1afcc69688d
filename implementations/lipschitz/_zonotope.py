"""Zonotopes of Jacobian rows, and a semidefinite bound of the l1 norm on a zonotope.

A product g = d v, d in [m - r, m + r], is m v + r |v| e with e in [-1, 1], so that every row of the
Jacobian lies in a zonotope, center + sum_k e_k generator_k. Its l1 norm is at most the maximum of
s' Z' e over signs s and e with e_0 = 1, Z the (1 + G, n) matrix of the center and the generators: a
bilinear problem whose semidefinite relaxation is within Grothendieck's constant of it (Alon & Naor
2006, doi:10.1137/S0097539704441629).
"""

from __future__ import annotations

import torch

from tiltyard.implementations.lipschitz._crown import Interval
from tiltyard.implementations.lipschitz._program import Linear, Pointwise, Program

Tensor = torch.Tensor

FLOOR = 1e-9
"""Least multiplier of an entry, of the largest one."""


def zonotope(
    program: Program, z: Tensor, ranges: dict[int, Interval], found: dict[int, Interval]
) -> Tensor:
    """Return the center and the generators of what a program of products yields, (B, 1 + G', n).

    Args:
        program: the reversed program.
        z: those of its input, (B, 1 + G, m).
        ranges: of the derivatives d, (B, n_i) each, by index.
        found: intervals of the entries v that they are multiplied with, by index.
    """
    for operation in program:
        if isinstance(operation, Linear):
            z = operation.forward(z)
        elif isinstance(operation, Pointwise):
            low, high = ranges[operation.index]
            lower, upper = found[operation.index]
            reach = (high - low) / 2.0 * torch.maximum(lower.abs(), upper.abs())
            z = torch.cat([z * ((low + high) / 2.0)[:, None], _diagonal(reach)], dim=1)
        else:
            inner = zonotope(operation.branch, z, ranges, found)
            added = torch.zeros_like(inner)
            added[:, : z.shape[1]] = operation.skip * z
            z = added + operation.scale * inner
    return z


def _diagonal(reach: Tensor) -> Tensor:
    """Return a generator for every column of (B, n) that is not zero throughout, (B, G, n)."""
    columns = (reach > 0.0).any(dim=0).nonzero()[:, 0]
    made = torch.zeros(len(reach), len(columns), reach.shape[1], dtype=reach.dtype).to(reach.device)
    made[:, torch.arange(len(columns), device=reach.device), columns] = reach[:, columns]
    return made


def sign_bound(z: Tensor, start: Tensor, rounds: int) -> Tensor:
    """Return upper bounds of max s' z' e over s and e in [-1, 1], (B,) for z (B, G, n).

    For any positive multipliers p of s and q of e the value is at most sigma sqrt(sum p sum q),
    sigma the largest singular value of z scaled by 1 / sqrt(q_k p_j) (Cauchy-Schwarz); the best
    choice is the dual optimum of the semidefinite relaxation. It is approached by exact alternating
    maximisation of the relaxation's low-rank primal (Burer & Monteiro 2003), whose stationary
    multipliers are the lengths |z_k V|.

    Args:
        z: center and generators.
        start: (G, rank) directions to start from.
        rounds: of the alternating maximisation.
    """
    transposed = z.transpose(1, 2).contiguous()
    v = _unit(start.expand(len(z), -1, -1))
    u = _unit(transposed @ v)
    for _ in range(rounds):
        v = _unit(z @ u)
        u = _unit(transposed @ v)
    p, q = _positive((transposed @ v).norm(dim=2)), _positive((z @ u).norm(dim=2))
    scaled = z * q.rsqrt()[:, :, None] * p.rsqrt()[:, None]
    other = scaled.transpose(1, 2)
    gram = scaled @ other if z.shape[1] <= z.shape[2] else other @ scaled
    # What rounding may take from the largest eigenvalue.
    top: Tensor = torch.linalg.eigvalsh(gram)[:, -1]
    slack = (
        torch.finfo(z.dtype).eps * len(gram[0]) * torch.diagonal(gram, dim1=1, dim2=2).sum(dim=1)
    )
    return ((top + slack) * p.sum(dim=1) * q.sum(dim=1)).sqrt()


def _unit(rows: Tensor) -> Tensor:
    return torch.nn.functional.normalize(rows, dim=2)


def _positive(lengths: Tensor) -> Tensor:
    largest = lengths.amax(dim=1, keepdim=True).clamp(min=torch.finfo(lengths.dtype).tiny ** 0.5)
    return torch.maximum(lengths, FLOOR * largest)
