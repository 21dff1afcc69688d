"""Uno's imitation of Ipopt: a barrier method with a filter line search, through unopy (MIT).

Vanaret & Leyffer (2024), arXiv:2406.13454. Its wheel carries MUMPS (CeCILL-C).
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._uno import uno
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem


@implementation(
    suite="constrained",
    cites="arXiv:2406.13454",
    needs={"unopy": "tiltyard[uno]"},
    requires={"gradient": (True,), "jacobian": (True,)},
)
def uno_ipopt(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-10,
) -> Generator[Answer, None, str]:
    """Solve by Uno's preset ipopt: the strategies of Ipopt, put together from Uno's parts.

    Args:
        problem: with first derivatives; their structures go to Uno as they are.
        rng: not used.
        tolerance: Uno's ``primal_tolerance`` and ``dual_tolerance``, published 1e-8, and, where
            smaller than its published 1e-8, ``bound_relaxation_factor``, by which bounds are moved
            outwards; with at most 2000 iterations where here the budget ends a run.

    Yields:
        x after every iteration, with y and z but in the restoration phase.
    """
    return uno(
        problem,
        "ipopt",
        {
            "primal_tolerance": tolerance,
            "dual_tolerance": tolerance,
            "bound_relaxation_factor": min(tolerance, 1e-8),
        },
    )
