"""LipSDP for sorting and reflecting networks, by quadratic constraints of Pauli et al. (2024)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._sorting_lure import bounds, programs, sorting
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2401.14033",
    requires={
        "architecture": ("chain",),
        "activation": ("groupsort", "householder", "mixed", "none"),
        "norm": ("l2", "linf"),
        "region": ("global",),
    },
)
def lipsdp_nsr(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-9,
) -> Iterator[Answer]:
    """Minimise the bound over one multiplier for each sorted group or reflected pair.

    A group's differences obey |dz|^2 <= |dv|^2 and keep their sum: theorems 1 and 2 of the paper
    for ``l2`` and ``linf``. The semidefinite program is solved along its central path; every bound
    is proved in float64 from the multipliers alone.

    Args:
        problem: a chain of linear layers, GroupSort and Householder layers.
        rng: not used.
        tolerance: relative distance from the program's optimum at which to end.

    Yields:
        ``upper``, (1,) float64.

    Raises:
        Unsupported: naming an elementwise activation.
    """
    for upper in bounds(programs(problem.chain, problem.norm, sorting), tolerance):
        yield {"upper": np.full(problem.shape, upper)}
