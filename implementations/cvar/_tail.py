"""Value at risk and CVaR of finitely many weighted losses, with the fractional atom."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def tail_risk(losses: Array, p: Array, beta: float) -> tuple[float, float]:
    """Return (CVaR, value at risk): the Rockafellar-Uryasev minimum over alpha and its minimiser.

    Args:
        losses: (n,) float64.
        p: (n,) float64 probabilities that sum to 1.
        beta: the level, in [0, 1).
    """
    order = np.argsort(-losses, kind="stable")
    mass = np.cumsum(p[order])
    last = min(int(np.searchsorted(mass, (1.0 - beta) * (1 - 1e-15))), len(losses) - 1)
    alpha = float(losses[order[last]])
    tail = order[:last]
    return alpha + float(p[tail] @ (losses[tail] - alpha)) / (1.0 - beta), alpha
