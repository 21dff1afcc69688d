"""Zonotopes of the Clarke Jacobian's rows and a semidefinite bound of their l1 norm.

Our own combination. Clarke bound propagation (Shi et al. 2022, arXiv:2210.07394) bounds every |J_j|
by a chord of its own, as if each entry could take its worst choice of the unknown derivatives.
They share one choice: with the rows enclosed in zonotopes, the largest l1 norm is a bilinear
problem in signs, and its semidefinite relaxation (Alon & Naor 2006) sees what they share.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._requirements import ELEMENTWISE
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="doi:10.1137/S0097539704441629",
    devices=("cpu", "cuda"),
    requires={"norm": ("linf",), **ELEMENTWISE},
)
def clarke_zonotope(
    problem: LipschitzProblem,
    rng: np.random.Generator,
    *,
    dtype: str = "float64",
    rank: int = 12,
    rounds: int = 50,
) -> Iterator[Answer]:
    """Propagate linear bounds, then bound the rows that decide by a semidefinite relaxation.

    Args:
        problem: any network of linear, elementwise and residual layers.
        rng: draws the start of the relaxation.
        dtype: ``float64``, or ``float32``, whose bounds are widened by 1e-4.
        rank: of the relaxation's low-rank solution.
        rounds: of its alternating maximisation.

    Yields:
        Bounds by intervals, those of Clarke bound propagation, then smaller ones as rows are done.
    """
    from tiltyard.implementations.lipschitz._sign_refinement import refined_bounds

    yield from refined_bounds(problem, rng, dtype, (rank, rounds))
