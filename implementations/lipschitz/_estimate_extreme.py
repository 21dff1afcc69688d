"""The end of a reverse Weibull distribution, by maximum likelihood."""

from __future__ import annotations

import numpy as np

from tiltyard.suites.lipschitz.layers import Array

STEEPEST = 1.0
"""The least shape: below it the likelihood has no maximum."""

FLATTEST = 50.0
"""The largest shape that is tried."""


def end_point(maxima: Array) -> float:
    """Return the end a of P(m <= t) = exp(-((a - t) / s)^c), t <= a, that is most likely.

    Args:
        maxima: (n,) of batches. Where they are all one value, that is returned.
    """
    from scipy.optimize import minimize_scalar

    top = float(maxima.max())
    spread = top - float(maxima.min())
    if spread <= 1e-12 * abs(top):
        return top

    def unlikely(exponent: float) -> float:
        return -_likelihood(np.log(top + spread * 10.0**exponent - maxima))

    # Coarsely first: the likelihood may have two maxima over the end.
    grid = np.linspace(-4.0, 1.0, 26)
    near = grid[int(np.argmin([unlikely(exponent) for exponent in grid]))]
    found = minimize_scalar(unlikely, bounds=(near - 0.2, near + 0.2), method="bounded")
    return top + spread * float(10.0**found.x)


def _likelihood(logs: Array) -> float:
    """Return the mean log-likelihood of distances to the end, at the best scale and shape."""
    from scipy.optimize import brentq

    mean = float(logs.mean())

    def slope(shape: float) -> float:
        weights = np.exp(shape * (logs - logs.max()))
        return 1.0 / shape + mean - float(weights @ logs / weights.sum())

    # The slope falls in the shape.
    if slope(STEEPEST) <= 0.0:
        shape = STEEPEST
    elif slope(FLATTEST) >= 0.0:
        shape = FLATTEST
    else:
        shape = float(brentq(slope, STEEPEST, FLATTEST, xtol=1e-6))
    scale = logs.max() + np.log(np.mean(np.exp(shape * (logs - logs.max())))) / shape
    return float(np.log(shape) - shape * scale + (shape - 1.0) * mean - 1.0)
