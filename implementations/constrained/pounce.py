"""POUNCE, a port of Ipopt to Rust, with a linear solver of its own (EPL-2.0)."""

from __future__ import annotations

from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._ipopt import CLAIMS, Iterate, options
from tiltyard.implementations.constrained._peers import Callbacks, answers, ended
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem


@implementation(
    suite="constrained",
    cites="https://github.com/jkitchin/pounce",
    tune={"mu_strategy": ("monotone", "adaptive")},
    needs={"pounce": "tiltyard[pounce]"},
    requires={"gradient": (True,), "jacobian": (True,)},
)
def pounce(
    problem: ConstrainedProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-10,
    mu_strategy: str = "monotone",
) -> Generator[Answer, None, str]:
    """Solve by POUNCE: Ipopt's barrier method, with second opinions where it fails.

    As published, it solves anew, along other trajectories, what it finds infeasible. Without a
    Hessian it makes limited-memory approximations.

    Args:
        problem: with first derivatives; their structures go to POUNCE as they are.
        rng: not used.
        tolerance: as of ``ipopt``, with the same published defaults; violations in the problem's
            own units are tested against 1e-4 alone.
        mu_strategy: how the barrier parameter falls: monotone, as published, or adaptive.

    Yields:
        x after every iteration, in the restoration phase too; the final answer has y and z.
    """

    def solve(calls: Callbacks) -> tuple[Answer, str]:
        import pounce as library

        solver = library.Problem(
            problem.n,
            problem.m,
            _callbacks(problem, calls),
            problem.lower,
            problem.upper,
            problem.c_lower,
            problem.c_upper,
        )
        for name, value in options(tolerance, mu_strategy).items():
            solver.add_option(name, value)
        x, told = solver.solve(problem.x0.copy())
        z = told["mult_x_U"] - told["mult_x_L"]
        claim = CLAIMS.get(told["status"], "")
        return ended((x, told["mult_g"], z), claim, f"POUNCE: {told['status_msg']}")

    return answers(problem, solve)


def _callbacks(problem: ConstrainedProblem, calls: Callbacks) -> SimpleNamespace:
    """Return the object whose attributes POUNCE looks for."""
    seen = Iterate(calls)
    jacobian, hessian = problem.jacobian_structure, problem.hessian_structure

    def intermediate(**_: Any) -> bool:
        return calls.tell(seen.x)

    made = SimpleNamespace(
        objective=calls.objective,
        gradient=seen.gradient,
        constraints=calls.constraints,
        jacobian=seen.jacobian,
        jacobianstructure=lambda: (jacobian.rows, jacobian.columns),
        intermediate=intermediate,
    )
    if problem.facts["hessian"]:
        made.hessian = calls.hessian
        made.hessianstructure = lambda: (hessian.rows, hessian.columns)
    return made
