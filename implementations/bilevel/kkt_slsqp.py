"""The lower level replaced by its KKT conditions, solved as one nonlinear program by SLSQP.

Scholtes (2001), Convergence properties of a regularization scheme for mathematical programs with
complementarity constraints, SIAM J. Optim. 11; Dempe and Franke (2019), Solution of bilevel
optimization problems using the KKT approach, Optimization 68; SLSQP as SciPy has it (BSD-3-Clause).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import from_callback, implementation
from tiltyard.implementations.bilevel._traits import OPTIMISE
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

if TYPE_CHECKING:
    from tiltyard.implementations.bilevel._kkt import Program

Array = NDArray[np.float64]

FEASIBLE = 1e-9
"""Conditions violated by more make the end of a start worse than any that keeps them."""


@implementation(
    suite="bilevel",
    cites="doi:10.1137/S1052623499361233",
    tune={"relaxation": (1e-2, 1e2, "log"), "shrink": (0.01, 0.1, 0.3)},
    requires={**OPTIMISE, "upper_set": ("free", "box")},
)
def kkt_slsqp(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    relaxation: float = 1.0,
    shrink: float = 0.01,
    restarts: int = 20,
    radius: float = 10.0,
) -> Iterator[Answer]:
    """Minimise F over x, y and multipliers subject to the lower level's KKT conditions.

    Complementarity is relaxed to products of at most t, for t = relaxation * shrink^k down to 1e-9
    and then 0, each program from the last one's solution. Where the lower level is not convex, its
    KKT points need not be solutions, and where it has no constraint qualification solutions need
    not be KKT points: the answer is then wrong and the judge says so. Second derivatives of f come
    from dim_y Hessian and cross products, those of constraints that are not linear from central
    differences of their products. The schedule and the restarts are ours.

    Args:
        problem: of at most 200 variables and multipliers; X a box.
        rng: draws the restarts.
        relaxation: t of the first program.
        shrink: factor of t from program to program, in (0, 1).
        restarts: further starts, drawn uniformly from the boxes of x and y; the best end counts.
        radius: those boxes reach this far from the start where there is no bound.
    """
    from tiltyard.implementations.bilevel._kkt import Program

    program = Program(problem)
    x, y = problem.start()
    yield {"x": x, "y": y}
    first = program.start(x.numpy(), y.numpy())
    d = program.dim_x + program.dim_y
    low = np.where(np.isfinite(program.lower[:d]), program.lower[:d], first[:d] - radius)
    high = np.where(np.isfinite(program.upper[:d]), program.upper[:d], first[:d] + radius)

    def solve(report: Callable[[Any], None]) -> Answer:
        u = _stages(program, first, lambda v: report(_answer(program, v)), (relaxation, shrink))
        best = _rank(program, u), u
        for _ in range(restarts):
            drawn = program.start(*np.split(rng.uniform(low, high), [program.dim_x]))
            kept = _answer(program, best[1])
            u = _stages(program, drawn, partial(_tell, report, kept), (relaxation, shrink))
            best = min(best, (_rank(program, u), u), key=lambda pair: pair[0])
        return _answer(program, best[1])

    yield from from_callback(solve)


def _tell(report: Callable[[Any], None], answer: Answer, _: Array) -> None:
    report(answer)


def _stages(
    program: Program, u: Array, report: Callable[[Array], None], schedule: tuple[float, float]
) -> Array:
    """Return where the programs of decreasing relaxation lead from u."""
    program.relaxation, shrink = schedule
    while True:
        if program.relaxation < 1e-9:
            program.relaxation = 0.0
        u = _program(program, u, report)
        if not program.relaxation:
            return u
        program.relaxation *= shrink


def _program(program: Program, u: Array, report: Callable[[Array], None]) -> Array:
    """Return where SLSQP ends at this relaxation; u where a function is not finite."""
    from scipy.optimize import Bounds

    from tiltyard.implementations.bilevel._slsqp import NotFiniteError, Side, slsqp

    sides = (
        Side("eq", program.equal, program.equal_jacobian),
        Side("ineq", program.slack, program.slack_jacobian),
    )
    try:
        return slsqp(
            u,
            (program.objective, program.objective_gradient),
            [side for side in sides if len(side.values(u))],
            Bounds(program.lower, program.upper),
            callback=report,
            options={"ftol": 1e-13, "maxiter": 200},
        )
    except NotFiniteError:
        return u


def _rank(program: Program, u: Array) -> tuple[float, float]:
    """Return what is smaller for a better end: the violation above ``FEASIBLE``, then F."""
    violation = program.violation(u)
    if not math.isfinite(violation):
        return math.inf, math.inf
    return (violation if violation > FEASIBLE else 0.0), program.objective(u)


def _answer(program: Program, u: Array) -> Answer:
    """Return copies of x and y."""
    x, y, _ = np.split(np.array(u), [program.dim_x, program.dim_x + program.dim_y])
    return {"x": x, "y": y}
