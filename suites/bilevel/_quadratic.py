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
        lower_rows: Tensor
        upper_rows: Tensor

    def __init__(self, data: dict[str, NDArray[Any]], x0: Any, y0: Any) -> None:
        self.n_lower, self.n_upper = len(data["A"]), len(data["E"])
        means = {f"mean_{name}": data[name].mean(axis=0) for name in FIELDS}
        arrays = {name: data[name] for name in FIELDS}
        super().__init__(x0, y0, data={**arrays, **means, **_slopes(arrays)})
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

    def _product(self, name: str, v: Tensor, rows: Tensor | None) -> Tensor:
        """Return the mean matrix times v; of few samples, the mean of their products is cheaper."""
        if rows is None:
            return self._mean(name, None) @ v
        samples: Tensor = getattr(self, name)
        return (samples.index_select(0, rows) @ v).mean(dim=0)

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        E, H, K, e, h = (self._mean(name, rows) for name in "EHKeh")
        return y @ (0.5 * (E @ y) + e) + x @ (0.5 * (H @ x) + K @ y + h)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        A, C, a = (self._mean(name, rows) for name in "ACa")
        return y @ (0.5 * (A @ y) + a) + x @ (C @ y)

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        if rows is not None:
            return _slope(self.upper_rows[:, self.dim_y :], x, y, rows)
        return self._mean("H", None) @ x + self._mean("K", None) @ y + self._mean("h", None)

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        if rows is not None:
            return _slope(self.upper_rows[:, : self.dim_y], x, y, rows)
        return self._mean("E", None) @ y + x @ self._mean("K", None) + self._mean("e", None)

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        if rows is not None:
            both = _slope(self.upper_rows, x, y, rows)
            return both[self.dim_y :], both[: self.dim_y]
        return self.upper_gradient_x(x, y, None), self.upper_gradient_y(x, y, None)

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self.cross_product(x, y, y, rows)

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        if rows is not None:
            return _slope(self.lower_rows, x, y, rows)
        return self._mean("A", None) @ y + x @ self._mean("C", None) + self._mean("a", None)

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.lower_gradient_x(x, y, rows), self.lower_gradient_y(x, y, rows)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y
        return self._product("A", v, rows)

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y
        return self._product("C", v, rows)

    def curvature(self, x: Tensor) -> tuple[float, float]:
        del x
        return self._curvature


def _slopes(data: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the matrices that map (y, x, 1) to each sample's gradient: of f in y, of F in (y, x).

    One product of a minibatch then takes half the time of one for each coefficient.
    """

    def transposed(name: str) -> NDArray[Any]:
        return data[name].transpose(0, 2, 1)

    def column(name: str) -> NDArray[Any]:
        return data[name][:, :, None]

    in_y = np.concatenate((data["E"], transposed("K"), column("e")), axis=2)
    in_x = np.concatenate((data["K"], data["H"], column("h")), axis=2)
    return {
        "lower_rows": np.concatenate((data["A"], transposed("C"), column("a")), axis=2),
        "upper_rows": np.concatenate((in_y, in_x), axis=1),
    }


def _slope(matrices: Tensor, x: Tensor, y: Tensor, rows: Tensor) -> Tensor:
    """Return the mean over rows of the products with (y, x, 1)."""
    import torch

    point = torch.cat((y, x, x.new_ones(1)))
    return (matrices.index_select(0, rows) @ point).mean(dim=0)
