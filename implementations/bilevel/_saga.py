"""SAGA's tables of the last derivatives of each batch, for SABA."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from tiltyard.implementations.bilevel._stochastic import Triple
from tiltyard.suites.bilevel.problem import BilevelProblem, Level

TABLE = 2**27
"""Numbers in the tables of both levels together, at most: 1 GiB."""

DRAWS = 1024
"""Batches that are drawn at once."""


class Table:
    """The last values g_i of each of B batches, and their mean with weights w_i."""

    def __init__(self, values: Tensor, weights: list[float]) -> None:
        self.values, self._weights = values, weights
        self.mean = values.new_tensor(weights) @ values

    def exchange(self, batch: int, fresh: Tensor) -> Tensor:
        """Return sum_i w_i g_i + B w_b (fresh - g_b), whose mean over b is exact; g_b = fresh."""
        weight, old = self._weights[batch], self.values[batch]
        change = fresh - old
        direction = self.mean.add(change, alpha=weight * len(self._weights))
        self.mean = self.mean.add(change, alpha=weight)
        old.copy_(fresh)
        return direction


class Tables:
    """Both levels' batches, fixed at the start, and their tables.

    Args:
        problem: of any finite sums.
        size: of a batch; more where the tables would hold more than TABLE numbers.
        rng: draws the batches now, and one of each level for each step.
    """

    def __init__(self, problem: BilevelProblem, size: int, rng: np.random.Generator) -> None:
        self._problem, self._rng = problem, rng
        entries = problem.n_lower * (2 * problem.dim_y + problem.dim_x)
        entries += problem.n_upper * (problem.dim_y + problem.dim_x)
        size = max(size, math.ceil(entries / TABLE))
        self._rows = {level: self._cut(level, size) for level in ("lower", "upper")}
        self._draws: list[list[int]] = []

    def fill(self, x: Tensor, y: Tensor, v: Tensor) -> None:
        """Evaluate every batch."""
        self._lower, self._upper = (
            Table(torch.stack([evaluate(x, y, v, rows) for rows in batches]), _weights(batches))
            for evaluate, batches in (
                (self._lower_at, self._rows["lower"]),
                (self._upper_at, self._rows["upper"]),
            )
        )

    def directions(self, x: Tensor, y: Tensor, v: Tensor) -> Triple:
        """Return estimates of f_xy v + F_x, f_y and H v + F_y from one batch of each level."""
        if not self._draws:
            counts = len(self._rows["lower"]), len(self._rows["upper"])
            self._draws = self._rng.integers(counts, size=(DRAWS, 2)).tolist()
        i, j = self._draws.pop()
        d = len(y)
        below = self._lower.exchange(i, self._lower_at(x, y, v, self._rows["lower"][i]))
        above = self._upper.exchange(j, self._upper_at(x, y, v, self._rows["upper"][j]))
        both = below[d:] + above
        return both[d:], below[:d], both[:d]

    def _lower_at(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor) -> Tensor:
        problem = self._problem
        return torch.cat(
            (
                problem.lower_gradient_y(x, y, rows),
                problem.hessian_product(x, y, v, rows),
                problem.cross_product(x, y, v, rows),
            )
        )

    def _upper_at(self, x: Tensor, y: Tensor, v: Tensor, rows: Tensor) -> Tensor:
        del v
        slope_x, slope_y = self._problem.upper_gradients(x, y, rows)
        return torch.cat((slope_y, slope_x))

    def _cut(self, level: Level, size: int) -> tuple[Tensor, ...]:
        """Return a random partition of all samples into batches as even as can be."""
        total = self._problem.n_lower if level == "lower" else self._problem.n_upper
        order = next(self._problem.batches(level, total, self._rng))
        return order.tensor_split(math.ceil(total / size))


def _weights(batches: tuple[Tensor, ...]) -> list[float]:
    total = sum(len(rows) for rows in batches)
    return [len(rows) / total for rows in batches]
