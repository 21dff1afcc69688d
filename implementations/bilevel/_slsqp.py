"""Kraft's SLSQP as SciPy has it (BSD-3-Clause), made to end where a function is not finite."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, minimize

Array = NDArray[np.float64]
Function = Callable[[Array], Any]


_DEPENDENT = 6
"""SLSQP's status where equations are linearly dependent, which its subproblem cannot bear."""


class NotFiniteError(Exception):
    """A function has a value or derivative that is not finite."""


@dataclass(frozen=True, slots=True)
class Side:
    """Constraints of one kind.

    Attributes:
        kind: ``eq`` (= 0) or ``ineq`` (>= 0).
        values: of u, (rows,).
        jacobian: of u, (rows, n).
    """

    kind: Literal["eq", "ineq"]
    values: Function
    jacobian: Function


def slsqp(
    start: Array,
    objective: tuple[Function, Function],
    sides: Sequence[Side],
    bounds: Bounds[Any, Any],
    **rest: Any,
) -> Array:
    """Return where SLSQP ends, inside the bounds.

    Where equations are dependent, it starts again with each as two inequalities.

    Args:
        start: (n,).
        objective: a function and its gradient.
        sides: constraints, none of them empty.
        bounds: of the variables.
        rest: ``callback`` and ``options`` of ``scipy.optimize.minimize``.

    Raises:
        NotFiniteError: a function is not finite where SLSQP asks for it; it does not end on NaN.
    """
    fun, jac = objective
    arguments: dict[str, Any] = {
        "fun": _finite(fun),
        "x0": start,
        "jac": _finite(jac),
        "method": "SLSQP",
        "bounds": bounds,
        **rest,
    }
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # It warns where rounding takes it out of its bounds.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = minimize(**arguments, **_told(sides))
        if result.status == _DEPENDENT:
            pairs = [one for side in sides for one in _pair(side)]
            result = minimize(**arguments, **_told(pairs))
        end: Array = np.clip(result.x, bounds.lb, bounds.ub)
    if not np.isfinite(end).all():
        raise NotFiniteError
    return end


def _told(sides: Sequence[Side]) -> dict[str, Any]:
    return {
        "constraints": [
            {"type": side.kind, "fun": _finite(side.values), "jac": _finite(side.jacobian)}
            for side in sides
        ]
    }


def _pair(side: Side) -> tuple[Side, ...]:
    """Return equations as inequalities both ways."""
    if side.kind == "ineq":
        return (side,)
    negative = Side("ineq", lambda u: -side.values(u), lambda u: -side.jacobian(u))
    return Side("ineq", side.values, side.jacobian), negative


def _finite(function: Function) -> Function:
    def checked(u: Array) -> Any:
        values = function(u)
        if not np.isfinite(values).all():
            raise NotFiniteError
        return values

    return checked
