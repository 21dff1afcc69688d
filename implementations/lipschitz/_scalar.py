"""Elementwise nonlinearities: ranges of their derivatives, and linear functions that bound them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch

from tiltyard.suites.lipschitz.layers import Activation

Tensor = torch.Tensor

FAR = 40.0
"""Beyond it every smooth nonlinearity here is linear, or constant, to the last bit of float64."""

HALVINGS = 40
"""Steps of bisection for a point of given slope; it enters the bound to second order alone."""


@dataclass(frozen=True)
class Lines:
    """lower_slope z + lower <= s(z) <= upper_slope z + upper, entry by entry."""

    lower_slope: Tensor
    lower: Tensor
    upper_slope: Tensor
    upper: Tensor


def value(activation: Activation, z: Tensor) -> Tensor:
    """Return s(z), entry by entry."""
    if activation.kind == "gelu":  # its own formula gives NaN at infinity
        made: Tensor = torch.nn.functional.gelu(z.clamp(min=-FAR))
        return torch.where(z < -FAR, torch.zeros_like(made), made)
    return activation.apply(z)


def derivative(activation: Activation, z: Tensor) -> Tensor:
    """Return s'(z) of a smooth nonlinearity."""
    z = z.clamp(-FAR, FAR)
    match activation.kind:
        case "tanh":
            return 1.0 - torch.tanh(z).square()
        case "sigmoid":
            return torch.sigmoid(z) * torch.sigmoid(-z)
        case "softplus":
            return torch.sigmoid(z)
        case _:  # gelu: Phi(z) + z phi(z)
            density = torch.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi)
            share: Tensor = torch.special.ndtr(z)
            return share + z * density


def turns(activation: Activation) -> tuple[float, ...]:
    """Return where s'' changes its sign, for a smooth nonlinearity."""
    match activation.kind:
        case "tanh" | "sigmoid":
            return (0.0,)
        case "gelu":
            return (-math.sqrt(2.0), math.sqrt(2.0))
        case _:
            return ()


def slopes(activation: Activation, lower: Tensor, upper: Tensor) -> tuple[Tensor, Tensor]:
    """Return the range of the Clarke derivative on [lower, upper], entry by entry.

    A ReLU's is [0, 1] where zero is in the interval, its ends included.
    """
    if activation.kind in ("relu", "leaky_relu"):
        below = 0.0 if activation.kind == "relu" else activation.slope
        one = torch.ones_like(lower)
        left, right = torch.where(lower > 0.0, one, below), torch.where(upper < 0.0, below, one)
        return torch.minimum(left, right), torch.maximum(left, right)
    at = [derivative(activation, end) for end in (lower, upper)]
    low, high = torch.minimum(*at), torch.maximum(*at)
    for turn in turns(activation):
        inside = (lower <= turn) & (turn <= upper)
        extreme = derivative(activation, torch.full_like(lower, turn))
        low = torch.where(inside, torch.minimum(low, extreme), low)
        high = torch.where(inside, torch.maximum(high, extreme), high)
    slack = 1e-14 if lower.dtype == torch.float64 else 1e-6
    return low - slack, high + slack


def lines(activation: Activation, lower: Tensor, upper: Tensor) -> Lines:
    """Return linear bounds of the nonlinearity on [lower, upper], entry by entry.

    ReLU: the chord above, and below the line of slope 0 or 1 through zero that leaves the smaller
    area (CROWN: Zhang et al. 2018, arXiv:1811.00866). Smooth ones: of the slopes of the chord and
    of the tangents at the middle and the ends, the one that leaves the smallest area, moved until
    it touches the curve.
    """
    if activation.kind in ("relu", "leaky_relu"):
        below = 0.0 if activation.kind == "relu" else activation.slope
        return _kinked(below, lower, upper)
    return _smooth(activation, lower, upper)


def _kinked(below: float, lower: Tensor, upper: Tensor) -> Lines:
    """Bound max(z, below z), or min of them where below > 1."""
    positive, negative = lower >= 0.0, upper <= 0.0
    width = torch.where(positive | negative, 1.0, upper - lower)
    chord = (upper - below * lower) / width
    offset = torch.where(positive | negative, 0.0, upper - chord * upper)
    one = torch.ones_like(lower)
    touch = torch.where(upper > -lower, one, below)
    stable = torch.where(positive, one, below)
    either = positive | negative
    chord, touch = torch.where(either, stable, chord), torch.where(either, stable, touch)
    zero = torch.zeros_like(lower)
    if below > 1.0:
        return Lines(chord, offset, touch, zero)
    return Lines(touch, zero, chord, offset)


def _smooth(activation: Activation, lower: Tensor, upper: Tensor) -> Lines:
    middle = (lower + upper) / 2.0
    width = (upper - lower).clamp(min=1e-6)
    chord = (value(activation, upper) - value(activation, lower)) / width
    candidates = [derivative(activation, z) for z in (middle, lower, upper)]
    slope = torch.stack([chord, *candidates])
    low, high = _offsets(activation, slope, lower.expand_as(slope), upper.expand_as(slope))
    best_low = (slope * middle + low).argmax(dim=0, keepdim=True)
    best_high = (slope * middle + high).argmin(dim=0, keepdim=True)

    def pick(table: Tensor, best: Tensor) -> Tensor:
        return table.gather(0, best)[0]

    return Lines(
        pick(slope, best_low), pick(low, best_low), pick(slope, best_high), pick(high, best_high)
    )


def _offsets(
    activation: Activation, slope: Tensor, lower: Tensor, upper: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the least and the largest s(z) - slope z on the intervals.

    s' is monotone between the turns, so that each piece has at most one point of that slope.
    """
    touched: list[Tensor] = []
    ends = (-math.inf, *turns(activation), math.inf)
    for left, right in pairwise(ends):
        a, b = lower.clamp(left, right), upper.clamp(left, right)
        touched += [a, b]
        rising = derivative(activation, b) >= derivative(activation, a)
        for _ in range(HALVINGS):
            z = (a + b) / 2.0
            beyond = (derivative(activation, z) > slope) == rising
            a, b = torch.where(beyond, a, z), torch.where(beyond, z, b)
        touched.append((a + b) / 2.0)
    z = torch.stack(touched)
    heights = value(activation, z) - slope * z
    share = 1e-13 if slope.dtype == torch.float64 else 1e-5
    slack = share * (1.0 + torch.maximum(lower.abs(), upper.abs()))
    return heights.amin(dim=0) - slack, heights.amax(dim=0) + slack
