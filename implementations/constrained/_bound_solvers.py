"""Inner solvers for bounds alone: projected L-BFGS and projected trust-region Newton-CG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tiltyard.implementations.constrained._augmented_lagrangian import (
    AugmentedLagrangian,
    largest,
)

ARMIJO = 1e-4

CG_ITERATIONS = 200


@dataclass(slots=True)
class Inner:
    """A point of the inner iteration: the function's value, c, grad f and the gradient there."""

    x: Any
    value: float
    c: Any
    g: Any
    slope: Any

    @classmethod
    def at(cls, function: AugmentedLagrangian, x: Any) -> Inner:
        """Evaluate everything at x."""
        value, c = function.value(x)
        return cls(x, value, c, *function.gradient(x, c))

    def error(self, function: AugmentedLagrangian) -> float:
        """Return the projected gradient's norm over max(1, |grad f|, |y|)."""
        step = function.project(self.x - self.slope) - self.x
        scale = max(1.0, largest(self.g), largest(function.multipliers(self.c)))
        return largest(step) / scale


def lbfgs(
    function: AugmentedLagrangian, start: Inner, tolerance: float, limit: int
) -> Iterator[Inner]:
    """Yield points of a projected L-BFGS method (memory 10) until the tolerance."""
    point, pairs = start, list[tuple[Any, Any, float]]()
    for _ in range(limit):
        if not point.error(function) > tolerance:
            return
        mask = function.free(point.x, point.slope)
        direction = -mask * _two_loops(mask * point.slope, pairs)
        if not float(direction @ point.slope) < 0.0:
            pairs.clear()
            direction = -mask * point.slope / max(1.0, largest(point.slope))
        new = _backtrack(function, point, direction)
        if new is None:
            if not pairs:
                return
            pairs.clear()
            continue
        s, r = new.x - point.x, new.slope - point.slope
        curvature = float(s @ r)
        if curvature > 1e-10 * float(s @ s):
            pairs.append((s, r, curvature))
            del pairs[:-10]
        point = new
        yield point


def _two_loops(q: Any, pairs: list[tuple[Any, Any, float]]) -> Any:
    """Return the inverse Hessian's estimate times q (Nocedal 1980)."""
    weights = []
    for s, r, curvature in reversed(pairs):
        weights.append(float(s @ q) / curvature)
        q = q - weights[-1] * r
    if pairs:
        _, r, curvature = pairs[-1]
        q = q * (curvature / float(r @ r))
    else:
        q = q / max(1.0, largest(q))
    for (s, r, curvature), weight in zip(pairs, reversed(weights), strict=True):
        q = q + (weight - float(r @ q) / curvature) * s
    return q


def _backtrack(function: AugmentedLagrangian, point: Inner, direction: Any) -> Inner | None:
    alpha = 1.0
    rounding = 1e-15 * abs(point.value)
    while alpha > 1e-14:
        x = function.project(point.x + alpha * direction)
        value, c = function.value(x)
        descent = float(point.slope @ (x - point.x))
        if value - rounding <= point.value + ARMIJO * min(descent, 0.0) and largest(x - point.x):
            return Inner(x, value, c, *function.gradient(x, c))
        alpha *= 0.5
    return None


def newton_cg(
    function: AugmentedLagrangian, start: Inner, tolerance: float, limit: int
) -> Iterator[Inner]:
    """Yield points of a projected trust-region Newton method until the tolerance.

    Conjugate gradients after Steihaug (1983) on the variables that are free; the bounds are met by
    projection, as are Moré & Toraldo's (1991).
    """
    point, radius = start, max(1.0, 0.1 * largest(start.x))
    for _ in range(limit):
        if not point.error(function) > tolerance:
            return
        mask = function.free(point.x, point.slope)
        direction = _steihaug(function, point, mask, radius)
        x = function.project(point.x + direction)
        s = x - point.x
        predicted = -float(point.slope @ s + 0.5 * (s @ function.curved(point.x, point.c, s)))
        if not predicted > 0.0:
            new = _backtrack(function, point, -mask * point.slope / max(1.0, largest(point.slope)))
            if new is None:
                return
            point = new
            yield point
            continue
        value, c = function.value(x)
        rounding = 1e-15 * abs(point.value)
        ratio = (point.value - value + rounding) / (predicted + rounding)
        length = float((direction @ direction) ** 0.5)
        if ratio < 0.25:
            radius = 0.25 * length
        elif ratio > 0.75 and length > 0.9 * radius:
            radius *= 2.0
        if ratio > ARMIJO:
            point = Inner(x, value, c, *function.gradient(x, c))
            yield point
        elif radius < 1e-14 * (1.0 + largest(point.x)):
            return


def _steihaug(function: AugmentedLagrangian, point: Inner, mask: Any, radius: float) -> Any:
    """Return a step within the radius along free variables."""
    r = mask * point.slope
    d, p = 0.0 * r, -r
    square = float(r @ r)
    enough = min(0.1, square**0.25) ** 2 * square
    for _ in range(min(CG_ITERATIONS, 2 * len(r) + 5)):
        if not square > enough:
            break
        hp = mask * function.curved(point.x, point.c, p)
        curvature = float(p @ hp)
        step = square / curvature if curvature > 0.0 else float("inf")
        if not curvature > 1e-14 * float(p @ p) or float(((d + step * p) ** 2).sum()) > radius**2:
            return d + _to_radius(d, p, radius) * p
        d, r = d + step * p, r + step * hp
        previous, square = square, float(r @ r)
        p = -r + (square / previous) * p
    return d


def _to_radius(d: Any, p: Any, radius: float) -> float:
    """Return tau >= 0 with |d + tau p| = radius."""
    a, b, c = float(p @ p), float(d @ p), float(d @ d) - radius**2
    root = max(b * b - a * c, 0.0) ** 0.5
    return (root - b) / a if a > 0.0 else 0.0
