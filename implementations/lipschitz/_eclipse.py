"""Bounds layer by layer: quadratic forms that a network's differences cannot increase.

Xu & Sivaranjani (2024), arXiv:2404.04375. With |z_0|^2 = x' X_0 x, X_0 = I, a layer y = s(W z) of
slopes in [low, high] and multipliers t > 0 gives z' X z >= y' X_next y for every X_next with

    [ T - X_next    -m T W         ]
    [ -m W' T       X + p W' T W   ]  >= 0,    m = (low + high) / 2,  p = low high,  T = diag(t),

and the largest is T - m^2 T W (X + p W' T W)^-1 W' T. The Lipschitz constant is at most the square
root of the least rho with rho X_last >= V' V, V the last weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._lipsdp_certificate import factor
from tiltyard.suites.lipschitz.layers import Activation, Array
from tiltyard.suites.lipschitz.network import Chain, Nonlinear


@dataclass(frozen=True, eq=False)
class Stage:
    """A linear layer and the nonlinearity behind it.

    Attributes:
        weight: (n, k).
        low: least slope of the nonlinearity.
        high: its largest, above ``low``.
    """

    weight: Array
    low: float
    high: float

    @property
    def middle(self) -> float:
        """The middle of the slopes."""
        return (self.low + self.high) / 2

    @property
    def reach(self) -> float:
        """Half the width of the slopes."""
        return (self.high - self.low) / 2


def stages(chain: Chain) -> tuple[list[Stage], Array]:
    """Return the layers with a nonlinearity, and the last weight.

    Raises:
        Unsupported: naming a nonlinearity that is not elementwise.
    """
    pairs = zip(chain.weights[:-1], chain.activations, strict=True)
    return [Stage(weight, *_slopes(layer)) for weight, layer in pairs], chain.weights[-1]


def _slopes(layer: Nonlinear) -> tuple[float, float]:
    import torch

    from tiltyard.implementations.lipschitz._scalar import slopes

    if not isinstance(layer, Activation):
        name = type(layer).__name__.lower()
        raise Unsupported(f"takes elementwise nonlinearities; this network has {name} layers")
    ends = torch.tensor([-np.inf, np.inf], dtype=torch.float64)
    low, high = (float(end) for end in slopes(layer, *ends))
    # Slopes of one value would leave nothing to multiply: widened, they stay a bound.
    return low, max(high, low + 1e-9)


def silent(layers: list[Stage], last: Array) -> bool:
    """Return whether a weight is zero, and with it the network's Jacobian."""
    return not all(weight.any() for weight in (*(layer.weight for layer in layers), last))


def plain(X: Array, stage: Stage) -> Array:
    """Return one multiplier for all neurons, (n,), that of ECLipsE-Fast.

    It maximises the least eigenvalue of X_next: with g the largest eigenvalue of W X^-1 W' it is
    1 / (g r (m + r)), r half the slopes' width, and 2 / g for slopes from 0 to 1.

    Raises:
        LinAlgError: X is not positive definite.
    """
    from scipy.linalg import solve_triangular

    half = solve_triangular(np.linalg.cholesky(X), stage.weight.T, lower=True)
    size = float(np.linalg.norm(half, 2)) ** 2
    # A larger multiplier than this would lose the positive part of a GELU's lower right block.
    steepest = stage.reach * (abs(stage.middle) + stage.reach)
    return np.full(len(stage.weight), 1.0 / (size * steepest))


def after(X: Array, stage: Stage, t: Array) -> Array | None:
    """Return the proved quadratic form behind a layer; None if these multipliers prove none.

    The largest form is made smaller until the matrix above is positive definite in spite of all
    rounding.
    """
    from scipy.linalg import solve_triangular

    cross = stage.middle * t[:, None] * stage.weight
    low = X + stage.low * stage.high * stage.weight.T @ (t[:, None] * stage.weight)
    lower = factor(low)
    if lower is None:
        return None
    half = solve_triangular(lower, cross.T, lower=True, check_finite=False)
    best = np.diag(t) - half.T @ half
    best = (best + best.T) / 2
    size = X.diagonal() + abs(stage.low * stage.high) * ((stage.weight**2).T @ t)
    sizes = np.concatenate([2.0 * t, size])
    for slack in 10.0 ** np.arange(-12, -2):
        found = best - slack * np.diag(t)
        whole = np.block([[np.diag(t) - found, -cross], [-cross.T, low]])
        if proved(whole, sizes):
            return found if factor(found) is not None else None
    return None


def constant(X: Array, last: Array) -> float:
    """Return a proved Lipschitz constant, or infinity: the square root of the least rho."""
    from scipy.linalg import solve_triangular

    lower = factor(X)
    if lower is None:
        return np.inf
    half = solve_triangular(lower, last.T, lower=True, check_finite=False)
    rho = float(np.linalg.norm(half, 2)) ** 2
    square = last.T @ last
    for slack in 10.0 ** np.arange(-12, -2):
        trial = rho * (1.0 + slack)
        if proved(trial * X - square, trial * X.diagonal() + square.diagonal()):
            return math.sqrt(trial)
    return np.inf


def proved(M: Array, sizes: Array) -> bool:
    """Return whether M is positive definite, whatever was rounded in its entries and here.

    Args:
        M: symmetric, (n, n).
        sizes: (n,) bounds of the size of what its diagonal is summed from.
    """
    # As in ``certified``: n (n + 5) ulp covers the factorisation and the sums in M.
    own = np.arange(len(M))
    M = M.copy()
    M[own, own] -= 2.0 * (len(M) + 5) ** 2 * np.finfo(float).eps * sizes
    return factor(M) is not None
