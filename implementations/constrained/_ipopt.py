"""What Ipopt and POUNCE, its port, have in common: options, statuses, iterates."""

from __future__ import annotations

from tiltyard.implementations.constrained._peers import FOREVER, Array, Callbacks

MESSAGES = {
    0: "Solve_Succeeded",
    1: "Solved_To_Acceptable_Level",
    2: "Infeasible_Problem_Detected",
    3: "Search_Direction_Becomes_Too_Small",
    4: "Diverging_Iterates",
    6: "Feasible_Point_Found",
    -1: "Maximum_Iterations_Exceeded",
    -2: "Restoration_Failed",
    -3: "Error_In_Step_Computation",
    -10: "Not_Enough_Degrees_Of_Freedom",
    -11: "Invalid_Problem_Definition",
    -13: "Invalid_Number_Detected",
    -102: "Insufficient_Memory",
    -199: "Internal_Error",
}
"""Ipopt's ApplicationReturnStatus, those that can end a run here."""

CLAIMS = {0: "solved", 2: "infeasible"}


class Iterate:
    """The current iterate of Ipopt, or of a port of it, which tells none in its callback.

    Before each callback Ipopt has evaluated the dual infeasibility, hence the Jacobian and, but in
    the restoration phase, the gradient, at the iterate; trial points need neither.
    """

    def __init__(self, calls: Callbacks) -> None:
        self._calls = calls
        self.x = calls.iterate

    def gradient(self, x: Array) -> Array:
        """Return grad f(x)."""
        self.x = x.copy()
        return self._calls.gradient(x)

    def jacobian(self, x: Array) -> Array:
        """Return the Jacobian's values."""
        self.x = x.copy()
        return self._calls.jacobian(x)


def options(tolerance: float, mu_strategy: str) -> dict[str, str | int | float]:
    """Return Ipopt's options."""
    return {
        "print_level": 0,
        "sb": "yes",
        "tol": tolerance,
        "bound_relax_factor": min(tolerance, 1e-8),
        "mu_strategy": mu_strategy,
        "max_iter": FOREVER,
    }
