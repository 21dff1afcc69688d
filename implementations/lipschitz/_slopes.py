"""Lipschitz constants of elementwise nonlinearities."""

from __future__ import annotations

import math

from tiltyard.suites.lipschitz.layers import Activation


def steepest(activation: Activation) -> float:
    """Return the largest absolute derivative of an elementwise nonlinearity."""
    match activation.kind:
        case "leaky_relu":
            return max(1.0, abs(activation.slope))
        case "sigmoid":
            return 0.25
        case "gelu":  # Phi(z) + z phi(z) is largest at z = sqrt 2
            half = 0.5 * (1.0 + math.erf(1.0))
            return half + math.sqrt(2.0) * math.exp(-1.0) / math.sqrt(2.0 * math.pi)
        case _:
            return 1.0
