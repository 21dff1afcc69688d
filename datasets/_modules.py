"""Modules that torch lacks and the networks of the lipschitz suite are trained with."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class Sort(nn.Module):
    """Sorts successive entries in groups."""

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group

    def forward(self, x: Tensor) -> Tensor:
        """Return the sorted groups."""
        made: Tensor = x.reshape(len(x), -1, self.group).sort(dim=2).values.flatten(1)
        return made


class Mirror(nn.Module):
    """Reflects pairs at learnt mirrors."""

    def __init__(self, pairs: int) -> None:
        super().__init__()
        # The mirror of MaxMin, (-1, 1)/sqrt 2, to start with.
        self.angle = nn.Parameter(torch.full((pairs,), 0.75 * math.pi))

    def forward(self, x: Tensor) -> Tensor:
        """Return the pairs, reflected where they lie behind their mirror."""
        v = torch.stack((self.angle.cos(), self.angle.sin()), dim=1)
        pairs = x.reshape(len(x), -1, 2)
        behind = (pairs * v).sum(dim=2, keepdim=True).clamp(max=0.0)
        made: Tensor = (pairs - 2.0 * behind * v).flatten(1)
        return made


class Skip(nn.Module):
    """x + branch(x)."""

    def __init__(self, *branch: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x: Tensor) -> Tensor:
        """Return x + branch(x)."""
        made: Tensor = x + self.branch(x)
        return made


class Scaled(nn.Module):
    """The logits of a 1-Lipschitz network, sharpened for the loss alone."""

    def __init__(self, inner: nn.Sequential, factor: float) -> None:
        super().__init__()
        self.inner, self.factor = inner, factor

    def forward(self, x: Tensor) -> Tensor:
        """Return factor inner(x)."""
        made: Tensor = self.factor * self.inner(x)
        return made
