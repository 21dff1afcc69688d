"""A support vector machine whose slacks have prices of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.suites.bilevel._polyhedron import project_slacks
from tiltyard.suites.bilevel.model import Array, Model, Pair

START = -5.5
BOX = (-10.0, 5.0)

FLAT = 1e-6
"""Added to |w|^2 where F divides by |w|: F is smooth at w = 0 too."""

FEW = 20
"""Samples of the upper level, and of each label in the lower, in a miniature."""


class SupportVectorMachine(Model):
    """f = |w|^2 / 2 + sum of e^{x_i} s_i^2 / 2 over y = (w, b, s), with margins and slacks.

    g_i = 1 - s_i - t_i (w'a_i + b) <= 0 for sample a_i of label t_i. F is the sum of
    1 / (1 + exp(t (w'a + b) / |w|)) over validation samples. The start separates the classes by
    the difference of their means, with the slacks that this takes.

    Args:
        data: ``features`` (n, d) and ``labels`` (n,), -1 or 1, of the lower level, and
            ``upper_features``, ``upper_labels`` of the upper level; float64.
    """

    convexity = "convex"
    form = "linear"
    joint = True

    if TYPE_CHECKING:
        margins: Tensor
        upper_margins: Tensor

    def __init__(self, data: dict[str, NDArray[Any]]) -> None:
        self._data = data
        margins = _margins(data["features"], data["labels"])
        self.inequalities, self.n_upper = len(margins), len(data["upper_labels"])
        super().__init__(
            np.full(len(margins), START),
            _start(data["features"], data["labels"], margins),
            x_lower=BOX[0],
            x_upper=BOX[1],
            data={
                "margins": margins,
                "upper_margins": _margins(data["upper_features"], data["upper_labels"]),
            },
        )
        self._at = margins.shape[1]

    def miniature(self) -> Self:
        labels = self._data["labels"]
        both = np.concatenate([np.flatnonzero(labels == label)[:FEW] for label in (-1.0, 1.0)])
        first = {"features": both, "labels": both}
        return type(self)(
            {name: array[first.get(name, slice(FEW))] for name, array in self._data.items()}
        )

    def _upper_parts(self, y: Tensor, rows: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """Return the rows of margins, the squared norm of w, and the share of each sample in F."""
        A = self.upper_margins if rows is None else self.upper_margins[rows]
        p = y[: self._at]
        square = p[:-1] @ p[:-1] + FLAT
        return A, square, (A @ p / square.sqrt()).neg().sigmoid()

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x
        return self.n_upper * self._upper_parts(y, rows)[2].mean()

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del y, rows
        return x.new_zeros(self.dim_x)

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x
        A, square, share = self._upper_parts(y, rows)
        p = y[: self._at]
        scale = self.n_upper / (len(A) * square.sqrt())
        slope = scale * (A.T @ (share * (share - 1.0)))
        gradient = y.new_zeros(self.dim_y)
        gradient[: self._at] = slope
        gradient[: self._at - 1] -= (slope @ p / square) * p[:-1]
        return gradient

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.upper_gradient_x(x, y, rows), self.upper_gradient_y(x, y, rows)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        w, slacks = y[: self._at - 1], y[self._at :]
        return 0.5 * (w @ w + x.exp() @ slacks.square())

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return 0.5 * x.exp() * y[self._at :].square()

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        # f is quadratic in y, without a linear part.
        return self.hessian_product(x, y, y, rows)

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.lower_gradient_x(x, y, rows), self.lower_gradient_y(x, y, rows)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del y, rows
        product = v.clone()
        product[self._at - 1] = 0.0
        product[self._at :] *= x.exp()
        return product

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return x.exp() * y[self._at :] * v[self._at :]

    def constraints(self, x: Tensor, y: Tensor) -> Tensor:
        del x
        return 1.0 - y[self._at :] - self.margins @ y[: self._at]

    def constraint_products(self, x: Tensor, y: Tensor, multipliers: Tensor) -> Pair:
        del y
        return x.new_zeros(self.dim_x), -torch.cat((self.margins.T @ multipliers, multipliers))

    def project_joint(self, x: Tensor, y: Tensor) -> Pair:
        """Project x and y apart: g does not depend on x."""
        near, slacks = project_slacks(self.margins, y[: self._at], y[self._at :])
        return self.project_x(x), torch.cat((near, slacks))


def _margins(features: Array, labels: Array) -> Array:
    """Return (n, d + 1) rows of which the products with (w, b) are the margins."""
    return np.asarray(labels[:, None] * np.column_stack((features, np.ones(len(features)))))


def _start(features: Array, labels: Array, margins: Array) -> Array:
    """Return (w, b, s): w of norm 1 along the difference of means, b half-way, slacks to fit."""
    means = [features[labels == label].mean(axis=0) for label in (-1.0, 1.0)]
    w = means[1] - means[0]
    w /= np.linalg.norm(w)
    p = np.append(w, -0.5 * w @ (means[0] + means[1]))
    return np.concatenate((p, np.maximum(0.0, 1.0 - margins @ p)))
