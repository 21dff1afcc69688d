"""Bound-constrained augmented Lagrangian method, by products with J and the Hessian alone.

Andreani, Birgin, Martínez & Schuverdt, On augmented Lagrangian methods with general lower-level
constraints (2007), doi:10.1137/060654797, with inner tolerances that tighten from one multiplier
update to the next as in Conn, Gould & Toint (1991), doi:10.1137/0728030.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.suites.constrained.problem import ConstrainedProblem

LARGEST_Y = 1e16
"""Multipliers are kept within it (safeguard)."""

LARGEST_RHO = 1e12
"""The penalty at which the method gives up."""

UNBOUNDED = -1e15


@implementation(
    suite="constrained",
    cites="doi:10.1137/060654797",
    tune={
        "gamma": (2.0, 100.0, "log"),
        "tau": (0.1, 0.9, "linear"),
        "inner": ("lbfgs", "newton_cg"),
    },
    devices=("cpu", "cuda"),
    requires={"gradient": (True,), "jacobian": (True,)},
)
def augmented_lagrangian(
    problem: ConstrainedProblem,
    rng: np.random.Generator,
    *,
    inner: str = "newton_cg",
    tolerance: float = 1e-9,
    tau: float = 0.5,
    gamma: float = 10.0,
    first: float = 1e-1,
    shrink: float = 0.1,
    inner_iterations: int = 500,
    iterations: int = 100,
) -> Generator[dict[str, Any], None, str]:
    """Minimise the augmented Lagrangian within the bounds, then update multipliers or penalty.

    Args:
        problem: any; its Hessian is needed for ``newton_cg`` alone.
        rng: not used.
        inner: ``lbfgs`` or ``newton_cg``; without a Hessian ``lbfgs`` takes its place.
        tolerance: of the projected gradient and the violation, in the judge's scale.
        tau: the penalty grows unless the violation falls to this part,
        gamma: by this factor.
        first: the first inner tolerance,
        shrink: and its factor from one update to the next.
        inner_iterations: the limit of each inner solve.
        iterations: the limit of updates.

    Yields:
        x, y and z at each inner iteration.

    Returns:
        Why it ended without a solution.
    """
    from tiltyard.implementations.constrained._augmented_lagrangian import (
        AugmentedLagrangian,
        largest,
    )
    from tiltyard.implementations.constrained._bound_solvers import Inner, lbfgs, newton_cg

    del rng
    function = AugmentedLagrangian(problem)
    solve = newton_cg if inner == "newton_cg" and problem.facts["hessian"] else lbfgs
    x = function.project(function.array(problem.x0))
    point = Inner.at(function, x)
    if not np.isfinite(point.value + float(abs(point.slope).sum())):
        yield {"x": x}
        return "the functions are not finite at the start"
    off = function.violation(point.c)
    squares = max(float(off @ off), 1e-12)
    f = float(problem.objective(x))
    function.rho = min(max(2.0 * abs(f) / squares, 1e-6), 10.0)
    omega, violation = first, float("inf")
    for _ in range(iterations):
        point = Inner.at(function, point.x)
        for point in solve(function, point, omega, inner_iterations):  # noqa: B020 - goes on from it
            yield _answer(function, point)
            if point.value < UNBOUNDED and largest(function.violation(point.c)) <= 1e-6:
                yield {**_answer(function, point), "claim": "unbounded"}
                return "the objective is unbounded below"
        # Rows are stationary together with their multipliers: max(violation, complementarity).
        y = function.multipliers(point.c)
        progress = largest((y - function.y) / function.rho)
        if progress <= tolerance and point.error(function) <= tolerance:
            yield {**_answer(function, point), "claim": "solved"}
            return ""
        function.y = function.xp.clip(y, -LARGEST_Y, LARGEST_Y)
        if progress > tau * violation:
            function.rho *= gamma
            if function.rho > LARGEST_RHO:
                yield _answer(function, point)
                return "the penalty grew out of hand"
        violation = progress
        omega = max(0.1 * tolerance, shrink * omega)
    yield _answer(function, point)
    return "the limit of updates"


def _answer(function: Any, point: Any) -> dict[str, Any]:
    """Return x with its multipliers; those of bounds balance the gradient where they hold."""
    stuck = 1.0 - function.free(point.x, point.slope)
    return {"x": point.x, "y": function.multipliers(point.c), "z": -stuck * point.slope}
