"""COBYQA, a derivative-free trust-region SQP, as SciPy has it (BSD-3-Clause).

Ragonneau (2022), doctoral thesis, Hong Kong Polytechnic University.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import Unsupported, implementation
from tiltyard.implementations.constrained._peers import (
    FOREVER,
    Callbacks,
    answers,
    ended,
)
from tiltyard.implementations.constrained._scipy import minimised
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem

MOST_VARIABLES = 5


@implementation(suite="constrained", cites="https://theses.lib.polyu.edu.hk/handle/200/12294")
def cobyqa(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-10,
) -> Generator[Answer, None, str]:
    """Solve by COBYQA: quadratic models of f and c from their values alone.

    Args:
        problem: with at most five variables; with more it takes minutes a problem.
        rng: not used.
        tolerance: the radius of the trust region at which it ends, and the violation it takes for
            none; published defaults 1e-6 and 1e-8, with at most 500 n evaluations where here the
            budget ends a run.

    Yields:
        The best x so far after every iteration; no multipliers.
    """
    if problem.n > MOST_VARIABLES:
        raise Unsupported(f"COBYQA is run up to n = {MOST_VARIABLES}, not n = {problem.n}")

    def solve(calls: Callbacks) -> tuple[Answer, str]:
        from scipy.optimize import NonlinearConstraint

        calls.patience = FOREVER  # its best x stays while it improves its models
        bounded = (problem.c_lower, problem.c_upper)
        result = minimised(
            problem,
            calls,
            "COBYQA",
            constraints=NonlinearConstraint(calls.constraints_or_raise, *bounded)
            if problem.m
            else (),
            options={
                "final_tr_radius": tolerance,
                "feasibility_tol": tolerance,
                "maxfev": FOREVER,
                "maxiter": FOREVER,
            },
        )
        claim = "solved" if result.success else ""
        return ended((result.x, None, None), claim, f"COBYQA: {result.message}")

    return answers(problem, solve)
