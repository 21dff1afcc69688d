"""LipSDP by a barrier method of our own that works in the multipliers alone.

The semidefinite program of Fazlyab et al. (2019), arXiv:1906.04893, with diagonal multipliers, to
the accuracy of an interior-point method at O(N^3) a step, N the inputs and neurons together. Every
iterate is feasible, and so a bound.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._lipsdp import REQUIRES
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

LARGEST = 4500
"""Columns of the LMI: a step holds about ten matrices of that side, 160 MB each."""


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:1906.04893",
    requires=REQUIRES,
)
def lipsdp_barrier(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    multipliers: str = "neuron",
    tolerance: float = 1e-8,
) -> Iterator[Answer]:
    """Follow the central path of LipSDP; each point on it is certified in float64.

    Args:
        problem: a network of linear, elementwise and residual layers, with l2 norms.
        rng: unused.
        multipliers: one for each ``neuron``, or for each ``layer``.
        tolerance: the relative gap of the squared bound at which to end.

    Yields:
        Bounds: first those of all regions by feasible multipliers, then better and better ones,
        the regions in turn.
    """
    from tiltyard.implementations.lipschitz._lipsdp import bounds
    from tiltyard.implementations.lipschitz._lipsdp_barrier import central_path

    yield from bounds(
        problem,
        lambda form, basis, theta: central_path(form, basis, theta, tolerance),
        multipliers,
        LARGEST,
        "the method holds dense matrices of that side",
    )
