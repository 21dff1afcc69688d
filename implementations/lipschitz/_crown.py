"""Linear bound propagation through a program, batched over regions.

A target a y, linear in a program's output y, is bounded from above by substituting its operations
backward, each nonlinear one by a linear function above or below it, until it is linear in the
input; its maximum over a convex region is then known (CROWN: Zhang, Weng, Chen, Hsieh & Daniel
2018, arXiv:1811.00866; on graphs: Xu et al. 2020, arXiv:2002.12920). How a nonlinear operation is
bounded is the ``Rules``' choice, which makes one engine serve networks and their backward passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import torch

from tiltyard.implementations.lipschitz._program import Linear, Operation, Pointwise, Program
from tiltyard.implementations.lipschitz._regions import ROUNDING, Region
from tiltyard.implementations.lipschitz._scalar import Lines, lines, slopes, value
from tiltyard.suites.lipschitz.layers import Activation

Tensor = torch.Tensor
Interval = tuple[Tensor, Tensor]

ENTRIES = 2**23
"""Entries of the largest table of coefficients; more targets than fit are taken in parts."""


class Rules(Protocol):
    """How nonlinear operations are bounded where their input lies in (lower, upper), (B, n)."""

    def image(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Interval:
        """Return an interval around the operation's values."""
        ...

    def lines(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Lines:
        """Return linear functions below and above the operation."""
        ...

    def matters(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Tensor:
        """Return whether tighter intervals would make tighter lines, (B, n)."""
        ...


class Values:
    """The rules of a network's own activations."""

    def image(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Interval:
        """Return the least and the largest value on the interval."""
        return image(operation.activation, lower, upper)

    def lines(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Lines:
        """Return linear bounds of the activation."""
        return lines(operation.activation, lower, upper)

    def matters(self, operation: Pointwise, lower: Tensor, upper: Tensor) -> Tensor:
        """Return False where a ReLU is linear already."""
        if operation.activation.kind in ("relu", "leaky_relu"):
            return (lower < 0.0) & (upper > 0.0)
        return torch.ones_like(lower, dtype=torch.bool)


def image(activation: Activation, lower: Tensor, upper: Tensor) -> Interval:
    """Return the range of the activation's values on an interval, entry by entry."""
    at = value(activation, lower), value(activation, upper)
    low, high = torch.minimum(*at), torch.maximum(*at)
    if activation.kind == "leaky_relu" and activation.slope < 0.0:  # falls to zero, then rises
        low = torch.where((lower <= 0.0) & (upper >= 0.0), torch.zeros_like(low), low)
    if activation.kind == "gelu":  # falls to -0.1699712 at z = -0.75179, then rises
        inside = (lower <= -0.7517) & (upper >= -0.7518)
        low = torch.where(inside, torch.full_like(low, -0.16997121), low)
    return low, high


@dataclass
class Walk:
    """Bounds of what enters the nonlinear operations of a program, found in their order.

    Attributes:
        region: of the input.
        rules: how nonlinear operations are bounded.
        linear: whether lines are propagated; else intervals alone (interval bound propagation).
        known: intervals to intersect with, by the operation's index.
        found: the intervals, (B, n), by the operation's index.
        table: the lines of the operations, by index; empty where ``linear`` is False.
    """

    region: Region
    rules: Rules
    linear: bool = True
    known: dict[int, Interval] = field(default_factory=dict)
    found: dict[int, Interval] = field(default_factory=dict)
    table: dict[int, Lines] = field(default_factory=dict)

    def run(self, program: Program) -> Interval:
        """Bound every nonlinear operation's input; return an interval around the output."""
        return self._sequence(program, self.region.interval(), ())

    def above(self, program: Program, targets: Tensor) -> Tensor:
        """Return upper bounds of targets (B, r, m) of the program's output, (B, r)."""
        return self._above((program,), targets)

    def output(self, program: Program, interval: Interval) -> Interval:
        """Return the interval around the program's output, narrowed by linear bounds."""
        everywhere = torch.ones_like(interval[0], dtype=torch.bool)
        return self._narrow((program,), interval, everywhere)

    def _sequence(
        self, program: Program, interval: Interval, outer: tuple[Program, ...]
    ) -> Interval:
        for i, operation in enumerate(program):
            if isinstance(operation, Pointwise):
                interval = self._pointwise(operation, interval, (*outer, program[:i]))
            elif isinstance(operation, Linear):
                interval = affine(operation, interval)
            else:
                inner = self._sequence(operation.branch, interval, (*outer, program[:i]))
                interval = _sum(_times(interval, operation.skip), _times(inner, operation.scale))
        return interval

    def _pointwise(
        self, operation: Pointwise, interval: Interval, path: tuple[Program, ...]
    ) -> Interval:
        if operation.index in self.known:
            interval = meet(interval, self.known[operation.index])
        if self.linear:
            needed = self.rules.matters(operation, *interval)
            interval = self._narrow(path, interval, needed)
            self.table[operation.index] = self.rules.lines(operation, *interval)
        self.found[operation.index] = interval
        return self.rules.image(operation, *interval)

    def _narrow(self, path: tuple[Program, ...], interval: Interval, needed: Tensor) -> Interval:
        """Intersect with linear bounds those entries that any of the batch needs."""
        rows = needed.any(dim=0).nonzero()[:, 0]
        linear = any(isinstance(one, Linear) for program in path for one in program)
        if not len(rows) or not linear:
            return interval
        lower, upper = (end.clone() for end in interval)
        batch, n = lower.shape
        step = max(1, ENTRIES // (2 * batch * n))
        for part in torch.split(rows, step):
            targets = torch.zeros(2 * len(part), n, dtype=lower.dtype, device=lower.device)
            order = torch.arange(len(part), device=lower.device)
            targets[order, part] = 1.0
            targets[order + len(part), part] = -1.0
            bound = self._above(path, targets.expand(batch, -1, -1))
            upper[:, part] = torch.minimum(upper[:, part], bound[:, : len(part)])
            lower[:, part] = torch.maximum(lower[:, part], -bound[:, len(part) :])
        return _ordered(lower, upper)

    def _above(self, path: tuple[Program, ...], targets: Tensor) -> Tensor:
        a = targets
        constant = torch.zeros(targets.shape[:2], dtype=a.dtype, device=a.device)
        for program in reversed(path):
            a, constant = substitute(program, a, constant, self.table)
        return constant + self.region.support(a)


def substitute(
    program: Program, a: Tensor, constant: Tensor, table: dict[int, Lines]
) -> tuple[Tensor, Tensor]:
    """Return coefficients and constants of functions of a program's input above a y + constant.

    Args:
        program: y = program(x).
        a: (B, r, m) coefficients of its output.
        constant: (B, r).
        table: lines of its nonlinear operations, (B, n) each, by index.
    """
    for operation in reversed(program):
        a, constant = _substitute(operation, a, constant, table)
    return a, constant


def _substitute(
    operation: Operation, a: Tensor, constant: Tensor, table: dict[int, Lines]
) -> tuple[Tensor, Tensor]:
    if isinstance(operation, Linear):
        if operation.bias is not None:
            constant = constant + a @ operation.bias
        return operation.adjoint(a), constant
    if isinstance(operation, Pointwise):
        found = table[operation.index]
        positive, negative = a.clamp(min=0.0), a.clamp(max=0.0)
        offset = positive @ found.upper[:, :, None] + negative @ found.lower[:, :, None]
        slope = positive * found.upper_slope[:, None] + negative * found.lower_slope[:, None]
        return slope, constant + offset[:, :, 0]
    inner, constant = substitute(operation.branch, operation.scale * a, constant, table)
    return operation.skip * a + inner, constant


def affine(operation: Linear, interval: Interval) -> Interval:
    """Return the interval of a linear map's values, infinite where its input's is."""
    lower, upper = interval
    if not (torch.isfinite(lower).all() and torch.isfinite(upper).all()):
        shape = (*lower.shape[:-1], operation.outputs)
        infinite = torch.full(shape, torch.inf, dtype=lower.dtype, device=lower.device)
        return -infinite, infinite
    center, reach = (lower + upper) / 2.0, (upper - lower) / 2.0
    made = operation.forward(center)
    slack = ROUNDING[lower.dtype] * operation.spread(center.abs() + reach)
    radius = operation.spread(reach) + slack
    if operation.bias is not None:
        made = made + operation.bias
    return made - radius, made + radius


def preactivations(program: Program, region: Region, *, linear: bool) -> dict[int, Interval]:
    """Return intervals (B, n) of every activation's input over a batch of regions, by index.

    Interval bound propagation, and where ``linear`` CROWN narrows it. Infinite where the region is.
    """
    walk = Walk(
        region, Values(), linear=linear and bool(torch.isfinite(region.interval()[0]).all())
    )
    walk.run(program)
    return walk.found


def derivatives(program: Program, found: dict[int, Interval]) -> dict[int, Interval]:
    """Return the ranges of every activation's Clarke derivative, given its input's intervals."""
    from tiltyard.implementations.lipschitz._program import pointwise

    return {one.index: slopes(one.activation, *found[one.index]) for one in pointwise(program)}


def meet(one: Interval, other: Interval) -> Interval:
    """Return the intersection of two intervals that both hold the values."""
    return _ordered(torch.maximum(one[0], other[0]), torch.minimum(one[1], other[1]))


def _ordered(lower: Tensor, upper: Tensor) -> Interval:
    """Return the interval, its ends exchanged where rounding has crossed them."""
    return torch.minimum(lower, upper), torch.maximum(lower, upper)


def _times(interval: Interval, factor: float) -> Interval:
    lower, upper = interval
    return (factor * lower, factor * upper) if factor >= 0.0 else (factor * upper, factor * lower)


def _sum(one: Interval, other: Interval) -> Interval:
    return one[0] + other[0], one[1] + other[1]
