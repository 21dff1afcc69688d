"""Bilevel problems whose two levels are quadratic: the optimum is one linear solve away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.suites.bilevel.model import Model, Pair

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
        one: Tensor

    def __init__(self, data: dict[str, NDArray[Any]], x0: Any, y0: Any) -> None:
        self.n_lower, self.n_upper = len(data["A"]), len(data["E"])
        arrays = {name: data[name] for name in FIELDS} | _slopes(data)
        means = {f"mean_{name}": array.mean(axis=0) for name, array in arrays.items()}
        super().__init__(x0, y0, data={**arrays, **means, "one": np.ones(1)})
        self._weights: dict[int, Tensor] = {}
        self._latest: dict[str, tuple[Tensor, int, Tensor]] = {}
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
        # Several products on the same rows then take one pass: of one step, or of two points.
        if (known := self._known(name, rows)) is not None:
            return known
        if name in ("A", "C") and (slope := self._known("lower_slope", rows)) is not None:
            d = self.dim_y
            return slope[:, :d] if name == "A" else slope[:, d : d + self.dim_x].T
        samples: Tensor = getattr(self, name)
        if (weights := self._weights.get(len(rows))) is None:
            weights = self._weights[len(rows)] = samples.new_full((len(rows),), 1.0 / len(rows))
        # A product with equal weights takes less time than mean() over the first axis.
        found = (weights @ samples.flatten(1).index_select(0, rows)).view(samples.shape[1:])
        self._latest[name] = rows, rows._version, found  # noqa: SLF001
        return found

    def _known(self, name: str, rows: Tensor) -> Tensor | None:
        """Return the mean over rows where it is the latest, and nothing has written to them."""
        known = self._latest.get(name)
        if known is not None and known[0] is rows and known[1] == rows._version:  # noqa: SLF001
            return known[2]
        return None

    def on(self, device: str) -> Self:
        new = device not in self._on_device
        placed = super().on(device)
        if new:
            placed._weights, placed._latest = {}, {}  # noqa: SLF001 - a copy of self
        return placed

    def _slope(self, name: str, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        """Return the gradients that one matrix maps (y, x, 1) to."""
        return self._mean(name, rows) @ torch.cat((y, x, self.one))

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        E, H, K, e, h = (self._mean(name, rows) for name in "EHKeh")
        return y @ (0.5 * (E @ y) + e) + x @ (0.5 * (H @ x) + K @ y + h)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        A, C, a = (self._mean(name, rows) for name in "ACa")
        return y @ (0.5 * (A @ y) + a) + x @ (C @ y)

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self.upper_gradients(x, y, rows)[0]

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self.upper_gradients(x, y, rows)[1]

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        both = self._slope("upper_slope", x, y, rows)
        return both[self.dim_y :], both[: self.dim_y]

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self.cross_product(x, y, y, rows)

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        return self._slope("lower_slope", x, y, rows)

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.lower_gradient_x(x, y, rows), self.lower_gradient_y(x, y, rows)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y
        return self._mean("A", rows) @ v

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del x, y
        return self._mean("C", rows) @ v

    def curvature(self, x: Tensor) -> tuple[float, float]:
        del x
        return self._curvature


def _slopes(data: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the matrices that map (y, x, 1) to each sample's gradient: of f in y, of F in (y, x).

    A minibatch's gradient then takes half the time that a product for each coefficient would.
    """

    def transposed(name: str) -> NDArray[Any]:
        return data[name].transpose(0, 2, 1)

    def column(name: str) -> NDArray[Any]:
        return data[name][:, :, None]

    in_y = np.concatenate((data["E"], transposed("K"), column("e")), axis=2)
    in_x = np.concatenate((data["K"], data["H"], column("h")), axis=2)
    return {
        "lower_slope": np.concatenate((data["A"], transposed("C"), column("a")), axis=2),
        "upper_slope": np.concatenate((in_y, in_x), axis=1),
    }
