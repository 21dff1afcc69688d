"""What the penalty and value-function methods share: curvature estimates and step lengths."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

POWER = 10
"""Iterations of the power method; each charges one gradient, or one g and one product."""

TINY = 1e-100
"""Lengths of steps stay above it, and their ratios finite."""

DIFFERENCE = 1e-6
"""Length of a finite difference of gradients, relative to 1 + the point's norm."""

Triple = tuple[Tensor, Tensor, Tensor]
Slope = Callable[[Tensor], Tensor]


def bend(slope: Slope, point: Tensor, rng: np.random.Generator) -> float:
    """Return about the largest |eigenvalue| of a gradient's derivative at the point, by powers.

    Differences of gradients stand for products. Zero where the gradient is constant or not finite.

    Args:
        slope: maps (d,) to (d,), the gradient.
        point: (d,).
        rng: draws the first direction.
    """
    length = DIFFERENCE * (1.0 + float(point.norm()))
    here, largest = slope(point), 0.0
    v = torch.from_numpy(rng.standard_normal(len(point))).to(point.device)
    for _ in range(POWER):
        v = v / v.norm()
        v = (slope(point + length * v) - here) / length
        size = float(v.norm())
        if not 0.0 < size < math.inf:
            break
        largest = max(largest, size)
    return largest


def constraint_norm(
    problem: BilevelProblem, x: Tensor, y: Tensor, rng: np.random.Generator
) -> float:
    """Return about the spectral norm of dg/dy at (x, y), by powers; 1 where it is 0 or no g is."""
    length = DIFFERENCE * (1.0 + float(y.norm()))
    here, largest = problem.constraints(x, y), 0.0
    if not len(here):
        return 1.0
    v = torch.from_numpy(rng.standard_normal(len(y))).to(y.device)
    for _ in range(POWER):
        v = v / v.norm()
        image = (problem.constraints(x, y + length * v) - here) / length
        v = problem.constraint_products(x, y, image)[1]
        size = float(v.norm())
        if not 0.0 < size < math.inf:
            break
        largest = max(largest, math.sqrt(size))
    return largest or 1.0


def lower_bend(problem: BilevelProblem, x: Tensor, y: Tensor, rng: np.random.Generator) -> float:
    """Return the published bound of d2f/dy2 at x, or an estimate; positive."""
    if problem.facts["curvature"]:
        return problem.curvature(x)[1]
    return bend(lambda z: problem.lower_gradient_y(x, z), y, rng) or 1.0


def upper_bend(problem: BilevelProblem, x: Tensor, y: Tensor, rng: np.random.Generator) -> float:
    """Return an estimate of the largest eigenvalue of d2F/dy2."""
    return bend(lambda z: problem.upper_gradient_y(x, z), y, rng)


def descend(
    slope: Slope, project: Slope, point: Tensor, steps: int, bound: float, *, guess: bool
) -> tuple[Tensor, float]:
    """Return the point after so many projected gradient steps of 1 / bound, and the bound.

    Args:
        slope: the gradient.
        project: onto the set.
        point: the start.
        steps: how many.
        bound: of the gradient's Lipschitz constant.
        guess: whether the bound may be too small; a steeper secant on the way then replaces it.
    """
    last: tuple[Tensor, Tensor] | None = None
    for _ in range(steps):
        fresh = slope(point)
        if guess and last is not None:
            moved = float((point - last[0]).norm())
            if moved > TINY:
                bound = max(bound, float((fresh - last[1]).norm()) / moved)
        last = point, fresh
        point = project(point.sub(fresh, alpha=1.0 / bound))
    return point, bound


class Adaptive:
    """Step lengths from secants (Malitsky & Mishchenko 2020), for gradients of x.

    lambda_k = min(sqrt(1 + theta) lambda_{k-1}, |x_k - x_{k-1}| / (2 |d_k - d_{k-1}|)), theta the
    ratio of the last two. The first step moves x by a tenth in each coordinate (root mean square).
    It needs no constant of the problem; where directions are exact gradients, it converges.

    Args:
        factor: multiplies every length.
    """

    def __init__(self, factor: float) -> None:
        self._factor, self._ratio, self._length = factor, math.inf, 0.0
        self._last: tuple[Tensor, Tensor] | None = None

    def __call__(self, x: Tensor, direction: Tensor) -> float:
        """Return the length of the step from x, (dim_x,), against the direction, (dim_x,)."""
        if self._last is None:
            size = float(direction.norm())
            length = 0.1 * math.sqrt(len(x)) / size if TINY < size < math.inf else 1.0
        else:
            moved = float((x - self._last[0]).norm())
            turned = float((direction - self._last[1]).norm())
            length = math.sqrt(1.0 + self._ratio) * self._length
            if moved == 0.0:  # held back by a bound: nothing was learned, and growth has no end
                length = self._length
            elif turned > 0.0:
                length = min(length, 0.5 * moved / turned)
            else:
                length = min(length, 2.0 * self._length)
            length = max(length, TINY)
            self._ratio = length / self._length
        self._last, self._length = (x, direction), length
        return self._factor * length


