"""The toy of PBGD: a lower level that is not convex and yet has one stationary point."""

from __future__ import annotations

import torch
from torch import Tensor

from tiltyard.suites.bilevel.model import Model


class Toy(Model):
    """f = t^2 + x sin(t)^2 with t = x + y, stationary at t = 0 alone while x is in [0, 3].

    F = cos(4 y + 2) / (1 + e^{2 - 4 x}) + log((4 x - 2)^2 + 1) / 2.
    """

    convexity = "nonconvex"

    def __init__(self, x0: float) -> None:
        super().__init__([x0], [0.0], x_lower=0.0, x_upper=3.0)

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        shifted = 4.0 * x[0] - 2.0
        wave = torch.cos(4.0 * y[0] + 2.0) * shifted.sigmoid()
        return wave + 0.5 * shifted.square().log1p()

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        t = x[0] + y[0]
        return t.square() + x[0] * t.sin().square()
