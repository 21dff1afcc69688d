"""Uno's filterSQP: a trust-region SQP with a filter, through unopy (MIT; BQPD inside its wheel).

Vanaret & Leyffer (2024), arXiv:2406.13454; Fletcher & Leyffer (2002) for the method.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._uno import uno
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1007/s101070100244",
    needs={"unopy": "tiltyard[uno]"},
    requires={"gradient": (True,), "jacobian": (True,)},
)
def uno_filtersqp(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-10,
) -> Generator[Answer, None, str]:
    """Solve by Uno's preset filtersqp: exact Hessians in quadratic programs, filter, restoration.

    Args:
        problem: with first derivatives; their structures go to Uno as they are.
        rng: not used.
        tolerance: Uno's ``primal_tolerance`` and ``dual_tolerance``, published 1e-6 in this preset,
            with at most 2000 iterations where here the budget ends a run.

    Yields:
        x after every iteration, with y and z but in the restoration phase.
    """
    return uno(problem, "filtersqp", {"primal_tolerance": tolerance, "dual_tolerance": tolerance})
