"""LipSDP-Neuron: a multiplier for each neuron, by Clarabel, certified in float64.

Fazlyab, Robey, Hassani, Morari & Pappas (2019), arXiv:1906.04893, with diagonal multipliers: those
that couple neurons are not valid (Pauli et al. (2021), arXiv:2005.02929). A solver's optimum is no
bound; that of its multipliers is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._lipsdp import REQUIRES
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:1906.04893",
    requires=REQUIRES,
)
def lipsdp_neuron(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-9,
) -> Iterator[Answer]:
    """Minimise the squared constant over one multiplier for each neuron.

    Args:
        problem: a network of linear, elementwise and residual layers, with l2 norms.
        rng: unused.
        tolerance: Clarabel's gap and feasibility.

    Yields:
        Bounds: first those of all regions by feasible multipliers, then region after region.
    """
    from tiltyard.implementations.lipschitz._lipsdp_conic import bounds_by_clarabel

    yield from bounds_by_clarabel(problem, "neuron", tolerance)
