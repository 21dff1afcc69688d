"""Optima that formulas give: of quadratic problems and of the toys coupled by linear equations."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize

from tiltyard.suites.bilevel._affine import LinearLower, NearestLower
from tiltyard.suites.bilevel._quadratic import Quadratic
from tiltyard.suites.bilevel.model import Array, Model

Optimum = tuple[Array, Array, str]
"""x (dim_x,), y (dim_y,), and the argument, in words."""

GRID = 1e-3
"""Distance of points in a scan of t in sin t + log(1 + t^2 / k), of which curvatures are below 3.
"""


def optimum(model: Model) -> Optimum | None:
    """Return a global minimum by a formula; None where there is none."""
    if isinstance(model, Quadratic):
        return quadratic(model)
    if isinstance(model, LinearLower):
        return linear_lower(model.dim_x)
    return nearest_lower(model) if isinstance(model, NearestLower) else None


def quadratic(model: Quadratic) -> Optimum | None:
    """Return the minimum of Phi; None where X has bounds or Phi is not strictly convex.

    y*(x) = -A^-1 (C'x + a), an affine map Y x + s, makes Phi a quadratic of Hessian
    H + K Y + Y'K' + Y'E Y.
    """
    bounds = model.arrays["x_lower"], model.arrays["x_upper"]
    if np.isfinite(bounds).any() or model.affine:
        return None
    A, C, a, E, H, K, e, h = (model.arrays[f"mean_{name}"] for name in "ACaEHKeh")
    Y, s = -np.linalg.solve(A, C.T), -np.linalg.solve(A, a)
    KY = K @ Y
    hessian = H + KY + KY.T + Y.T @ E @ Y
    if not np.linalg.eigvalsh(hessian)[0] > 0.0:
        return None
    x = -np.linalg.solve(hessian, h + K @ s + Y.T @ (E @ s + e))
    return (
        x,
        Y @ x + s,
        "both levels are quadratic: Phi has a definite Hessian, one solve",
    )


def linear_lower(n: int) -> Optimum:
    """Return the optimum of ``llc`` in n dimensions.

    Of u = x + e and v with e'v = -2 e'x - n, F is |x|^2 / 2 plus |x - v|^2 / 2, and the best v has
    x - v = (3 e'x + n) / n e. By convexity and symmetry x = t e, where t^2 + (3 t + 1)^2 is least.
    """
    text = "x = -0.3 e, u = 0.7 e, v = -0.4 e: the best of the lower level's solutions"
    return np.full(n, -0.3), np.repeat([0.7, -0.4], n), text


def nearest_lower(model: NearestLower) -> Optimum | None:
    """Return the optimum of ``llsc``; None where x + y vanishes on more than x = 0.

    y*(x) = Y x, Y = I - pinv(A) (A + H), and x = N z with N a basis of X, make Phi
    sin(w'z) + log(1 + z'M z). Of all z with w'z = t, M^-1 w t / k has the least z'M z, t^2 / k with
    k = w'M^-1 w, so that t alone is left: it minimises sin t + log(1 + t^2 / k). The value is at
    most 0, that of t = 0, which bounds |t|.
    """
    H, A, outer, c, d = (model.arrays[name] for name in ("H", "A", "outer", "c", "d"))
    n = model.dim_x
    Y = np.eye(n) - np.linalg.pinv(A) @ (A + H)
    N = np.linalg.svd(outer)[2][len(outer) :].T
    w, T = N.T @ (c + Y.T @ d), (np.eye(n) + Y) @ N
    M = T.T @ T
    if not np.linalg.eigvalsh(M)[0] > 0.0:
        return None
    z = np.linalg.solve(M, w)
    k = float(w @ z)
    span = math.sqrt(math.expm1(1.0) * k)

    def reduced(t: Array | float) -> Array:
        return np.asarray(np.sin(t) + np.log1p(np.square(t) / k))

    grid = np.linspace(-span, span, max(3, math.ceil(2.0 * span / GRID)))
    near = grid[np.argmin(reduced(grid))]
    found = optimize.brentq(
        lambda t: math.cos(t) + 2.0 * t / (k + t * t), near - GRID, near + GRID, xtol=1e-15
    )
    x = N @ (z * (found / k))
    return x, Y @ x, "reduction to one dimension, which is scanned, and a root of its derivative"
