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

NOISE = 1e-13
"""What rounding may leave in a gradient of f, over L and the size of y."""

ROUNDING = 1e-15
"""The smallest residual of conjugate gradients, over |b|."""

FIRST = 0.01
"""Length of the first outer step, over max(1, |x|)."""

MEMORY = 10
"""Secants that an outer step remembers."""


class Curvature:
    """mu and L, bounds of the eigenvalues of H at x.

    They are the problem's own where it states them. Else mu is 0, and L comes from one power
    iteration at the first x and y, charged, and doubles wherever it proves too small.
    """

    def __init__(self, problem: BilevelProblem) -> None:
        self._problem = problem
        self.stated = bool(problem.facts["curvature"])
        self._estimate = 0.0

    def at(self, x: Tensor, y: Tensor) -> tuple[float, float]:
        """Return mu and L at x, (dim_x,); y, (dim_y,), is where L is estimated."""
        if self.stated:
            return self._problem.curvature(x)
        if not self._estimate:
            self._estimate = self._power_iteration(x, y)
        return 0.0, self._estimate

    def step(self, x: Tensor, y: Tensor) -> float:
        """Return the step of gradient steps on f: 2 / (mu + L), and 1 / L where mu is unknown."""
        mu, L = self.at(x, y)
        return 2.0 / (mu + L) if mu > 0.0 else 1.0 / L

    def grew(self, size: float, last: float, y: Tensor) -> bool:
        """Return whether a gradient's norm at y is above a finite last one, rounding aside."""
        noise = NOISE * self._estimate * max(1.0, float(y.norm()))
        return math.isfinite(last) and not size <= last + noise

    def too_small(self) -> None:
        """Double the estimate of L."""
        self._estimate *= 2.0

    def _power_iteration(self, x: Tensor, y: Tensor) -> float:
        v = torch.ones_like(y)
        value = 0.0
        for _ in range(POWER_STEPS):
            v = self._problem.hessian_product(x, y, v / v.norm())
            value = float(v.norm())
            if not 0.0 < value < math.inf:
                return 1.0
        return SAFETY * value


def gradient_steps(
    problem: BilevelProblem, curvature: Curvature, x: Tensor, y: Tensor, count: int
) -> tuple[Tensor, list[tuple[Tensor, float]]]:
    """Return y after ``count`` gradient steps on f(x, .), and each step's start and length.

    A step of at most 1 / L makes the gradient of a convex function no larger. Where it grows, and
    L was an estimate, that doubles and the step is taken anew: backtracking at the price of one
    gradient a trial.
    """
    taken: list[tuple[Tensor, float]] = []
    last, slope_last = math.inf, y
    while len(taken) < count:
        slope = problem.lower_gradient_y(x, y)
        size = float(slope.norm())
        if not curvature.stated and taken and curvature.grew(size, last, y):
            curvature.too_small()
            y, slope, size = taken.pop()[0], slope_last, last
        last, slope_last, step = size, slope, curvature.step(x, y)
        taken.append((y, step))
        y = y - step * slope
    return y, taken


def conjugate_gradients(
    product: Product, b: Tensor, q: Tensor, *, iterations: int, tolerance: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Return q after so many steps of CG for H q = b from q, and its residual b - H q.

    It ends earlier at a residual of ``tolerance`` or of rounding, past which the recursion's
    residual is none, or where H is not positive along a direction.
    """
    least = max(tolerance, ROUNDING * float(b.norm()))
    r = b - product(q) if bool(q.any()) else b.clone()
    p, square = r.clone(), float(r @ r)
    for _ in range(iterations):
        if math.sqrt(square) <= least:
            break
        Hp = product(p)
        bend = float(p @ Hp)
        if not bend > 0.0:
            break
        q = q + (square / bend) * p
        r = r - (square / bend) * Hp
        fresh = float(r @ r)
        p, square = r + (fresh / square) * p, fresh
    return q, r


def neumann(product: Product, b: Tensor, q: Tensor, *, step: float, terms: int) -> Tensor:
    """Return q after so many steps q <- q - step (H q - b).

    From q = 0 that is the Neumann series step * sum over j < terms of (I - step H)^j b; from any q
    it tends to the same H^-1 b.
    """
    if not bool(q.any()) and terms:
        q, terms = step * b, terms - 1
    for _ in range(terms):
        q = q - step * (product(q) - b)
    return q


def implicit_gradient(problem: BilevelProblem, x: Tensor, y: Tensor, q: Tensor) -> Tensor:
    """Return F_x - J q at (x, y)."""
    return problem.upper_gradient_x(x, y) - problem.cross_product(x, y, q)


def unrolled_gradient(
    problem: BilevelProblem, x: Tensor, y: Tensor, steps: list[tuple[Tensor, float]]
) -> Tensor:
    """Return the gradient in x of F(x, y(x)), y the end of these gradient steps on f.

    Reverse mode through y_{j+1} = y_j - s_j f_y(x, y_j): p = F_y at the end, then for every step
    from the last one d <- d - s J p and p <- p - s H p at y_j. It equals automatic differentiation
    of the loop; what precedes the given steps counts as constant.

    Args:
        problem: whose oracles are charged.
        x: (dim_x,).
        y: (dim_y,), the end.
        steps: start and length of each, from first to last.
    """
    d, p = problem.upper_gradients(x, y)
    for index in range(len(steps) - 1, -1, -1):
        z, step = steps[index]
        d = d - step * problem.cross_product(x, z, p)
        if index:
            p = p - step * problem.hessian_product(x, z, p)
    return d


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
        if size == 0.0:
            return x
        steepest = max(self._slopes, default=0.0)
        first = FIRST * max(1.0, float(x.norm())) / size
        return self._problem.project_x(x - (self._ratio / steepest if steepest else first) * d)
