"""Linear classifiers as lower levels, with regularisers or weights of samples to be chosen.

y is the matrix W (outputs, d) of a linear classifier without intercepts, row by row, and F(x, y)
its mean loss on validation samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.suites.bilevel._losses import CrossEntropy, Logistic, Loss
from tiltyard.suites.bilevel.model import Array, Model, Pair

Data = Mapping[str, NDArray[Any]]

FEW = 20
"""Samples of each level in a miniature."""


class Classifier(Model):
    """A linear classifier; subclasses state the hyperparameters and f.

    Args:
        data: ``features`` (n, d) float64 and ``labels`` (n,) int64 of the lower level, and
            ``upper_features``, ``upper_labels`` of the upper level.
        classes: two for the logistic loss of one score, more for softmax and cross-entropy.
        x0: (dim_x,) start of the hyperparameters.
        box: the bounds of each hyperparameter.
    """

    if TYPE_CHECKING:
        features: Tensor
        labels: Tensor
        upper_features: Tensor
        upper_labels: Tensor

    def __init__(self, data: Data, classes: int, x0: Array, box: tuple[float, float]) -> None:
        X = data["features"]
        self.n_lower, self.n_upper = len(X), len(data["upper_features"])
        self.classes, self.box = classes, box
        self._loss: Loss = Logistic() if classes == 2 else CrossEntropy()
        self.width = self._loss.outputs(classes)
        y0 = np.zeros(X.shape[1] * self.width)
        super().__init__(x0, y0, x_lower=box[0], x_upper=box[1], data=data)
        gram = X.T @ X / len(X)
        self._steepest = self._loss.bound * float(np.linalg.eigvalsh(gram)[-1])

    def _few(self) -> Data:
        """Return the first samples of each level."""
        names = ("features", "labels", "upper_features", "upper_labels")
        return {name: self.arrays[name][:FEW] for name in names}

    def _matrix(self, y: Tensor) -> Tensor:
        return y.reshape(self.width, -1)

    def _both(self, X: Tensor, y: Tensor, v: Tensor) -> Pair:
        """Return the scores of X by y and by v, from one product."""
        scores = torch.cat((y, v)).reshape(2 * self.width, -1) @ X.T
        return scores[: self.width], scores[self.width :]

    def _samples(self, rows: Tensor | None) -> Pair:
        """Return features and labels of the lower level."""
        if rows is None:
            return self.features, self.labels
        return self.features[rows], self.labels[rows]

    def _upper_samples(self, rows: Tensor | None) -> Pair:
        if rows is None:
            return self.upper_features, self.upper_labels
        return self.upper_features[rows], self.upper_labels[rows]

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x
        X, labels = self._upper_samples(rows)
        return self._loss.values(self._matrix(y) @ X.T, labels).mean()

    def upper_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del y, rows
        return x.new_zeros(self.dim_x)

    def upper_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del x
        X, labels = self._upper_samples(rows)
        return (self._loss.slopes(self._matrix(y) @ X.T, labels) @ X).flatten() / len(X)

    def upper_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.upper_gradient_x(x, y, rows), self.upper_gradient_y(x, y, rows)


class Regularised(Classifier):
    """f = mean loss + sum of e^x W^2 / 2, with an x for each weight, class or feature, or for all.

    Args:
        data: see ``Classifier``.
        classes: see ``Classifier``.
        shared: shape of the hyperparameters, which broadcasts to that of W: (outputs, d),
            (outputs, 1), (1, d) or (1, 1).
        start: of every hyperparameter.
        box: the bounds of each hyperparameter.
    """

    def __init__(
        self,
        data: Data,
        classes: int,
        shared: tuple[int, int],
        start: float,
        box: tuple[float, float],
    ) -> None:
        self._shared, self._start = shared, start
        super().__init__(data, classes, np.full(shared[0] * shared[1], start), box)

    def miniature(self) -> Self:
        return type(self)(self._few(), self.classes, self._shared, self._start, self.box)

    def _weights(self, x: Tensor) -> Tensor:
        return x.reshape(self._shared).exp()

    def _sum(self, parts: Tensor) -> Tensor:
        """Return the sums of a matrix like W over what shares a hyperparameter, (dim_x,)."""
        return parts.sum_to_size(self._shared).flatten()

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        X, labels = self._samples(rows)
        W = self._matrix(y)
        loss = self._loss.values(W @ X.T, labels).mean()
        return loss + 0.5 * (self._weights(x) * W.square()).sum()

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return self._sum(0.5 * self._weights(x) * self._matrix(y).square())

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        X, labels = self._samples(rows)
        W = self._matrix(y)
        slope = self._loss.slopes(W @ X.T, labels) @ X / len(X)
        return (slope + self._weights(x) * W).flatten()

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        return self.lower_gradient_x(x, y, rows), self.lower_gradient_y(x, y, rows)

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        X, _ = self._samples(rows)
        bent = self._loss.bends(*self._both(X, y, v)) @ X / len(X)
        return (bent + self._weights(x) * self._matrix(v)).flatten()

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return self._sum(self._weights(x) * self._matrix(y) * self._matrix(v))

    def curvature(self, x: Tensor) -> tuple[float, float]:
        """Return e^min x, and e^max x plus a bound of the loss's Hessian."""
        return float(x.min().exp()), float(x.max().exp()) + self._steepest


