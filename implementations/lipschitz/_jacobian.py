"""Bounds of Clarke Jacobians: the backward pass as a program, and norms of what it yields.

A row c J(x) = c W_L D_L-1 ... D_1 W_1 is what the reversed program makes of c. Its nonlinear
operations are products g = d v of a vector's entries with derivatives d in [low, high], which the
bounds of the activations' inputs give.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tiltyard.implementations.lipschitz._crown import Interval, Walk
from tiltyard.implementations.lipschitz._program import Pointwise, Program
from tiltyard.implementations.lipschitz._regions import Point
from tiltyard.implementations.lipschitz._scalar import Lines

Tensor = torch.Tensor


@dataclass(frozen=True)
class Products:
    """Rules for g = d v with d in a known interval, whatever v is: Shi et al., the hull.

    max(low v, high v) is convex in v, so that its chord on [v's interval] is the least line above
    g, and the chord of min(low v, high v) is the largest line below it. Where v has one sign both
    are exact. For ReLU with d in [0, 1] these are the relaxations of Shi, Wang, Zhang, Kolter &
    Hsieh (2022), arXiv:2210.07394.

    Attributes:
        ranges: (low, high), (B, n) each, by the activation's index.
    """

    ranges: dict[int, Interval]

    def image(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Interval:
        """Return the least and the largest product."""
        return products(self.ranges[operation.index], lower, upper)

    def matters(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Tensor:
        """Return True where d is not known and v may have either sign."""
        low, high = self.ranges[operation.index]
        return (low < high) & (lower < 0.0) & (upper > 0.0)

    def lines(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Lines:
        """Return the chords."""
        low, high = self.ranges[operation.index]
        width = torch.where((lower < 0.0) & (upper > 0.0), upper - lower, 1.0)
        rise = (high - low) / width
        above = torch.where(lower >= 0.0, high, torch.where(upper <= 0.0, low, low + rise * upper))
        below = torch.where(lower >= 0.0, low, torch.where(upper <= 0.0, high, high - rise * upper))
        offset = torch.where((lower < 0.0) & (upper > 0.0), -rise * lower * upper, 0.0)
        return Lines(below, -offset, above, offset)


@dataclass(frozen=True)
class SignedProducts(Products):
    """The rules of RecurJac: a product is a constant's bound unless v's sign is known.

    Zhang, Zhang & Hsieh (2019), arXiv:1810.11783: the recursion folds d into the weights where the
    sign of v decides which end of its interval is the worst, and ends in the bounds of d v
    elsewhere.
    """

    def lines(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Lines:
        """Return the products' slopes where v has one sign, else the ends of its range."""
        low, high = self.ranges[operation.index]
        least, most = products((low, high), lower, upper)
        known = (lower >= 0.0) | (upper <= 0.0) | (low == high)
        zero = torch.zeros_like(lower)
        above = torch.where(lower >= 0.0, high, low)
        below = torch.where(lower >= 0.0, low, high)
        return Lines(
            torch.where(known, below, zero),
            torch.where(known, zero, least),
            torch.where(known, above, zero),
            torch.where(known, zero, most),
        )


def products(ranges: Interval, lower: Tensor, upper: Tensor) -> Interval:
    """Return the range of d v for d and v in intervals."""
    low, high = ranges
    corners = torch.stack([low * lower, low * upper, high * lower, high * upper])
    return corners.amin(dim=0), corners.amax(dim=0)


def rows(backward: Program, rules: Products, c: Tensor, *, linear: bool) -> tuple[Interval, Walk]:
    """Return intervals around the entries of c J, (B, n), and the walk that found them.

    Args:
        backward: the reversed program.
        rules: with the ranges of the derivatives, (B, n_i) each.
        c: (B, m).
        linear: whether lines are propagated; else intervals alone.
    """
    walk = Walk(Point(c), rules, linear=linear)
    interval = walk.run(backward)
    return (walk.output(backward, interval) if linear else interval), walk


def absolute_sum(backward: Program, interval: Interval, walk: Walk) -> Tensor:
    """Return upper bounds of |c J|_1, (B,), from intervals of its entries and the walk's lines.

    |J_j| is convex, below its chord on the entry's interval; the sum of the chords is linear and is
    propagated backward as one target. No more than the sum of the intervals' largest ends.
    """
    lower, upper = interval
    either = (lower < 0.0) & (upper > 0.0)
    width = torch.where(either, upper - lower, 1.0)
    slope = torch.where(either, (upper + lower) / width, torch.where(upper <= 0.0, -1.0, 1.0))
    offset = torch.where(either, -2.0 * lower * upper / width, 0.0).sum(dim=1)
    linear = walk.above(backward, slope[:, None, :])[:, 0] + offset
    return torch.minimum(linear, largest(interval).sum(dim=1))


def largest(interval: Interval) -> Tensor:
    """Return max(|lower|, |upper|)."""
    return torch.maximum(interval[0].abs(), interval[1].abs())
