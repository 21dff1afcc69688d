"""Kraft's sequential least squares programming, as SciPy has it (BSD-3-Clause).

Kraft (1988), A software package for sequential quadratic programming, DFVLR-FB 88-28.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._peers import (
    FOREVER,
    Array,
    Callbacks,
    answers,
    ended,
    refuse_large,
)
from tiltyard.implementations.constrained._scipy import minimised
from tiltyard.implementations.constrained._sides import Sides
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1145/192115.192124",
    requires={"gradient": (True,), "jacobian": (True,)},
)
def slsqp(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-13,
) -> Generator[Answer, None, str]:
    """Solve by SLSQP: BFGS approximations, a least-squares subproblem, an l1 line search.

    Args:
        problem: with first derivatives; n and m up to 500, since its matrices are dense.
        rng: not used.
        tolerance: SciPy's ``ftol``, on the change of f and the violation; published default 1e-6,
            with at most 100 iterations where here the budget ends a run. f is flat at a solution:
            1e-10 leaves KKT residuals up to 1e-6.

    Yields:
        x after every iteration. The final answer has SLSQP's multipliers y, and z from them.
    """
    refuse_large(problem, "SLSQP")

    def solve(calls: Callbacks) -> tuple[Answer, str]:
        sides = Sides(problem, problem.constraints, problem.jacobian)
        result = minimised(
            problem,
            calls,
            "SLSQP",
            jac=problem.gradient,
            constraints=_constraints(sides),
            options={"ftol": tolerance, "maxiter": FOREVER},
        )
        y, z = _multipliers(problem, sides, result)
        claim = "solved" if result.success else ""
        return ended((result.x, y, z), claim, f"SLSQP: {result.message}")

    return answers(problem, solve)


def _constraints(sides: Sides) -> list[dict[str, Any]]:
    """Return the constraints as ``minimize`` wants them for this method."""
    pairs = (
        ("eq", sides.equations, sides.equations_jacobian, len(sides.equal)),
        ("ineq", sides.slacks, sides.slacks_jacobian, sides.inequalities),
    )
    return [{"type": kind, "fun": fun, "jac": jac} for kind, fun, jac, size in pairs if size]


def _multipliers(
    problem: ConstrainedProblem, sides: Sides, result: Any
) -> tuple[Array | None, Array | None]:
    """Return y, and z as what stationarity leaves at active bounds; SLSQP tells none of z."""
    x, told = result.x, getattr(result, "multipliers", None)  # since SciPy 1.16
    if told is None:
        return None, None
    y = sides.multipliers(told[: len(sides.equal)], told[len(sides.equal) :])
    rest = -np.asarray(result.jac) - (sides.pulled(x, y) if problem.m else 0.0)
    slack = 1e-9 * np.maximum(1.0, np.abs(x))
    high = np.where(x >= problem.upper - slack, np.maximum(rest, 0.0), 0.0)
    low = np.where(x <= problem.lower + slack, np.minimum(rest, 0.0), 0.0)
    return y, high + low
