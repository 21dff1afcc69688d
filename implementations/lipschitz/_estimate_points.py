"""Points of a problem's regions, and its quantity at them, for methods that search.

Tensors are float64 on the problem's device. A point comes with the index of its region.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tiltyard.implementations.lipschitz._estimate_ascent import spectral, token_norms
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

if TYPE_CHECKING:
    from torch import Tensor

INSIDE = 1.0 - 1e-9
"""How far a point goes towards the end of its region: float64 must not place it outside."""


class Points:
    """The regions of a problem.

    Attributes:
        scale: (n,) by how much a coordinate varies within a region, or between known inputs.
    """

    def __init__(self, problem: LipschitzProblem) -> None:
        self.problem = problem
        lower, upper = self._tensor(problem.box[0]), self._tensor(problem.box[1])
        if problem.region == "global":
            known = self._tensor(problem.points)
            self.centers = known if len(known) else known.new_zeros(1, problem.network.inputs)
            spread = self.centers.std(dim=0).mean() if len(known) > 1 else self.centers.new_ones(())
            self.scale = (spread if spread > 0 else spread + 1.0).expand(len(lower[0]))
        else:
            self.centers = (lower + upper) / 2
            self.scale = ((upper - lower) / 2).mean(dim=0)
        self.lower = self.centers + INSIDE * (lower - self.centers)
        self.upper = self.centers + INSIDE * (upper - self.centers)

    def _tensor(self, array: Array) -> Tensor:
        import torch

        return torch.tensor(array, dtype=torch.float64, device=self.problem.device)

    def draw(self, region: Tensor, rng: np.random.Generator) -> Tensor:
        """Return a random point of every region that is named, (N, n).

        Uniform in a box, a ball and a ball for each token. Over all inputs it is normal around a
        known input, with a width from a tenth to thirty times that of the known inputs.
        """
        problem = self.problem
        count, n = len(region), problem.network.inputs
        if problem.region == "box":
            part = self._tensor(rng.uniform(size=(count, n)))
            return self.lower[region] + part * (self.upper - self.lower)[region]
        normal = self._tensor(rng.standard_normal((count, n)))
        if problem.region == "global":
            chosen = rng.integers(len(self.centers), size=count)
            width = self._tensor(10.0 ** rng.uniform(-1.0, 1.5, size=(count, 1)))
            around: Tensor = self.centers[chosen.tolist()]
            return around + width * self.scale * normal
        parts = problem.tokens if problem.region == "tokens" else 1
        directions = normal.reshape(count, parts, -1)
        size = n // parts
        lengths = self._tensor(rng.uniform(size=(count, parts, 1)) ** (1.0 / size))
        reach = INSIDE * self._reach(size)
        inside: Tensor = reach * lengths * directions / directions.norm(dim=2, keepdim=True)
        return self._middle(region) + inside.reshape(count, n)

    def project(self, x: Tensor, region: Tensor) -> Tensor:
        """Return the points of the regions that are nearest to (N, n) others."""
        problem = self.problem
        if problem.region == "global":
            return x
        if problem.region == "box":
            return x.clamp(self.lower[region], self.upper[region])
        parts = problem.tokens if problem.region == "tokens" else 1
        middle = self._middle(region)
        away = (x - middle).reshape(len(x), parts, -1)
        reach = INSIDE * self._reach(away.shape[2])
        factor = (reach / away.norm(dim=2, keepdim=True).clamp(min=1e-300)).clamp(max=1.0)
        nearest: Tensor = middle + (factor * away).reshape(x.shape)
        return nearest

    def _reach(self, size: int) -> float:
        """Return the Euclidean radius of a ball, or of a token of some size."""
        tokens = self.problem.region == "tokens"
        return self.problem.radius * (math.sqrt(size) if tokens else 1.0)

    def _middle(self, region: Tensor) -> Tensor:
        return self.centers[region] if self.problem.region == "ball" else self.centers[:1]


def jacobians(problem: LipschitzProblem, x: Tensor) -> Tensor:
    """Return the (N, m, n) Jacobians at (N, n) points, row by row."""
    import torch

    problem.count("sample", len(x))
    x = x.detach().requires_grad_()
    values = problem.network.apply(x)
    rows = [
        torch.autograd.grad(values[:, i].sum(), x, retain_graph=True, materialize_grads=True)[0]
        for i in range(problem.network.outputs)
    ]
    return torch.stack(rows, dim=1)


def norms(problem: LipschitzProblem, J: Tensor) -> Tensor:
    """Return the (N, parts) values of (N, m, n) Jacobians, parts as in ``problem.shape[1:]``.

    For ``max-rms`` the value is a lower bound of the norm, by alternating maximisation.
    """
    import torch

    if problem.norm == "linf":
        return J.abs().sum(dim=2).amax(dim=1, keepdim=True)
    if problem.norm == "l2":
        return spectral(J)[0][:, None]
    if problem.norm == "partial":
        chosen = J[:, 0, list(problem.features)]
        return torch.cat([chosen, -chosen], dim=1)
    return token_norms(J, problem.tokens)


class Best:
    """The largest value found in every region, and where.

    Attributes:
        values: ``problem.shape``, float64; minus infinity where nothing was found yet.
        where: (regions, parts, n).
    """

    def __init__(self, problem: LipschitzProblem) -> None:
        self.problem = problem
        parts = int(np.prod(problem.shape[1:], dtype=np.intp))
        self.values = np.full((problem.regions, parts), -np.inf)
        self.where = np.zeros((problem.regions, parts, problem.network.inputs))

    def take(self, x: Tensor, region: Tensor, values: Tensor) -> bool:
        """Keep what is larger of (N, parts) values at (N, n) points; return whether any is."""
        points, found = x.detach().cpu().numpy(), values.detach().cpu().numpy()
        owner = region.cpu().numpy()
        larger = False
        for k, part in np.ndindex(self.values.shape):
            mine = np.flatnonzero(owner == k)
            if not len(mine):
                continue
            best = mine[np.argmax(found[mine, part])]
            if found[best, part] > self.values[k, part]:
                self.values[k, part] = found[best, part]
                self.where[k, part] = points[best]
                larger = True
        return larger

    def answer(self) -> Answer:
        """Return the values with their witnesses."""
        shape = self.problem.shape
        return {
            "estimate": self.values.reshape(shape).copy(),
            "witness": self.where.reshape(*shape, -1).copy(),
        }
