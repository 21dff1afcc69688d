"""Limited-memory BFGS for a strongly convex lower level, in torch and by gradients alone.

Nocedal and Wright (2006), algorithm 7.4. The slope along a line of a convex function is monotone,
so that it alone says where to stop: no value is asked for, and none is lost in rounding.
"""

from __future__ import annotations

import math
from collections import deque

import torch
from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem

MEMORY = 20

TRIALS = 30
"""Points of one line search."""

STEEP, RISING = 0.9, 0.1
"""A point is taken where the slope, over that at the start, is from -0.1 to 0.9."""


class LowerLBFGS:
    """Solves the lower level at one x after another, each from the last y; charges ``f_y``.

    Attributes:
        y: (dim_y,), the latest.
        residual: (dim_y,), the gradient of f in y there.
    """

    def __init__(self, problem: BilevelProblem, y: Tensor) -> None:
        self._problem = problem
        self.y, self.residual = y, torch.zeros_like(y)

    def solve(self, x: Tensor, tolerance: float, iterations: int = 10_000) -> Tensor:
        """Return y where the gradient's norm is at most ``tolerance``, or the closest.

        It ends earlier after so many iterations, and where rounding ends every progress or
        something is not finite.
        """
        y, g = self.y, self._problem.lower_gradient_y(x, self.y)
        size = float(g.norm())
        pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=MEMORY)
        best, stale = (size, y, g), 0
        for _ in range(iterations):
            if size <= tolerance or stale == MEMORY or not math.isfinite(size):
                break
            step = self._line(x, y, g, _direction(pairs, g))
            if step is None:
                break
            s, fresh = step
            change = fresh - g
            if float(s @ change) > 0.0:
                pairs.append((s, change))
            y, g = y + s, fresh
            size = float(g.norm())
            stale = stale + 1 if not size < best[0] else 0
            if not stale:
                best = size, y, g
        _, self.y, self.residual = best
        return self.y

    def _line(
        self, x: Tensor, y: Tensor, g: Tensor, direction: Tensor
    ) -> tuple[Tensor, Tensor] | None:
        """Return the step along the direction and the gradient at its end; None if none is."""
        start = float(g @ direction)
        if not start < 0.0:
            return None
        low, high, t = (0.0, 1.0), (math.inf, 0.0), 1.0
        for _ in range(TRIALS):
            fresh = self._problem.lower_gradient_y(x, y + t * direction)
            relative = float(fresh @ direction) / start
            if -RISING <= relative <= STEEP:
                return t * direction, fresh
            # The slope's ratio is 1 at 0 and falls: above STEEP the step is too short.
            if relative > STEEP:
                low = t, relative
            else:
                high = t, relative
            t = _between(low, high)
        return None


def _between(low: tuple[float, float], high: tuple[float, float]) -> float:
    """Return the next step by the secant of the slopes, away from the ends; twice as long if open.

    A slope that is not finite counts as too steep a rise.
    """
    if high[0] == math.inf:
        return 4.0 * low[0]
    width = high[0] - low[0]
    share = low[1] / (low[1] - high[1]) if math.isfinite(high[1]) else 0.1
    return low[0] + width * min(max(share, 0.1), 0.9)


def _direction(pairs: deque[tuple[Tensor, Tensor]], g: Tensor) -> Tensor:
    """Return minus the product of the inverse Hessian's estimate with the gradient."""
    if not pairs:
        return -g / max(1.0, float(torch.linalg.vector_norm(g)))
    q, shares = -g, []
    for s, change in reversed(pairs):
        share = float(s @ q) / float(s @ change)
        q = q - share * change
        shares.append(share)
    s, change = pairs[-1]
    q = q * (float(s @ change) / float(change @ change))
    for (s, change), share in zip(pairs, reversed(shares), strict=True):
        q = q + s * (share - float(change @ q) / float(s @ change))
    return q
