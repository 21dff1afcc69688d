"""Limited-memory BFGS that yields its iterates (Nocedal & Wright 2006, algorithms 7.4 and 7.5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Oracle = Callable[[Array], tuple[float, Array]]
Pairs = deque[tuple[Array, Array]]


def lbfgs(oracle: Oracle, w: Array, pairs: Pairs, tolerance: float) -> Iterator[Array]:
    """Yield iterates until the quasi-Newton model predicts a decrease below ``tolerance``.

    Args:
        oracle: returns value and gradient, float64 (d,), at a point.
        w: (d,) float64, the start.
        pairs: latest steps and gradient differences, oldest first; extended in place, so that a
            later call with a similar oracle can build on them.
        tolerance: in the units of the value.
    """
    value, gradient = oracle(w)
    while True:
        # A value below the tolerance may be rounding alone, and would make the first step nothing.
        size = abs(value) if abs(value) > tolerance else 1e3 * tolerance
        direction = -inverse_hessian_product(pairs, gradient, size)
        slope = float(gradient @ direction)
        if not slope < -tolerance:
            return
        found = wolfe_step(oracle, w, (value, slope), direction)
        if found is None or not found[1] < value:
            return
        new, value, new_gradient = found
        step, change = new - w, new_gradient - gradient
        if step @ change > 1e-14 * np.linalg.norm(step) * np.linalg.norm(change):
            pairs.append((step, change))
        w, gradient = new, new_gradient
        yield w


@np.errstate(all="ignore")
def inverse_hessian_product(pairs: Pairs, gradient: Array, value: float) -> Array:
    """Return the (d,) product of the inverse Hessian's estimate with the gradient.

    Without pairs the estimate is value / ||gradient||^2, the multiple of the identity whose unit is
    right whatever the units of the problem; where the value is zero, 1 stands in.
    """
    product = gradient.copy()
    shares = []
    for step, change in reversed(pairs):
        share = float(step @ product) / float(step @ change)
        product -= share * change
        shares.append(share)
    if pairs:
        step, change = pairs[-1]
        product *= float(step @ change) / float(change @ change)
    else:
        product *= (value or 1.0) / float(gradient @ gradient or 1.0)
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        product += step * (share - float(change @ product) / float(step @ change))
    return product


@np.errstate(all="ignore")
def wolfe_step(
    oracle: Oracle, w: Array, start: tuple[float, float], direction: Array
) -> tuple[Array, float, Array] | None:
    """Return (point, value, gradient) that meets the weak Wolfe conditions, or None.

    Bracketing as in Lewis & Overton (2013), doi:10.1007/s10107-012-0514-2, which also serves
    functions with kinks. None means that 40 trials did not decrease the value: the end of what
    float64 resolves.

    Args:
        oracle: returns value and gradient.
        w: (d,) float64.
        start: value at w, and slope along the direction there.
        direction: (d,) float64.
    """
    value, slope = start
    low, high, step = 0.0, np.inf, 1.0
    best = None
    for _ in range(40):
        point = w + step * direction
        trial, gradient = oracle(point)
        if not trial <= value + 1e-4 * step * slope:
            high = step
        elif float(gradient @ direction) < 0.9 * slope:
            low, best = step, (point, trial, gradient)
        else:
            return point, trial, gradient
        step = 0.5 * (low + high) if np.isfinite(high) else 2.0 * low
    return best
