"""Implicit hypergradients, and what methods share that follow them.

Where f(x, .) is strongly convex, grad Phi(x) = F_x - J q with H q = F_y, H = d2f/dy2 and
J = d2f/dx dy, all at y*(x) (the implicit function theorem).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

import torch
from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem

Product = Callable[[Tensor], Tensor]

POWER_STEPS = 20
"""Hessian products of a power iteration, where the problem does not state its curvature."""

SAFETY = 1.1
"""A power iteration comes from below."""

FIRST = 0.01
"""Length of the first outer step, over max(1, |x|)."""

ROUNDING = 1e-15
"""A residual this small, relatively, is rounding."""

MEMORY = 10
"""Secants that an outer step remembers."""


def curvature(problem: BilevelProblem, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return mu and L, bounds of the eigenvalues of H at x.

    The problem's own where it states them; else mu = 0 and L by a power iteration at y, charged.
    """
    if problem.facts["curvature"]:
        return problem.curvature(x)
    v = problem.lower_gradient_y(x, y)
    v = torch.ones_like(y) if not float(v.norm()) > 0.0 else v
    value = 0.0
    for _ in range(POWER_STEPS):
        v = v / v.norm()
        v = problem.hessian_product(x, y, v)
        value = float(v.norm())
        if not 0.0 < value < math.inf:
            return 0.0, value if value > 0.0 else 1.0
    return 0.0, SAFETY * value


def conjugate_gradients(
    product: Product, b: Tensor, q: Tensor, *, iterations: int, tolerance: float = 0.0
) -> tuple[Tensor, float]:
    """Return q after so many steps of CG for H q = b from q, and its residual's norm.

    It ends earlier at a residual of ``tolerance`` or of rounding, which CG would blow up, or where
    H is not positive along a direction.
    """
    tolerance = max(tolerance, ROUNDING * float(b.norm()))
    r = b - product(q) if bool(q.any()) else b.clone()
    p, square = r.clone(), float(r @ r)
    for _ in range(iterations):
        if math.sqrt(square) <= tolerance:
            break
        Hp = product(p)
        bend = float(p @ Hp)
        if not bend > 0.0:
            break
        q = q + (square / bend) * p
        r = r - (square / bend) * Hp
        fresh = float(r @ r)
        p, square = r + (fresh / square) * p, fresh
    return q, math.sqrt(square)


def neumann(product: Product, b: Tensor, step: float, terms: int) -> Tensor:
    """Return step * sum over j < terms of (I - step H)^j b, which tends to H^-1 b."""
    part, total = b, b
    for _ in range(terms - 1):
        part = part - step * product(part)
        total = total + part
    return step * total


def implicit_gradient(problem: BilevelProblem, x: Tensor, y: Tensor, q: Tensor) -> Tensor:
    """Return F_x - J q at (x, y)."""
    return problem.upper_gradient_x(x, y) - problem.cross_product(x, y, q)


class SecantStep:
    """Outer steps of ratio / Lambda, Lambda the steepest of the last secants of the hypergradient.

    Phi's smoothness is a constant that no problem states; of the last ``MEMORY`` pairs of points
    the largest |d - d'| / |x - x'| stands for it. The first step has the length ``FIRST``.
    """

    def __init__(self, problem: BilevelProblem, ratio: float) -> None:
        self._problem, self._ratio = problem, ratio
        self._slopes: deque[float] = deque(maxlen=MEMORY)
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, x: Tensor, d: Tensor) -> Tensor:
        """Return the projected step from x along the hypergradient d, (dim_x,)."""
        if self._last is not None:
            moved = float((x - self._last[0]).norm())
            if moved > 0.0:
                self._slopes.append(float((d - self._last[1]).norm()) / moved)
        self._last = x, d
        size = float(d.norm())
        if not size > 0.0:
            return x
        steepest = max(self._slopes, default=0.0)
        first = FIRST * max(1.0, float(x.norm())) / size
        return self._problem.project_x(x - (self._ratio / steepest if steepest else first) * d)
