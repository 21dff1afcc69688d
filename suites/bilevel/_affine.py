"""Bilevel problems coupled by linear equations, with the exact projection onto them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tiltyard.suites.bilevel.model import Array, Model, Pair

START = 10.0
"""Every entry of x and y, before they are projected onto the equations."""

RANK = 1e-12
"""Singular values up to this share of the largest one count as zero."""


class Affine(Model):
    """Equations H x + A y = 0 in the lower level, and X = {x: B x = 0}; subclasses state F and f.

    Projections are onto null spaces: orthonormal rows Q of the same span, found once by the
    singular value decomposition, leave z - Q'Q z.

    Attributes:
        slope_norm: |A|, the spectral norm of g's derivative in y. Primal-dual steps in y and
            multipliers are stable up to lengths of the order of mu / |A|^2.

    Args:
        H: (equations, dim_x).
        A: (equations, dim_y).
        B: (rows, dim_x); no rows where X is the whole space.
        data: what F and f take besides.
    """

    form = "linear"
    joint = True

    if TYPE_CHECKING:
        H: Tensor
        A: Tensor
        outer: Tensor
        both: Tensor

    def __init__(
        self, H: Array, A: Array, B: Array | None = None, data: dict[str, Array] | None = None
    ) -> None:
        B = np.zeros((0, H.shape[1])) if B is None else B
        self.equations, self.affine = len(A), len(B) > 0
        self.slope_norm = float(np.linalg.norm(A, 2))
        zero = np.zeros((len(B), A.shape[1]))
        outer, both = _basis(B), _basis(np.vstack((np.hstack((H, A)), np.hstack((B, zero)))))
        ones = torch.ones(both.shape[1], dtype=torch.float64)
        z = _without(torch.from_numpy(both), START * ones).numpy()
        super().__init__(
            z[: H.shape[1]],
            z[H.shape[1] :],
            data={**(data or {}), "H": H, "A": A, "outer": outer, "both": both},
        )

    def constraints(self, x: Tensor, y: Tensor) -> Tensor:
        return self.H @ x + self.A @ y

    def constraint_products(self, x: Tensor, y: Tensor, multipliers: Tensor) -> Pair:
        del x, y
        return multipliers @ self.H, multipliers @ self.A

    def project_x(self, x: Tensor) -> Tensor:
        return _without(self.outer, x) if self.affine else x

    def project_joint(self, x: Tensor, y: Tensor) -> Pair:
        z = _without(self.both, torch.cat((x, y)))
        return z[: self.dim_x], z[self.dim_x :]


class LinearLower(Affine):
    """``llc``: a lower level that is linear in half of y, and has many solutions.

    With y = (u, v) and e the vector of ones, F = |x - v|^2 / 2 + |u - e|^2 / 2 and
    f = |u|^2 / 2 - x'u + e'v subject to e'x + e'u + e'v = 0. The lower level's solutions are
    u = x + e and every v of e'v = -2 e'x - n; of them F takes the best, and x = -0.3 e,
    u = 0.7 e, v = -0.4 e with F = n / 20.
    """

    convexity = "convex"
    unique = False

    def __init__(self, n: int) -> None:
        super().__init__(np.ones((1, n)), np.ones((1, 2 * n)))

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        u, v = y[: self.dim_x], y[self.dim_x :]
        value: Tensor = 0.5 * ((x - v).square().sum() + (u - 1.0).square().sum())
        return value

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return x - y[self.dim_x :]

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        u, v = y[: self.dim_x], y[self.dim_x :]
        return torch.cat((u - 1.0, v - x))

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.upper_gradient_x(x, y, rows), self.upper_gradient_y(x, y, rows)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        u, v = y[: self.dim_x], y[self.dim_x :]
        return u @ (0.5 * u - x) + v.sum()

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x, rows
        return -y[: self.dim_x]

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return torch.cat((y[: self.dim_x] - x, torch.ones_like(x)))

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.lower_gradient_x(x, y, rows), self.lower_gradient_y(x, y, rows)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y, rows
        return torch.cat((v[: self.dim_x], torch.zeros_like(v[self.dim_x :])))

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y, rows
        return -v[: self.dim_x]


class NearestLower(Affine):
    """``llsc``: y is the point nearest to x on the equations, and F is not convex.

    F = sin(c'x + d'y) + log(|x + y|^2 + 1) and f = |x - y|^2 / 2 subject to H x + A y = 0, with
    B x = 0 in the upper level.

    Args:
        H: (equations, n).
        A: (equations, n), of full row rank.
        B: (rows, n).
        c: (n,).
        d: (n,).
    """

    if TYPE_CHECKING:
        c: Tensor
        d: Tensor

    def __init__(self, H: Array, A: Array, B: Array, c: Array, d: Array) -> None:
        super().__init__(H, A, B, {"c": c, "d": d})

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return (self.c @ x + self.d @ y).sin() + (x + y).square().sum().log1p()

    def _upper_parts(self, x: Tensor, y: Tensor) -> Pair:
        """Return the sine's derivative, and the logarithm's gradient in either of x and y."""
        both = x + y
        return (self.c @ x + self.d @ y).cos(), both * (2.0 / (1.0 + both @ both))

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self.upper_gradients(x, y, rows)[0]

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self.upper_gradients(x, y, rows)[1]

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        del rows
        slope, rest = self._upper_parts(x, y)
        return slope * self.c + rest, slope * self.d + rest

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        value: Tensor = 0.5 * (x - y).square().sum()
        return value

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return x - y

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return y - x

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        del rows
        return x - y, y - x

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y, rows
        return v.clone()

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y, rows
        return -v

    def curvature(self, x: Tensor) -> tuple[float, float]:
        del x
        return 1.0, 1.0


def _basis(rows: Array) -> Array:
    """Return orthonormal rows that span the same space."""
    _, values, directions = np.linalg.svd(rows, full_matrices=False)
    kept: Array = directions[values > RANK * values.max(initial=0.0)]
    return kept


def _without(basis: Tensor, z: Tensor) -> Tensor:
    """Return z less its projection onto the basis; twice, for the first one's rounding."""
    for _ in range(2):
        z = z - (basis @ z) @ basis
    return z
