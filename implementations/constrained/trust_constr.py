"""SciPy's trust-region methods for constraints (BSD-3-Clause).

Byrd, Hribar & Nocedal (1999), an interior point algorithm; Lalee, Nocedal & Plantenga (1998) where
all constraints are equations.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._peers import (
    FOREVER,
    Array,
    Callbacks,
    answers,
    ended,
    finite,
)
from tiltyard.implementations.constrained._scipy import minimised
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1137/S1052623497325107",
    requires={"gradient": (True,), "jacobian": (True,)},
)
def trust_constr(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-10,
) -> Generator[Answer, None, str]:
    """Solve by trust-constr: a trust-region SQP, inside a barrier where there are inequalities.

    SciPy ends once the Lagrangian's gradient and the violation are below ``gtol``, however large
    the barrier parameter still is, which leaves complementarities of 1e-5; here it has to be below
    the tolerance, too. SciPy asks for the Hessians of f and of c apart: each charges ``H``. Without
    a Hessian it makes BFGS approximations.

    Args:
        problem: with first derivatives; matrices are sparse if the problem is.
        rng: not used.
        tolerance: SciPy's ``gtol``, ``xtol`` and ``barrier_tol``; published default 1e-8, with at
            most 1000 iterations where here the budget ends a run.

    Yields:
        x with its multipliers y and z after every iteration.
    """

    def solve(calls: Callbacks) -> tuple[Answer, str]:
        converged = False

        def callback(x: Array, state: Any) -> bool:
            nonlocal converged
            calls.tell_or_raise(x, *_multipliers(problem, state))
            worst = max(state.optimality, state.constr_violation, _barrier(state))
            converged = bool(worst <= tolerance)
            return converged

        result = minimised(
            problem,
            calls,
            "trust-constr",
            jac=lambda x: finite("gradient", problem.gradient(x)),
            hess=_objective_hessian(problem),
            constraints=_constraints(problem, calls),
            callback=callback,
            options={
                "gtol": 0.0,  # the callback's is the test
                "xtol": tolerance,
                "barrier_tol": tolerance,
                "maxiter": FOREVER,
            },
        )
        # SciPy's own message is of the test that the callback replaces.
        message = (
            f"trust-constr: the trust region vanished at optimality {result.optimality:.1e}, "
            f"violation {result.constr_violation:.1e}"
        )
        claim = "solved" if converged else ""
        return ended((result.x, *_multipliers(problem, result)), claim, message)

    return answers(problem, solve)


def _barrier(state: Any) -> float:
    """Return the barrier parameter, zero where there is no barrier."""
    return float(state.get("barrier_parameter", 0.0))


def _multipliers(problem: ConstrainedProblem, state: Any) -> tuple[Array, Array]:
    """Return y and z from SciPy's list, which is of our signs: the constraints', then bounds'."""
    lists = [np.asarray(v, dtype=np.float64).ravel() for v in state.v]
    y = lists[0] if problem.m else np.zeros(0)
    return y, lists[-1] if problem.facts["bounded"] else np.zeros(problem.n)


def _constraints(problem: ConstrainedProblem, calls: Callbacks) -> Any:
    from scipy.optimize import BFGS, NonlinearConstraint

    if problem.m == 0:
        return ()
    begun = False

    def values(x: Array) -> Array:
        nonlocal begun
        c = calls.constraints_or_raise(x)
        c, begun = c if begun else finite("constraints at the start", c), True
        return c

    jacobian = problem.jacobian_sparse if problem.facts["sparse"] else problem.jacobian
    curvature = _curvature(problem)
    hessian: Any = BFGS() if curvature is None else lambda x, y: curvature(x, y, 0.0)
    return NonlinearConstraint(
        values,
        problem.c_lower,
        problem.c_upper,
        jac=lambda x: finite("Jacobian", jacobian(x)),
        hess=hessian,
    )


def _objective_hessian(problem: ConstrainedProblem) -> Any:
    from scipy.optimize import BFGS

    curvature, zero = _curvature(problem), np.zeros(problem.m)
    return BFGS() if curvature is None else lambda x: curvature(x, zero, 1.0)


def _curvature(problem: ConstrainedProblem) -> Callable[[Array, Array, float], Any] | None:
    if not problem.facts["hessian"]:
        return None
    hessian = problem.hessian_sparse if problem.facts["sparse"] else problem.hessian
    return lambda x, y, scale: finite("Hessian", hessian(x, y, scale))
