"""Bounds of the spectral norm of Clarke Jacobians."""

from __future__ import annotations

import torch

from tiltyard.implementations.lipschitz._crown import Interval
from tiltyard.implementations.lipschitz._program import Block, Linear, Pointwise, Program
from tiltyard.implementations.lipschitz._regions import ROUNDING

Tensor = torch.Tensor


def between(lower: Tensor, upper: Tensor) -> Tensor:
    """Return upper bounds of the spectral norm of matrices between two, (k,) for (k, m, n).

    The least of three: that of the largest absolute values (for non-negative matrices the norm
    grows with the entries), that of the center plus that of the radii, and sqrt(|J|_1 |J|_inf).
    """
    size = torch.maximum(lower.abs(), upper.abs())
    whole = torch.linalg.matrix_norm(size, 2)
    center, radius = (lower + upper) / 2.0, (upper - lower) / 2.0
    parts = torch.linalg.matrix_norm(center, 2) + torch.linalg.matrix_norm(radius, 2)
    mixed = (size.sum(dim=1).amax(dim=1) * size.sum(dim=2).amax(dim=1)).sqrt()
    found = torch.minimum(torch.minimum(whole, parts), mixed)
    return found * (1.0 + ROUNDING[lower.dtype])


def composed(program: Program, ranges: dict[int, Interval], c: Tensor) -> Tensor:
    """Return upper bounds of the spectral norm of a Jacobian, (k,), layer by layer.

    A product of the layers' matrices is enclosed in a ball of the spectral norm. With D = M + R E,
    |E| <= 1, it goes from (C, rho) through D W to

        C M W,  |C T| |T^-1 R W| + rho |max(|low|, |high|) W|

    for any positive diagonal T: the better of sqrt(R) and of what balances C T and T^-1 R W. With
    M = 0 throughout it is a product of local norms; the smaller bound is taken.

    Args:
        program: the reversed program.
        ranges: of the derivatives, (k, n_i) each, by index.
        c: the identity, (k, m, m).
    """
    ends = {i: torch.maximum(low.abs(), high.abs()) for i, (low, high) in ranges.items()}
    found = torch.full_like(c[:, 0, 0], torch.inf)
    for some in (ranges, {i: (-end, end) for i, end in ends.items()}):
        center, radius = _through(program, c, torch.zeros_like(found), some)
        found = torch.minimum(found, torch.linalg.matrix_norm(center, 2) + radius)
    return found * (1.0 + ROUNDING[c.dtype])


def _through(
    program: Program, center: Tensor, radius: Tensor, ranges: dict[int, Interval]
) -> tuple[Tensor, Tensor]:
    for i, operation in enumerate(program):
        if isinstance(operation, Block):
            inner, reach = _through(operation.branch, center, radius, ranges)
            center = operation.skip * center + operation.scale * inner
            radius = abs(operation.skip) * radius + abs(operation.scale) * reach
        elif isinstance(operation, Pointwise):
            after = program[i + 1] if i + 1 < len(program) else None
            matrix = _matrix(after, center) if isinstance(after, Linear) else None
            center, radius = _product(center, radius, ranges[operation.index], matrix)
        elif i and isinstance(program[i - 1], Pointwise):
            center = operation.forward(center)  # the ball went through with the product before
        else:
            radius = radius * torch.linalg.matrix_norm(_matrix(operation, center), 2)
            center = operation.forward(center)
    return center, radius


def _matrix(linear: Linear, like: Tensor) -> Tensor:
    """Return the matrix that rows are multiplied with, (inputs, outputs)."""
    return linear.forward(torch.eye(linear.inputs, dtype=like.dtype, device=like.device))


def _product(
    center: Tensor, radius: Tensor, ranges: Interval, matrix: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Return C M and the radius after D, or after D W where a matrix W follows."""
    low, high = ranges
    middle, reach = (low + high) / 2.0, (high - low) / 2.0
    most = torch.maximum(low.abs(), high.abs())
    if matrix is None:
        added = torch.linalg.matrix_norm(center * reach[:, None], 2)
        return center * middle[:, None], added + radius * most.amax(dim=1)
    tiny = torch.finfo(reach.dtype).eps
    columns, rows = center.norm(dim=1), matrix.norm(dim=1)
    columns = columns + tiny * columns.amax(dim=1, keepdim=True) + tiny
    rows = rows + tiny * rows.amax() + tiny
    added = torch.full_like(radius, torch.inf)
    for balance in (torch.ones_like(columns), rows / columns):
        scale = ((reach + tiny) * balance).sqrt()
        left = torch.linalg.matrix_norm(center * scale[:, None], 2)
        right = torch.linalg.matrix_norm((reach / scale)[:, :, None] * matrix, 2)
        added = torch.minimum(added, left * right)
    passed: Tensor = radius * torch.linalg.matrix_norm(most[:, :, None] * matrix, 2)
    return center * middle[:, None], added + passed
