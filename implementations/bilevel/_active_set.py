"""The hypergradient at a constrained lower level by its active set, and its representatives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem

UNDECIDED = 3
"""Of at most so many constraints that may or may not be active every subset has a gradient."""

RESIDUAL = 1e-10
"""Where conjugate gradients end, relative to the right-hand side."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Constraints at a point: g, then -y + lower <= 0 and y - upper <= 0 where bounds are finite.

    Attributes:
        values: (m,).
        of_y: (m, dim_y) derivatives.
        equations: how many of them, the first, are equations.
        own: how many of them, the first, are g.
    """

    values: Tensor
    of_y: Tensor
    equations: int
    own: int


def rows_at(problem: BilevelProblem, x: Tensor, y: Tensor) -> Rows:
    """Return the constraints at (x, y); charges g, and a g_product for each of them."""
    low, high = problem.y_bounds
    g, unit = problem.constraints(x, y), torch.eye(len(y), dtype=y.dtype, device=y.device)
    below, above = low.isfinite(), high.isfinite()
    own = [
        problem.constraint_products(x, y, one)[1]
        for one in torch.eye(len(g), dtype=y.dtype, device=y.device)
    ]
    return Rows(
        torch.cat((g, (low - y)[below], (y - high)[above])),
        torch.cat((*(row[None] for row in own), -unit[below], unit[above])),
        int(problem.facts["equations"]),
        len(g),
    )


def undecided(rows: Rows, slope: Tensor, tolerance: float) -> tuple[list[int], list[int]]:
    """Return the constraints that are active for sure, and those that may be.

    Multipliers are least squares for slope + sum of multipliers times rows = 0 over all rows within
    the tolerance; an inequality is sure where its multiplier is above the tolerance too.

    Args:
        rows: the constraints at the lower level's solution.
        slope: (dim_y,), f_y there.
        tolerance: absolute for values, relative to the largest multiplier for these.
    """
    near = [
        i
        for i in range(len(rows.values))
        if i < rows.equations or float(rows.values[i]) >= -tolerance
    ]
    if not near:
        return [], []
    found = torch.linalg.lstsq(rows.of_y[near].T, -slope[:, None], driver="gelsd").solution[:, 0]
    least = tolerance * max(1.0, float(found.abs().max()))
    sure = [
        i
        for i, multiplier in zip(near, found.tolist(), strict=True)
        if i < rows.equations or multiplier > least
    ]
    return sure, [i for i in near if i not in sure]


def gradient(
    problem: BilevelProblem, point: tuple[Tensor, Tensor], rows: Rows, active: list[int]
) -> Tensor:
    """Return the gradient of F(x, y(x)) with exactly these constraints held at zero.

    With A the active rows' derivatives in y, H = d2f/dy2 and u, w from H u + A'w = F_y, A u = 0:
    F_x - f_xy u - B'w, B the derivatives in x. Linear constraints bend neither. Conjugate gradients
    in the null space of A find u. Charges F_x, F_y, cross, g_product and an hvp an iteration.
    """
    x, y = point
    upper_x, upper_y = problem.upper_gradients(x, y)
    A = rows.of_y[active]
    Q = _orthonormal(A)

    def flat(v: Tensor) -> Tensor:
        return v - Q.T @ (Q @ v)

    u = _solve(lambda v: flat(problem.hessian_product(x, y, v)), flat(upper_y))
    result = upper_x - problem.cross_product(x, y, u)
    own = [i for i in active if i < rows.own]
    if own:
        left = upper_y - problem.hessian_product(x, y, u)
        w = torch.linalg.lstsq(A.T, left[:, None], driver="gelsd").solution[:, 0]
        multipliers = y.new_zeros(rows.own)
        multipliers[own] = w[[active.index(i) for i in own]]
        result = result - problem.constraint_products(x, y, multipliers)[0]
    return result


def subsets(maybe: list[int]) -> list[list[int]]:
    """Return every subset, or none and all where there are more than ``UNDECIDED``."""
    if len(maybe) > UNDECIDED:
        return [[], maybe]
    return [list(s) for r in range(len(maybe) + 1) for s in itertools.combinations(maybe, r)]


def shortest(gradients: list[Tensor]) -> Tensor:
    """Return the point of least norm in the convex hull, by Wolfe's descent along vertices."""
    point = gradients[0]
    for _ in range(200):
        vertex = min(gradients, key=lambda g: float(g @ point))
        edge = vertex - point
        if float(edge @ point) >= -1e-12 * max(float(point @ point), 1e-300):
            break
        share = min(1.0, -float(edge @ point) / float(edge @ edge))
        point = point + share * edge
    return point


def _orthonormal(A: Tensor) -> Tensor:
    if not len(A):
        return A
    _, values, directions = torch.linalg.svd(A, full_matrices=False)
    kept: Tensor = directions[values > 1e-10 * float(values.max())]
    return kept


def _solve(product: Callable[[Tensor], Tensor], right: Tensor) -> Tensor:
    """Return the solution by conjugate gradients, or what is known where curvature ends."""
    solution, residual = torch.zeros_like(right), right
    direction, square = residual, float(residual @ residual)
    least = RESIDUAL**2 * square
    for _ in range(4 * len(right)):
        if not least < square < math.inf:
            break
        image = product(direction)
        bent = float(direction @ image)
        if not bent > 0.0:
            break
        length = square / bent
        solution, residual = solution + length * direction, residual - length * image
        square, before = float(residual @ residual), square
        direction = residual + (square / before) * direction
    return solution
