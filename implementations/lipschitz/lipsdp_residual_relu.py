"""LipSDP of a MaxMin network that is rewritten by ReLUs: what LipSDP-NSR is compared with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._sorting_lure import bounds, programs, residual_relu
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2401.14033",
    requires={
        "architecture": ("chain",),
        "activation": ("groupsort", "none"),
        "norm": ("l2", "linf"),
        "region": ("global",),
    },
)
def lipsdp_residual_relu(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-9,
) -> Iterator[Answer]:
    """Minimise the bound over one multiplier for each ReLU of max(a, b) = b + relu(a - b).

    Section 3 of Pauli et al. (2024): with min(a, b) = b - relu(b - a) a pair takes two ReLUs, and
    that one is the other's negative part is lost. MaxMin alone gets sqrt(2).

    Args:
        problem: a chain of linear and MaxMin layers.
        rng: not used.
        tolerance: relative distance from the program's optimum at which to end.

    Yields:
        ``upper``, (1,) float64.

    Raises:
        Unsupported: a group of more than two.
    """
    for upper in bounds(programs(problem.chain, problem.norm, residual_relu), tolerance):
        yield {"upper": np.full(problem.shape, upper)}
