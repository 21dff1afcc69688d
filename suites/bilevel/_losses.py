"""Losses of linear classifiers, with two derivatives in the scores.

Samples lie along the last axis: softmax over a short last axis would take several times as long.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import softplus


class Loss(Protocol):
    """A loss of scores (outputs, n), a sample a column, and labels (n,) int64."""

    bound: float
    """No eigenvalue of its Hessian in the scores is larger, at any scores."""

    def outputs(self, classes: int) -> int:
        """Return how many scores a sample has."""
        ...

    def values(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the losses, (n,)."""
        ...

    def slopes(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the gradients in the scores, (outputs, n)."""
        ...

    def bends(self, scores: Tensor, along: Tensor) -> Tensor:
        """Return the Hessians in the scores times ``along``, both (outputs, n)."""
        ...


class CrossEntropy:
    """Minus the logarithm of the softmax's share of the label; labels from 0 to outputs - 1."""

    bound = 0.5

    def outputs(self, classes: int) -> int:
        return classes

    def values(self, scores: Tensor, labels: Tensor) -> Tensor:
        return scores.logsumexp(dim=0) - scores.gather(0, labels[None])[0]

    def slopes(self, scores: Tensor, labels: Tensor) -> Tensor:
        shares = scores.softmax(dim=0)
        return shares.scatter_add(0, labels[None], -torch.ones_like(shares[:1]))

    def bends(self, scores: Tensor, along: Tensor) -> Tensor:
        shares = scores.softmax(dim=0)
        weighted = shares * along
        return weighted - shares * weighted.sum(dim=0, keepdim=True)


class Logistic:
    """log(1 + exp(z)) - label z of one score z; labels 0 and 1."""

    bound = 0.25

    def outputs(self, classes: int) -> int:
        del classes
        return 1

    def values(self, scores: Tensor, labels: Tensor) -> Tensor:
        z = scores[0]
        # Above its threshold torch's softplus is z; by default that is too early for float64.
        return softplus(z, threshold=40.0) - labels * z

    def slopes(self, scores: Tensor, labels: Tensor) -> Tensor:
        return scores.sigmoid() - labels

    def bends(self, scores: Tensor, along: Tensor) -> Tensor:
        share = scores.sigmoid()
        return share * (1.0 - share) * along
