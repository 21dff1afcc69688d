"""What SciPy's methods have in common."""

from __future__ import annotations

from typing import Any

from tiltyard.implementations.constrained._peers import Callbacks
from tiltyard.suites.constrained.problem import ConstrainedProblem


def minimised(problem: ConstrainedProblem, calls: Callbacks, method: str, **rest: Any) -> Any:
    """Return what ``scipy.optimize.minimize`` does from x0 under the problem's bounds.

    Args:
        problem: the problem; without any bound SciPy is given none, and takes simpler ways.
        calls: whose objective is minimised, and whose report is the default callback.
        method: SciPy's name of it.
        rest: further arguments of ``minimize``.
    """
    from scipy.optimize import Bounds, minimize

    bounds = Bounds(problem.lower, problem.upper) if problem.facts["bounded"] else None
    arguments: dict[str, Any] = {"callback": calls.tell_or_raise, "bounds": bounds, **rest}
    arguments |= {"fun": calls.objective_or_raise, "x0": problem.x0, "method": method}
    return minimize(**arguments)
