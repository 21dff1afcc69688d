"""Exact conic and quadratic programming by Clarabel, an interior-point solver.

Goulart & Chen (2024), arXiv:2405.12762.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import implementation
from tiltyard.implementations.cvar._tail import tail_risk
from tiltyard.suites.cvar.problem import CVaRProblem

Array = NDArray[np.float64]


@implementation(suite="cvar", cites="arXiv:2405.12762")
def clarabel_conic(
    problem: CVaRProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    gap: float = 1e-10,
    feasibility: float = 1e-10,
    iterations: int = 200,
) -> Iterator[tuple[Array, float]]:
    """Minimise alpha + sum_i p_i u_i / (1 - beta) + mu/2 ||w||^2 over u >= 0, alpha + u >= loss.

    Each loss bound is a cone constraint: linear for abs, pinball and linear, one second-order
    cone a scenario for sq, two exponential cones a scenario for logistic.

    Args:
        problem: any loss, mu and domain.
        rng: not used.
        gap: absolute and relative duality gap at which Clarabel ends.
        feasibility: its primal and dual feasibility tolerance.
        iterations: its limit.

    Yields:
        The final point once: w, (d,) float64, and alpha, the value at risk at w. It is what
        Clarabel holds at its end, whatever its status.
    """
    import clarabel

    problem.count("sample", problem.n)
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_iter = iterations
    # In _scaled units Clarabel's own equilibration doubles the iterations, but for the simplex's
    # sum, whose entries are of another size.
    settings.equilibrate_enable = problem.domain == "simplex"
    settings.tol_gap_rel = gap
    settings.tol_gap_abs = gap * problem.n
    settings.tol_feas = feasibility
    scaled, unit, ridge = _scaled(problem)
    solver = clarabel.DefaultSolver(*_program(scaled, unit, ridge), settings)
    w = unit * np.asarray(solver.solve().x[: problem.d], dtype=np.float64)
    if problem.domain == "simplex":
        w = np.maximum(w, 0.0)
        w = w / w.sum()
    yield w, tail_risk(problem.losses(w), problem.p, problem.beta)[1]


def _scaled(problem: CVaRProblem) -> tuple[CVaRProblem, Array, Array]:
    """Return the problem in w / unit with columns of A and y of unit size, unit and ridge, (d,).

    In place of mu/2 ||w||^2 its objective has half the squares of its variables times ridge.
    """
    columns = np.sqrt(np.mean(problem.A**2, axis=0))
    columns[columns == 0] = 1.0
    if problem.domain == "simplex":
        columns[:] = np.sqrt(np.mean(columns**2))
    size = float(np.sqrt(np.mean(problem.y**2))) or 1.0
    if problem.loss in ("logistic", "linear"):
        size = 1.0
    scaled = dataclasses.replace(problem, A=problem.A / columns, y=problem.y / size)
    unit = size / columns
    loss_unit = size**2 if problem.loss == "sq" else size
    return scaled, unit, problem.mu * unit**2 / loss_unit


def _program(problem: CVaRProblem, unit: Array, ridge: Array) -> tuple[Any, ...]:
    """Return Clarabel's P, q, A, b and cones for what ``_scaled`` returns.

    The variables are (w, alpha, u, extra); the objective is multiplied by n.
    """
    import clarabel
    from scipy.sparse import csc_array, csc_matrix, eye_array, hstack, vstack

    n, d = problem.n, problem.d
    bound, offset, cones, extra = _loss_bound(problem)
    nonnegative: Any = hstack([csc_array((n, d + 1)), -eye_array(n), csc_array((n, extra))])
    blocks: list[Any] = [bound, nonnegative]
    offsets = [offset, np.zeros(n)]
    cones = [*cones, clarabel.NonnegativeConeT(n)]
    if problem.domain == "simplex":
        rest: Any = csc_array((d, 1 + n + extra))
        blocks += [hstack([-eye_array(d), rest]), hstack([csc_array(unit[None, :]), rest[:1]])]
        offsets += [np.zeros(d), np.ones(1)]
        cones += [clarabel.NonnegativeConeT(d), clarabel.ZeroConeT(1)]
    every = np.arange(d)
    size = d + 1 + n + extra
    quadratic = csc_matrix((n * ridge, (every, every)), (size, size))
    linear = np.zeros(size)
    linear[d] = n
    linear[d + 1 : d + 1 + n] = n * problem.p / (1.0 - problem.beta)
    rows = csc_matrix(vstack(blocks, format="csc"))
    return quadratic, linear, rows, np.concatenate(offsets), cones


def _loss_bound(problem: CVaRProblem) -> tuple[Any, Array, list[Any], int]:
    """Return the rows, right-hand side and cones of loss <= alpha + u, and the extra variables."""
    if problem.loss == "sq":
        return _square_bound(problem)
    if problem.loss == "logistic":
        return _logistic_bound(problem)
    return _affine_bound(problem)


def _affine_bound(problem: CVaRProblem) -> tuple[Any, Array, list[Any], int]:
    """Return each affine piece <= alpha + u as nonnegative slacks."""
    import clarabel
    from scipy.sparse import csc_array, eye_array, hstack, vstack

    n, a = problem.n, csc_array(problem.A)
    minus = [csc_array(-np.ones((n, 1))), -eye_array(n)]
    if problem.loss == "linear":
        return hstack([a, *minus]), np.zeros(n), [clarabel.NonnegativeConeT(n)], 0
    over, under = problem.pinball
    rows = vstack([hstack([over * a, *minus]), hstack([-under * a, *minus])])
    right = np.concatenate([over * problem.y, -under * problem.y])
    return rows, right, [clarabel.NonnegativeConeT(2 * n)], 0


def _square_bound(problem: CVaRProblem) -> tuple[Any, Array, list[Any], int]:
    """Return r^2/2 <= t = alpha + u as the second-order cone (t + 1/2, t - 1/2, r)."""
    import clarabel
    from scipy.sparse import csc_array, eye_array, hstack

    n, d = problem.n, problem.d
    every = np.arange(n)
    # The slack b - A x of scenario i is rows 3i, 3i+1, 3i+2.
    place = [csc_array((np.ones(n), (3 * every + k, every)), (3 * n, n)) for k in range(3)]
    t = hstack([csc_array((n, d)), csc_array(np.ones((n, 1))), eye_array(n)], format="csc")
    r = hstack([csc_array(problem.A), csc_array((n, 1 + n))], format="csc")
    rows = -(place[0] @ t + place[1] @ t + place[2] @ r)
    right = np.column_stack([np.full(n, 0.5), np.full(n, -0.5), -problem.y]).ravel()
    return rows, right, [clarabel.SecondOrderConeT(3)] * n, 0


def _logistic_bound(problem: CVaRProblem) -> tuple[Any, Array, list[Any], int]:
    """Return log(1 + exp(-y z)) <= t = alpha + u as exp(-y z - t) + exp(-t) <= 1.

    Clarabel's exponential cone is {(a, b, c): b exp(a / b) <= c}; the extra variables are the two
    values of c for each scenario.
    """
    import clarabel
    from scipy.sparse import csc_array, eye_array, hstack, vstack

    n, d = problem.n, problem.d
    every = np.arange(n)
    place = [csc_array((np.ones(n), (3 * every + k, every)), (3 * n, n)) for k in (0, 2)]
    t = [csc_array(np.ones((n, 1))), eye_array(n)]
    none, one = csc_array((n, n)), eye_array(n)
    margin = csc_array(problem.A * problem.y[:, None])
    first = place[0] @ hstack([margin, *t, none, none]) - place[1] @ hstack(
        [csc_array((n, d + 1)), none, one, none]
    )
    second = place[0] @ hstack([csc_array((n, d)), *t, none, none]) - place[1] @ hstack(
        [csc_array((n, d + 1)), none, none, one]
    )
    total = hstack([csc_array((n, d + 1)), none, one, one])
    unit = np.tile([0.0, 1.0, 0.0], 2 * n)
    cones = [clarabel.ExponentialConeT()] * (2 * n) + [clarabel.NonnegativeConeT(n)]
    return vstack([first, second, total]), np.concatenate([unit, np.ones(n)]), cones, 2 * n
