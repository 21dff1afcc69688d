"""Exact: the Jacobians of every activation pattern that the region reaches.

A piecewise linear network has one Jacobian per cell, and its Lipschitz constant is the largest norm
over the full-dimensional cells (Jordan & Dimakis 2020, arXiv:2003.01219, theorem 1).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tiltyard import implementation
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2003.01219",
    requires={
        "norm": ("l2", "linf", "partial"),
        "region": ("box", "ball", "global"),
        "architecture": ("chain",),
        "activation": ("relu", "leaky_relu", "mixed", "none"),
    },
)
def activation_enumeration(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    nodes: int = 50,
) -> Iterator[dict[str, Array]]:
    """Enumerate the cells of the region, layer by layer, those with the largest bounds first.

    A set of cells with a common pattern up to some layer is split on one neuron; halves without
    interior are dropped, and so are sets whose Jacobians are bounded by the value of a cell (linear
    bounds of the preactivations, intervals for the slopes of neurons that may switch). What remains
    open counts with its bound, so that every answer is sound.

    Args:
        problem: one with ReLU or leaky ReLU and a box, a Euclidean ball or R^n.
        rng: not used.
        nodes: sets to split in one region before the next one has its turn.

    Yields:
        ``upper``, ``problem.shape`` float64, whenever it improves; exact when the method returns.
    """
    from tiltyard.implementations.lipschitz._exact_bounds import piecewise
    from tiltyard.implementations.lipschitz._exact_enumeration import Enumeration
    from tiltyard.implementations.lipschitz._exact_search import affine_answer

    net = piecewise(problem)
    if not net.slopes:
        yield {"upper": affine_answer(problem, net)}
        return
    enumeration = Enumeration(problem, nodes)
    for _ in enumeration.rounds():
        yield {"upper": enumeration.upper.reshape(problem.shape).copy()}
