"""Exact linear programming: the dual of the CVaR linear program, by HiGHS.

Krokhmal, Palmquist & Uryasev (2002), doi:10.21314/JOR.2002.057, state the primal program.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import Unsupported, implementation
from tiltyard.implementations.cvar._tail import tail_risk
from tiltyard.suites.cvar.problem import CVaRProblem

Array = NDArray[np.float64]


@implementation(
    suite="cvar",
    cites="doi:10.21314/JOR.2002.057",
    requires={"loss": ("abs", "pinball", "linear")},
)
def highs_lp(
    problem: CVaRProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    feasibility: float = 1e-9,
) -> Iterator[tuple[Array, float]]:
    """Solve the dual linear program by HiGHS and read w off its multipliers.

    With the scenarios' affine pieces t_j a_j . w + e_j (two for abs and pinball, whose alpha is
    nonnegative; one for linear), the dual is: maximise e . v over 0 <= v_j <= p_j / (1 - beta),
    sum v = 1 (<= 1 with two pieces), sum_j v_j t_j a_j = 0. It has d + 1 rows, where the primal
    has one or two for each scenario: a basis is d + 1 square whatever n is.

    Args:
        problem: one with mu = 0; with mu > 0 it is a quadratic program.
        rng: not used.
        feasibility: HiGHS's primal and dual feasibility tolerance, at least 1e-10.

    Yields:
        The solution once: w, (d,) float64, and alpha, the value at risk at w.
    """
    if problem.mu > 0:
        raise Unsupported("highs_lp takes mu = 0; with mu > 0 the program is quadratic")
    from scipy.optimize import linprog

    problem.count("sample", problem.n)
    result = linprog(
        **_dual(problem),
        method="highs",
        options={
            "primal_feasibility_tolerance": feasibility,
            "dual_feasibility_tolerance": feasibility,
        },
    )
    if result.status != 0:
        raise Unsupported(f"HiGHS found no solution: {result.message}")
    w = _weights(problem, result)
    yield w, tail_risk(problem.losses(w), problem.p, problem.beta)[1]


def _dual(problem: CVaRProblem) -> dict[str, Any]:
    """Return the dual program as keyword arguments of ``linprog``, which minimises.

    On the simplex the inner minimum over w is the least entry of sum_j v_j t_j a_j: one more
    variable, bounded by each entry.
    """
    from scipy.sparse import csc_array, hstack

    cap = problem.p / (1.0 - problem.beta)
    sums = csc_array(problem.A.T)
    if problem.loss == "linear":
        pieces, constants = sums, np.zeros(problem.n)
    else:
        over, under = problem.pinball
        pieces = hstack([over * sums, -under * sums], format="csc")
        constants = np.concatenate([-over * problem.y, under * problem.y])
        cap = np.concatenate([cap, cap])
    one = csc_array(np.ones((1, len(cap))))
    bounds = np.column_stack([np.zeros_like(cap), cap])
    mass = "A_eq" if problem.loss == "linear" else "A_ub"
    if problem.domain == "free":
        return _free(pieces, constants, one, bounds, mass)
    return _simplex(pieces, constants, one, bounds, mass)


def _free(pieces: Any, constants: Array, one: Any, bounds: Array, mass: str) -> dict[str, Any]:
    """Return the program in which sum_j v_j t_j a_j is zero."""
    from scipy.sparse import vstack

    zero = np.zeros(pieces.shape[0])
    program = {"c": -constants, "bounds": bounds}
    if mass == "A_eq":
        return program | {"A_eq": vstack([pieces, one]), "b_eq": np.append(zero, 1.0)}
    return program | {"A_eq": pieces, "b_eq": zero, "A_ub": one, "b_ub": np.ones(1)}


def _simplex(pieces: Any, constants: Array, one: Any, bounds: Array, mass: str) -> dict[str, Any]:
    """Return the program in which the last variable is at most each entry of that sum."""
    from scipy.sparse import block_array, csc_array, hstack, vstack

    d = pieces.shape[0]
    least = block_array([[-pieces, csc_array(np.ones((d, 1)))]], format="csc")
    row = hstack([one, csc_array((1, 1))], format="csc")
    program = {
        "c": np.append(-constants, -1.0),
        "bounds": np.vstack([bounds, [[-np.inf, np.inf]]]),
    }
    if mass == "A_eq":
        return program | {"A_ub": least, "b_ub": np.zeros(d), "A_eq": row, "b_eq": np.ones(1)}
    return program | {"A_ub": vstack([least, row]), "b_ub": np.append(np.zeros(d), 1.0)}


def _weights(problem: CVaRProblem, result: Any) -> Array:
    """Return w, the multipliers of the sum's rows."""
    if problem.domain == "free":
        return np.asarray(result.eqlin.marginals[: problem.d], dtype=np.float64)
    w = np.maximum(-np.asarray(result.ineqlin.marginals[: problem.d]), 0.0)
    return np.asarray(w / w.sum(), dtype=np.float64)
