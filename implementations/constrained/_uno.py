"""Uno's runs, whatever the preset."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from tiltyard.implementations.constrained._peers import (
    FOREVER,
    Array,
    Callbacks,
    answers,
    ended,
    finite,
)
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem

CLAIMS = {
    "FEASIBLE_KKT_POINT": "solved",
    "INFEASIBLE_STATIONARY_POINT": "infeasible",
    "UNBOUNDED_OBJECTIVE": "unbounded",
}


def uno(
    problem: ConstrainedProblem, preset: str, options: Mapping[str, Any]
) -> Generator[Answer, None, str]:
    """Yield Uno's iterates with their multipliers, and its final answer; return the reason.

    Args:
        problem: with first derivatives; without a Hessian Uno makes L-BFGS approximations.
        preset: the name of a combination of Uno's.
        options: over the preset's.
    """

    def solve(calls: Callbacks) -> tuple[Answer, str]:
        import unopy

        solver = unopy.UnoSolver()
        solver.set_preset(preset)
        silent = {"logger": "SILENT", "print_solution": False, "max_iterations": FOREVER}
        for name, value in {**silent, **options}.items():
            solver.set_option(name, value)

        def accepted(x: Array, low: Array, high: Array, y: Array, scale: float, *_: float) -> None:
            # With slacks and elastic variables behind x. Uno's inner signs are the opposite of
            # ours; in the restoration phase, where f counts nothing, they are of another problem.
            n, m = problem.n, problem.m
            if scale == 1.0:
                calls.tell(x[:n], -y[:m], -(low[:n] + high[:n]))
            else:
                calls.tell(x[:n])

        solver.set_notify_acceptable_iterate_callback(accepted)
        solver.set_termination_callback(lambda *_: calls.error is not None)
        found = solver.optimize(_model(problem, calls))
        low, high = found.lower_bound_dual_solution, found.upper_bound_dual_solution
        made = (found.primal_solution, found.constraint_dual_solution, low + high)
        status, point = found.optimization_status.name, found.solution_status.name
        claim = CLAIMS.get(point, "") if status == "SUCCESS" else ""
        return ended(made, claim, f"Uno: {status}, {point}")

    return answers(problem, solve)


def _model(problem: ConstrainedProblem, calls: Callbacks) -> Any:
    import unopy

    jacobian, hessian = problem.jacobian_structure, problem.hessian_structure
    model = unopy.Model(
        unopy.PROBLEM_NONLINEAR, problem.n, problem.lower, problem.upper, unopy.ZERO_BASED_INDEXING
    )
    model.set_objective(unopy.MINIMIZE, calls.objective, _into(calls.gradient))
    if problem.m:
        model.set_constraints(
            problem.m,
            _into(calls.constraints),
            problem.c_lower,
            problem.c_upper,
            len(jacobian),
            jacobian.rows,
            jacobian.columns,
            _into(calls.jacobian),
        )
    if problem.facts["hessian"]:

        def curvature(x: Array, scale: float, y: Array, out: Array) -> None:
            values = calls.hessian(x, y, scale)
            if calls.error is None:
                values = calls.guard(len(hessian), finite, "Hessian", values)
            # Uno's factorisation does not end on NaN.
            out[:] = values if calls.error is None else 0.0

        model.set_lagrangian_hessian(
            len(hessian), unopy.LOWER_TRIANGLE, hessian.rows, hessian.columns, curvature
        )
    model.set_lagrangian_sign_convention(unopy.MULTIPLIER_POSITIVE)
    model.set_initial_primal_iterate(problem.x0)
    return model


def _into(function: Callable[[Array], Array]) -> Callable[[Array, Array], None]:
    def write(x: Array, out: Array) -> None:
        out[:] = function(x)

    return write
