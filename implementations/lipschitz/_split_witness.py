"""Values at points, and the points of a cell in which every neuron's sign is fixed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.implementations.lipschitz._split_bounds import Layers

Array = NDArray[np.float64]

INTERIOR = 1e-9
"""Share of the preactivations' size by which a cell's constraints must hold, or fail."""


def jacobians(layers: Layers, rows: Tensor, points: Tensor) -> Tensor:
    """Return the Jacobians (P, m, n) at points (P, n); a ReLU's slope at zero is zero."""
    a, on = points, []
    for weight, bias in zip(layers.weights, layers.biases, strict=True):
        z = a @ weight.T + bias
        on.append((z > 0).to(torch.float64))
        a = z.clamp(min=0)
    j = rows.expand(len(points), *rows.shape)
    for weight, d in zip(reversed(layers.weights), reversed(on), strict=True):
        j = (j * d.unsqueeze(1)) @ weight
    return j


def cell(
    layers: Layers, active: Array, split: NDArray[np.int8], box: tuple[Array, Array]
) -> tuple[Array | None, bool]:
    """Find a point inside the cell where the signs of all preactivations are those given.

    HiGHS maximises the distance t to the nearest of the split hyperplanes. Its multipliers prove
    that the cell is empty where they bound t below zero; they are checked here, not trusted.

    Args:
        layers: of the chain.
        active: (M,) 1 where a neuron is active, else 0; all layers in order.
        split: (M,) 1 or -1 where the sign is a constraint.
        box: its corners, (n,) each.

    Returns:
        A point (n,) or None, and whether the cell is proved to be empty.
    """
    from scipy.optimize import linprog

    low, high = box
    normals, offsets = _constraints(layers, active, split)
    size = np.linalg.norm(normals, axis=1)
    size[size == 0] = 1.0
    normals, offsets = normals / size[:, None], offsets / size
    n = len(low)
    result = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.column_stack([-normals, np.ones(len(normals))]),
        b_ub=offsets,
        bounds=[*zip(low, high, strict=True), (None, 1.0)],
        method="highs",
    )
    if result.status != 0:
        return None, False
    scale = INTERIOR * (1.0 + np.abs(offsets).max(initial=0.0))
    mu = np.maximum(-result.ineqlin.marginals, 0.0)
    pull = mu @ normals
    most = mu @ offsets + np.maximum(pull * low, pull * high).sum()
    if most < -scale * mu.sum():
        return None, True
    point = np.clip(np.asarray(result.x)[:n], low, high)
    inside = bool((normals @ point + offsets > scale).all())
    return (point if inside else None), False


def _constraints(layers: Layers, active: Array, split: NDArray[np.int8]) -> tuple[Array, Array]:
    """Return normals (c, n) and offsets (c,) with normal . x + offset >= 0 for the splits."""
    normals, offsets = [], []
    matrix, shift = np.eye(layers.weights[0].shape[1]), np.zeros(layers.weights[0].shape[1])
    start = 0
    for weight, bias in zip(layers.weights, layers.biases, strict=True):
        here = slice(start, start + len(weight))
        start += len(weight)
        matrix, shift = weight.numpy() @ matrix, weight.numpy() @ shift + bias.numpy()
        sign = split[here].astype(np.float64)
        chosen = sign != 0
        normals.append(sign[chosen, None] * matrix[chosen])
        offsets.append(sign[chosen] * shift[chosen])
        matrix, shift = active[here, None] * matrix, active[here] * shift
    return np.concatenate(normals), np.concatenate(offsets)
