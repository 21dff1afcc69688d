"""Bilevel problems whose two levels are quadratic: the optimum is one linear solve away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.bilevel.model import Model, Pair

if TYPE_CHECKING:
    from torch import Tensor

FIELDS = {"A": "yy", "C": "xy", "a": "y", "E": "yy", "H": "xx", "K": "xy", "e": "y", "h": "x"}
"""The coefficients, and of which variables their axes are."""

FEW, SMALL = 40, 10
"""The most samples, and entries of x and of y, in a miniature."""


class Quadratic(Model):
    """Means over samples i of two quadratics, f strongly convex in y.

    f_i = y'A_i y / 2 + x'C_i y + a_i'y and
    F_i = y'E_i y / 2 + x'H_i x / 2 + x'K_i y + e_i'y + h_i'x.

    Args:
        data: A (n, dim_y, dim_y), C (n, dim_x, dim_y), a (n, dim_y), and for the m samples of F,
            E (m, dim_y, dim_y), H (m, dim_x, dim_x), K (m, dim_x, dim_y), e (m, dim_y),
            h (m, dim_x); A, E and H symmetric.
    """

    if TYPE_CHECKING:
        A: Tensor
        C: Tensor
        a: Tensor
        E: Tensor
        H: Tensor
        K: Tensor
        e: Tensor
        h: Tensor

    def __init__(self, data: dict[str, NDArray[Any]], x0: Any, y0: Any) -> None:
        self.n_lower, self.n_upper = len(data["A"]), len(data["E"])
        means = {f"mean_{name}": data[name].mean(axis=0) for name in FIELDS}
        super().__init__(x0, y0, data={**{name: data[name] for name in FIELDS}, **means})
        values = np.linalg.eigvalsh(means["mean_A"])
        self._curvature = float(values[0]), float(values[-1])

    def miniature(self) -> Self:
        """Return the problem of the first samples in the first entries of x and y."""
        some = slice(SMALL)
        data = {
            name: self.arrays[name][(slice(FEW), *(some for _ in axes))]
            for name, axes in FIELDS.items()
        }
        return type(self)(data, self.arrays["x0"][some], self.arrays["y0"][some])

    def _mean(self, name: str, rows: Tensor | None) -> Tensor:
        """Return the mean of one coefficient over rows; that over all samples is kept."""
        if rows is None:
            kept: Tensor = getattr(self, f"mean_{name}")
            return kept
        samples: Tensor = getattr(self, name)
        return samples[rows].mean(dim=0)

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        E, H, K, e, h = (self._mean(name, rows) for name in "EHKeh")
        return y @ (0.5 * (E @ y) + e) + x @ (0.5 * (H @ x) + K @ y + h)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        A, C, a = (self._mean(name, rows) for name in "ACa")
        return y @ (0.5 * (A @ y) + a) + x @ (C @ y)

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self._mean("H", rows) @ x + self._mean("K", rows) @ y + self._mean("h", rows)

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self._mean("E", rows) @ y + x @ self._mean("K", rows) + self._mean("e", rows)

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        K = self._mean("K", rows)
        return (
            self._mean("H", rows) @ x + K @ y + self._mean("h", rows),
            self._mean("E", rows) @ y + x @ K + self._mean("e", rows),
        )

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x
        return self._mean("C", rows) @ y

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self._mean("A", rows) @ y + x @ self._mean("C", rows) + self._mean("a", rows)

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        C = self._mean("C", rows)
        return C @ y, self._mean("A", rows) @ y + x @ C + self._mean("a", rows)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y
        return self._mean("A", rows) @ v

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y
        return self._mean("C", rows) @ v

    def curvature(self, x: Tensor) -> tuple[float, float]:
        del x
        return self._curvature
