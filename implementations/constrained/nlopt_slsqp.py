"""Kraft's sequential least squares programming, as NLopt has it (nlopt: MIT; SLSQP BSD-3-Clause).

Kraft (1994), TOMP; Johnson, The NLopt nonlinear-optimization package.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._peers import (
    Array,
    Callbacks,
    answer,
    answers,
    ended,
    finite,
    refuse_large,
)
from tiltyard.implementations.constrained._sides import Sides
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1145/192115.192124",
    needs={"nlopt": "tiltyard[nlopt]"},
    requires={"gradient": (True,), "jacobian": (True,)},
)
def nlopt_slsqp(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-13,
) -> Generator[Answer, None, str]:
    """Solve by NLopt's LD_SLSQP, whose line search differs from SciPy's.

    Args:
        problem: with first derivatives; n and m up to 500, since its matrices are dense.
        rng: not used.
        tolerance: NLopt's ``xtol_rel`` and the violation of a constraint that it takes for none;
            by default NLopt tests neither. With 1e-10 KKT residuals up to 1e-6 are left.

    Yields:
        x wherever NLopt asks for the gradient of f: it has no other callback. No multipliers.
    """
    refuse_large(problem, "SLSQP")

    def solve(calls: Callbacks) -> tuple[Answer, str]:
        import nlopt

        solver = nlopt.opt(nlopt.LD_SLSQP, problem.n)
        solver.set_min_objective(_objective(problem, calls))
        solver.set_lower_bounds(problem.lower)
        solver.set_upper_bounds(problem.upper)
        solver.set_xtol_rel(tolerance)
        # NLopt's least squares do not end on NaN.
        sides = Sides(
            problem,
            lambda x: finite("constraints", problem.constraints(x)),
            lambda x: finite("Jacobian", problem.jacobian(x)),
        )
        _constrain(solver, sides, tolerance)
        try:
            x = solver.optimize(np.clip(problem.x0, problem.lower, problem.upper))
        except (nlopt.RoundoffLimited, RuntimeError) as error:
            return answer(calls.iterate), f"NLopt: {error}"
        return ended((x, None, None), "solved", "")

    return answers(problem, solve)


def _objective(problem: ConstrainedProblem, calls: Callbacks) -> Callable[[Array, Array], float]:
    def objective(x: Array, gradient: Array) -> float:
        value = calls.objective_or_raise(x)
        if gradient.size:
            calls.tell_or_raise(x)
            gradient[:] = finite("gradient", problem.gradient(x))
        return value

    return objective


def _constrain(solver: Any, sides: Sides, tolerance: float) -> None:
    """Give NLopt the equations and, as values that may not be positive, the inequalities."""

    def equations(values: Array, x: Array, gradient: Array) -> None:
        values[:] = sides.equations(x)
        if gradient.size:
            gradient[:] = sides.equations_jacobian(x)

    def inequalities(values: Array, x: Array, gradient: Array) -> None:
        values[:] = -sides.slacks(x)
        if gradient.size:
            gradient[:] = -sides.slacks_jacobian(x)

    if len(sides.equal):
        solver.add_equality_mconstraint(equations, np.full(len(sides.equal), tolerance))
    if sides.inequalities:
        solver.add_inequality_mconstraint(inequalities, np.full(sides.inequalities, tolerance))
