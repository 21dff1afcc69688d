"""Conjugate gradients for the judge: to full accuracy, with a note of what was reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

Operator = Callable[["Tensor"], "Tensor"]


@dataclass(frozen=True, slots=True)
class Solved:
    """An approximate solution q of H q = b.

    Attributes:
        q: like b.
        residual: |H q - b| / |b|, recomputed, not CG's recursion.
        iterations: products with H.
        convex: whether every curvature met was positive.
    """

    q: Tensor
    residual: float
    iterations: int
    convex: bool = True


def conjugate_gradients(
    product: Operator,
    b: Tensor,
    *,
    tolerance: float,
    limit: int,
    precondition: Operator | None = None,
) -> Solved:
    """Solve H q = b, H symmetric positive definite, restarting from the true residual.

    It ends at the tolerance, at ``limit`` products, at a curvature that is not positive, or where
    a restart no longer helps.
    """
    size = float(b.norm())
    q, residual, used = torch.zeros_like(b), b, 0
    reached = 1.0
    if not 0.0 < size < float("inf"):
        return Solved(q, 0.0 if size == 0.0 else float("nan"), 0)
    while used < limit and reached > tolerance:
        wanted = tolerance * size / float(residual.norm())
        step, more, convex = _sweep(product, residual, wanted, limit - used, precondition)
        left = b - product(q + step)
        used += more + 1
        now = float(left.norm()) / size
        if not convex and residual is b:
            return Solved(step, now, used, convex=False)
        if not now < reached:
            break
        stalled = now > 0.5 * reached
        q, residual, reached = q + step, left, now
        if stalled:
            break
    return Solved(q, reached, used)


def _sweep(
    product: Operator, b: Tensor, tolerance: float, limit: int, precondition: Operator | None
) -> tuple[Tensor, int, bool]:
    """Return CG's solution, its iterations, and whether every curvature was positive.

    Where the first one is not, the solution is b itself, a direction of descent.
    """
    q, r = torch.zeros_like(b), b.clone()
    z = precondition(r) if precondition else r
    p, rho = z, float(r @ z)
    enough = tolerance * float(b.norm())
    for k in range(1, limit + 1):
        Hp = product(p)
        curvature = float(p @ Hp)
        if not curvature > 0.0:
            return (q if k > 1 else b), k, False
        alpha = rho / curvature
        q = q + alpha * p
        r = r - alpha * Hp
        if not float(r.norm()) > enough:
            return q, k, True
        z = precondition(r) if precondition else r
        rho, before = float(r @ z), rho
        p = z + (rho / before) * p
    return q, limit, True
