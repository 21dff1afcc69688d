"""Convex sets of inputs, batched, and the largest value of linear functions on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import LipschitzProblem

Tensor = torch.Tensor

ROUNDING = {torch.float64: 1e-13, torch.float32: 2e-5}
"""Relative error allowed for a sum of products; bounds are widened by it."""


class Region(Protocol):
    """A batch of B convex subsets of R^n."""

    def support(self, a: Tensor) -> Tensor:
        """Return max of a x over the sets, (B, r) for a of shape (B, r, n)."""
        ...

    def interval(self) -> tuple[Tensor, Tensor]:
        """Return the corners of the smallest boxes around the sets, (B, n) each."""
        ...

    def take(self, rows: slice) -> Region:
        """Return some of the sets."""
        ...


@dataclass(frozen=True)
class Box:
    """lower <= x <= upper, both (B, n); corners may be infinite."""

    lower: Tensor
    upper: Tensor

    def support(self, a: Tensor) -> Tensor:
        """Return a x at the corner that maximises it, and what rounding may hide."""
        center, reach = (self.lower + self.upper) / 2.0, (self.upper - self.lower) / 2.0
        size = a.abs()
        slack = ROUNDING[a.dtype] * _product(size, center.abs() + reach)
        return _product(a, center) + _product(size, reach) + slack

    def interval(self) -> tuple[Tensor, Tensor]:
        """Return the corners."""
        return self.lower, self.upper

    def take(self, rows: slice) -> Box:
        """Return some of the boxes."""
        return Box(self.lower[rows], self.upper[rows])


@dataclass(frozen=True)
class Ball:
    """|x - center|_2 <= radius, centers (B, n)."""

    center: Tensor
    radius: float

    def support(self, a: Tensor) -> Tensor:
        """Return a center + radius |a|_2 (Cauchy-Schwarz), and what rounding may hide."""
        reach: Tensor = self.radius * a.norm(dim=2)
        slack = ROUNDING[a.dtype] * (_product(a.abs(), self.center.abs()) + reach)
        return _product(a, self.center) + reach + slack

    def interval(self) -> tuple[Tensor, Tensor]:
        """Return the corners of the boxes around the balls."""
        return self.center - self.radius, self.center + self.radius

    def take(self, rows: slice) -> Ball:
        """Return some of the balls."""
        return Ball(self.center[rows], self.radius)


@dataclass(frozen=True)
class Point:
    """One known vector, (B, n)."""

    value: Tensor

    def support(self, a: Tensor) -> Tensor:
        """Return a x, and what rounding may hide."""
        slack = ROUNDING[a.dtype] * _product(a.abs(), self.value.abs())
        return _product(a, self.value) + slack

    def interval(self) -> tuple[Tensor, Tensor]:
        """Return the vector twice."""
        return self.value, self.value

    def take(self, rows: slice) -> Point:
        """Return some of the vectors."""
        return Point(self.value[rows])


def region_of(problem: LipschitzProblem, dtype: torch.dtype) -> Region:
    """Return the problem's regions on its device; infinite boxes where it is global."""

    def tensor(array: object) -> Tensor:
        return torch.tensor(array, dtype=dtype, device=problem.device)

    if problem.region == "ball":
        return Ball(tensor(problem.centers), problem.radius)
    return Box(*map(tensor, problem.box))


def _product(a: Tensor, x: Tensor) -> Tensor:
    """Return (B, r) products of (B, r, n) and (B, n)."""
    made: Tensor = torch.einsum("brn,bn->br", a, x)
    return made
