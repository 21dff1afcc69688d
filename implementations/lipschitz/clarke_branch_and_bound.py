"""Branch and bound over the neurons of a ReLU chain, with Clarke bound propagation at the nodes.

Bounds of the Jacobian: Shi, Wang, Zhang, Kolter & Hsieh (2022), arXiv:2210.07394, who split neurons
too. Ours besides: derivatives stay tied to the inputs they occur at by linear constraints, whose
multipliers are iterated; all outputs share the best known value; neurons are chosen by bounding
their children.
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
    cites="arXiv:2210.07394",
    requires={
        "norm": ("linf", "partial"),
        "region": ("box",),
        "architecture": ("chain",),
        "activation": ("relu", "none"),
    },
)
def clarke_branch_and_bound(
    problem: LipschitzProblem,
    rng: np.random.Generator,
    *,
    batch: int = 64,
    iterations: int = 20,
    candidates: int = 64,
    samples: int = 200,
) -> Iterator[dict[str, Array]]:
    """Split neurons into active and inactive, worst bound first, until bound and value meet.

    Args:
        problem: a ReLU chain on boxes; l_inf or partial derivatives.
        rng: draws the points that are tried first.
        batch: nodes that are split at a time, at most.
        iterations: of the multipliers, for each batch.
        candidates: neurons of a node whose two children are bounded before one is chosen.
        samples: points of each region that are tried first.

    Yields:
        Upper bounds after each batch, float64 in the problem's shape; the last ones are exact
        to 1e-6 unless a cell's interior could not be told from nothing.
    """
    if not problem.chain.activations:
        yield {"upper": _linear(problem)}
        return
    from tiltyard.implementations.lipschitz._split_search import Options, Search

    search = Search(problem, rng, Options(batch, iterations, candidates, samples))
    for _ in search.start():
        yield {"upper": search.upper}
    while search.step():
        yield {"upper": search.upper}
    yield {"upper": search.upper}


def _linear(problem: LipschitzProblem) -> Array:
    """Return the answer for a network without nonlinearities."""
    (weight,) = problem.chain.weights
    if problem.norm == "linf":
        return np.full(problem.shape, np.abs(weight).sum(axis=1).max())
    row = weight[0, list(problem.features)]
    return np.broadcast_to(np.concatenate([row, -row]), problem.shape).copy()
