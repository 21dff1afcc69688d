"""Ipopt with MUMPS, through ipyopt (BSD-3-Clause; Ipopt itself is EPL-2.0, MUMPS CeCILL-C).

Waechter & Biegler (2006). ipyopt's wheel carries Ipopt and MUMPS.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._ipopt import CLAIMS, MESSAGES, Iterate, options
from tiltyard.implementations.constrained._peers import Array, Callbacks, answers, ended
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1007/s10107-004-0559-y",
    tune={"mu_strategy": ("monotone", "adaptive")},
    needs={"ipyopt": "tiltyard[ipopt]"},
    requires={"gradient": (True,), "jacobian": (True,)},
)
def ipopt(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-10,
    mu_strategy: str = "monotone",
) -> Generator[Answer, None, str]:
    """Solve by Ipopt: a primal-dual barrier method with a filter line search.

    Its convergence test is on the problem as Ipopt scales it; in the problem's own units it asks
    for a violation of 1e-4 alone (``constr_viol_tol``, left as published), so that its "solved" may
    be unsound. Without a Hessian it makes limited-memory approximations.

    Args:
        problem: with first derivatives; their structures go to Ipopt as they are.
        rng: not used.
        tolerance: Ipopt's ``tol``, published default 1e-8, and, where smaller than its published
            1e-8, ``bound_relax_factor``, by which Ipopt moves bounds outwards. Of its other
            options those on printing and NaN differ, and ``max_iter``, published 3000.
        mu_strategy: how the barrier parameter falls: monotone, as published, or adaptive.

    Yields:
        x after every iteration, in the restoration phase too; the final answer has y and z.
    """

    def solve(calls: Callbacks) -> tuple[Answer, str]:
        import ipyopt

        seen = Iterate(calls)
        solver = ipyopt.Problem(
            **_description(problem),
            eval_f=calls.objective,
            eval_grad_f=_into(seen.gradient),
            eval_g=_into(calls.constraints),
            eval_jac_g=_into(seen.jacobian),
            eval_h=_into(calls.hessian) if problem.facts["hessian"] else None,
            intermediate_callback=lambda *_: calls.tell(seen.x),
            # MUMPS may crash on NaN.
            ipopt_options=options(tolerance, mu_strategy) | {"check_derivatives_for_naninf": "yes"},
        )
        y, low, high = np.zeros(problem.m), np.zeros(problem.n), np.zeros(problem.n)
        x, _, status = solver.solve(problem.x0.copy(), mult_g=y, mult_x_L=low, mult_x_U=high)
        message = f"Ipopt: {MESSAGES.get(status, f'status {status}')}"
        return ended((x, y, high - low), CLAIMS.get(status, ""), message)

    return answers(problem, solve)


def _description(problem: ConstrainedProblem) -> dict[str, Any]:
    jacobian, hessian = problem.jacobian_structure, problem.hessian_structure
    return {
        "n": problem.n,
        "x_l": problem.lower,
        "x_u": problem.upper,
        "m": problem.m,
        "g_l": problem.c_lower,
        "g_u": problem.c_upper,
        "sparsity_indices_jac_g": (jacobian.rows, jacobian.columns),
        "sparsity_indices_h": (hessian.rows, hessian.columns),
    }


def _into(function: Callable[..., Array]) -> Callable[..., None]:
    """Return a function that writes its values into its last argument."""

    def write(*arguments: Any) -> None:
        *at, out = arguments
        out[:] = function(*at)

    return write
