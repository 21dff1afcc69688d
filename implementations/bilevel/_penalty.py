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

DIFFERENCE = 1e-6
"""Length of a finite difference of gradients, relative to 1 + the point's norm."""

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


def descend(slope: Slope, project: Slope, point: Tensor, steps: int, length: float) -> Tensor:
    """Return the point after so many projected gradient steps of a constant length."""
    for _ in range(steps):
        point = project(point.sub(slope(point), alpha=length))
    return point


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
            length = 0.1 * math.sqrt(len(x)) / size if size > 0.0 else 1.0
        else:
            moved = float((x - self._last[0]).norm())
            turned = float((direction - self._last[1]).norm())
            length = math.sqrt(1.0 + self._ratio) * self._length
            if turned > 0.0:
                length = min(length, 0.5 * moved / turned)
            length = length or self._length
            self._ratio = length / self._length
        if self._last is None:
            self._ratio = 1.0
        self._last, self._length = (x, direction), length
        return self._factor * length


def answer(x: Tensor, y: Tensor) -> Answer:
    """Return the answer (x, y); steps make new tensors, so none is copied."""
    return {"x": x, "y": y}