class Cleaning(Classifier):
    """f = mean of s(x_i) loss_i + ridge |W|^2 / 2, s the logistic function: a weight a sample.

    Args:
        data: see ``Classifier``.
        classes: see ``Classifier``.
        ridge: the coefficient of the regulariser.
        box: the bounds of each hyperparameter, which starts at 0.
    """

    def __init__(self, data: Data, classes: int, ridge: float, box: tuple[float, float]) -> None:
        self._ridge = ridge
        super().__init__(data, classes, np.zeros(len(data["features"])), box)

    def miniature(self) -> Self:
        return type(self)(self._few(), self.classes, self._ridge, self.box)

    def _weights(self, x: Tensor, rows: Tensor | None) -> Tensor:
        return (x if rows is None else x[rows]).sigmoid()

    def _scatter(self, parts: Tensor, rows: Tensor | None) -> Tensor:
        """Return what each sample adds to a gradient in x, (dim_x,)."""
        if rows is None:
            return parts
        return parts.new_zeros(self.dim_x).index_add(0, rows, parts)

    def _slope(self, weights: Tensor, rows: Tensor | None) -> Tensor:
        """Return the derivative of the weights in x."""
        return weights * (1.0 - weights) / (self.n_lower if rows is None else len(rows))

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        X, labels = self._samples(rows)
        losses = self._loss.values(self._matrix(y) @ X.T, labels)
        return (self._weights(x, rows) * losses).mean() + 0.5 * self._ridge * (y @ y)

    def lower_gradient_x(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        X, labels = self._samples(rows)
        losses = self._loss.values(self._matrix(y) @ X.T, labels)
        return self._scatter(self._slope(self._weights(x, rows), rows) * losses, rows)

    def lower_gradient_y(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        X, labels = self._samples(rows)
        slopes = self._weights(x, rows) * self._loss.slopes(self._matrix(y) @ X.T, labels)
        return (slopes @ X).flatten() / len(X) + self._ridge * y

    def lower_gradients(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Pair:
        X, labels = self._samples(rows)
        scores = self._matrix(y) @ X.T
        weights = self._weights(x, rows)
        in_x = self._scatter(self._slope(weights, rows) * self._loss.values(scores, labels), rows)
        slopes = weights * self._loss.slopes(scores, labels)
        return in_x, (slopes @ X).flatten() / len(X) + self._ridge * y

    def hessian_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        X, _ = self._samples(rows)
        bends = self._loss.bends(*self._both(X, y, v))
        bent = (self._weights(x, rows) * bends) @ X
        return bent.flatten() / len(X) + self._ridge * v

    def cross_product(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor | None) -> Tensor:
        X, labels = self._samples(rows)
        scores, along = self._both(X, y, v)
        along = (self._loss.slopes(scores, labels) * along).sum(dim=0)
        return self._scatter(self._slope(self._weights(x, rows), rows) * along, rows)

    def curvature(self, x: Tensor) -> tuple[float, float]:
        """Return the ridge, and the ridge plus a bound of the loss's Hessian at the most weight."""
        return self._ridge, self._ridge + float(x.max().sigmoid()) * self._steepest