def answer(x: Tensor, y: Tensor) -> Answer:
    """Return the answer (x, y); steps make new tensors, so none is copied."""
    return {"x": x, "y": y}


class Pair:
    """Approximate minima over Y: z of f(x, .), y of sigma F(x, .) + f(x, .).

    Attributes:
        y: (dim_y,).
        z: (dim_y,).
        upper: a bound of d2F/dy2 for the steps of y.

    Args:
        problem: whose oracles are charged.
        x: (dim_x,) start.
        y: (dim_y,) start of both.
        rng: draws directions of the power method, where no bound of d2f/dy2 is published.
    """

    def __init__(
        self, problem: BilevelProblem, x: Tensor, y: Tensor, rng: np.random.Generator
    ) -> None:
        self._problem, self.y, self.z, self.upper = problem, y, y, 0.0
        self._published = bool(problem.facts["curvature"])
        self._lower = lower_bend(problem, x, y, rng)

    def lower(self, x: Tensor) -> float:
        """Return the bound of d2f/dy2 for the steps at x."""
        return self._problem.curvature(x)[1] if self._published else self._lower

    def settle(self, x: Tensor, steps: int) -> None:
        """Take steps of z on f(x, .); each charges f_y."""
        problem = self._problem
        self.z, bound = descend(
            lambda u: problem.lower_gradient_y(x, u),
            problem.project_y,
            self.z,
            steps,
            self.lower(x),
            guess=not self._published,
        )
        # Where f is not convex the bend at the start says little.
        self._lower = max(self._lower, bound)

    def hypergradient(self, x: Tensor, sigma: float, steps: int) -> Tensor:
        """Return grad psi_sigma(x) after so many steps of either; f_x twice, F_x, f_y, F_y."""
        problem = self._problem
        self.settle(x, steps)
        self.y, _ = descend(
            lambda u: problem.lower_gradient_y(x, u).add(
                problem.upper_gradient_y(x, u), alpha=sigma
            ),
            problem.project_y,
            self.y,
            steps,
            self.lower(x) + sigma * self.upper,
            guess=not self._published,
        )
        excess = problem.lower_gradient_x(x, self.y) - problem.lower_gradient_x(x, self.z)
        return problem.upper_gradient_x(x, self.y) + excess / sigma


def barrier(slope: Tensor, gap: Tensor, eta: float) -> Tensor:
    """Return BOME's direction: grad F + lambda grad q, lambda the least that lowers q.

    lambda = max(eta |grad q|^2 - <grad F, grad q>, 0) / |grad q|^2, 0 where grad q is 0.

    Args:
        slope: (d,), grad F.
        gap: (d,), grad q.
        eta: the part of q's own descent that is asked for.
    """
    square = float(gap @ gap)
    if square == 0.0:
        return slope
    return slope + max(eta * square - float(slope @ gap), 0.0) / square * gap


def penalty_slopes(
    problem: BilevelProblem,
    point: Triple,
    sigma: float,
    rows: tuple[Tensor | None, Tensor | None],
) -> Triple:
    """Return the directions of x, y and z at (x, y, z), on rows of the lower and upper level.

    Charges f_x and f_y twice, F_x and F_y once.
    """
    (x, y, z), (lower, upper) = point, rows
    at_y, at_z = problem.lower_gradients(x, y, lower), problem.lower_gradients(x, z, lower)
    upper_x, upper_y = problem.upper_gradients(x, y, upper)
    return upper_x + (at_y[0] - at_z[0]) / sigma, at_y[1].add(upper_y, alpha=sigma), at_z[1]


def recursive(fresh: Triple, kept: Triple, stale: Triple, keep: float) -> Triple:
    """Return STORM's directions fresh + keep (kept - stale)."""
    x, y, z = (g.add(d - s, alpha=keep) for g, d, s in zip(fresh, kept, stale, strict=True))
    return x, y, z
