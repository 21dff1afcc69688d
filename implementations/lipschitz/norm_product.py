"""Product of the layers' operator norms, the oldest bound.

Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow & Fergus (2014), arXiv:1312.6199, section 4.3.
It holds on all of R^n, so that it is the same for every region.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tiltyard import Unsupported, implementation
from tiltyard.implementations.lipschitz._slopes import steepest
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
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

ROUNDING = 1e-12


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:1312.6199",
    requires={"norm": ("l2", "linf"), "architecture": ("chain", "residual")},
)
def norm_product(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method draws nothing
) -> Iterator[Answer]:
    """Multiply the operator norms of all layers.

    Successive linear layers count as one. A residual block counts |skip| + |scale| times the
    product of its branch, an activation its Lipschitz constant.

    Args:
        problem: any network without attention.
        rng: unused.

    Yields:
        The product once, for every region.
    """
    order = 2.0 if problem.norm == "l2" else math.inf
    bound = _product(problem.network.layers, order) * (1.0 + ROUNDING)
    yield {"upper": np.full(problem.shape, bound)}


def _product(layers: tuple[Layer, ...], order: float) -> float:
    """Return a Lipschitz constant of a sequence of layers."""
    total, matrix = 1.0, None
    for layer in layers:
        if isinstance(layer, Dense | Conv2d):
            weight = layer.dense.weight if isinstance(layer, Conv2d) else layer.weight
            matrix = weight if matrix is None else weight @ matrix
            continue
        if matrix is not None:
            total, matrix = total * _norm(matrix, order), None
        total *= _constant(layer, order)
    return total if matrix is None else total * _norm(matrix, order)


def _norm(matrix: Array, order: float) -> float:
    """Return the operator norm; the spectral one from the smaller Gram matrix."""
    if order == math.inf:
        return float(np.abs(matrix).sum(axis=1).max())
    gram = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    return math.sqrt(max(float(np.linalg.eigvalsh(gram)[-1]), 0.0))


def _constant(layer: Layer, order: float) -> float:
    """Return a Lipschitz constant of a layer that is not linear.

    Raises:
        Unsupported: it has none that is known.
    """
    if isinstance(layer, Residual):
        return abs(layer.skip) + abs(layer.scale) * _product(layer.branch, order)
    if isinstance(layer, PerToken):  # block-diagonal, with equal blocks
        return _product((layer.layer,), order)
    if isinstance(layer, GroupSort):  # sorting moves no two vectors apart, in any p-norm
        return 1.0
    if isinstance(layer, Householder):
        return 1.0 if order == 2.0 else _reflections(layer.vectors)
    if isinstance(layer, Activation):
        return steepest(layer)
    raise Unsupported(f"knows no Lipschitz constant of {type(layer).__name__.lower()} layers")


def _reflections(vectors: Array) -> float:
    """Return the largest absolute row sum of I - 2 v v', at least one."""
    mirrors = np.eye(2) - 2.0 * vectors[:, :, None] * vectors[:, None, :]
    return max(1.0, float(np.abs(mirrors).sum(axis=2).max(initial=0.0)))
