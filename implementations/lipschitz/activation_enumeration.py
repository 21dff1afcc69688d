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
    from tiltyard.implementations.lipschitz._exact_region import regions
    from tiltyard.implementations.lipschitz._exact_search import Search, affine_answer, measures

    net = piecewise(problem)
    if not net.slopes:
        yield {"upper": affine_answer(problem, net)}
        return
    upper = np.full(problem.shape, np.inf)
    flat = upper.reshape(problem.regions, -1)
    searches = {}
    for i, region in enumerate(regions(problem)):
        for j, measure in enumerate(measures(problem)):
            searches[i, j] = Search(net, region, measure)
            flat[i, j] = searches[i, j].upper
        yield {"upper": upper.copy()}
    while searches:
        before = upper.copy()
        for at, search in list(searches.items()):
            cells = search.cells
            problem.count("branch", search.run(nodes))
            problem.count("linear_program", search.cells - cells)
            flat[at] = search.upper
            if search.done:
                del searches[at]
        if not searches or (upper < before).any():
            yield {"upper": upper.copy()}
