"""Linear relaxation of the Clarke Jacobian by backward bound propagation.

Shi, Wang, Zhang, Kolter & Hsieh (2022), arXiv:2210.07394. The backward pass is a graph of its own:
a row c J is W_1' D_1 ... D_L-1 W_L' c with D_i between bounds that CROWN gives. Products of an
entry with its derivative are bounded by the two lines of their convex hull, |J_j| by its chord, and
the whole is propagated back to c. They bound the l-infinity norm; for the spectral norm of our own
composition the smaller of two is taken: from bounds of the entries, and from balls of matrices that
go through the layers.
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
    cites="arXiv:2210.07394",
    devices=("cpu", "cuda"),
    requires={"norm": ("linf", "l2", "partial"), **ELEMENTWISE},
)
def clarke_bound_propagation(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method draws nothing
    *,
    dtype: str = "float64",
) -> Iterator[Answer]:
    """Propagate linear bounds backward through the backward pass, from the norm to the outputs.

    Args:
        problem: any network of linear, elementwise and residual layers.
        rng: unused.
        dtype: ``float64``, or ``float32``, whose bounds are widened by 1e-4.

    Yields:
        Bounds by intervals, then by lines, as batches of regions are done.
    """
    from tiltyard.implementations.lipschitz._jacobian_norms import Recipe, jacobian_bounds

    yield from jacobian_bounds(problem, Recipe(crown=True, linear=True, chords=True), dtype)
