"""Projected gradient ascent on the Jacobian's norm, and a hill climb from the best point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._estimate_ascent import attaining, gradients
from tiltyard.implementations.lipschitz._estimate_points import Best, Points, jacobians, norms
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

if TYPE_CHECKING:
    from torch import Tensor


@implementation(
    suite="lipschitz",
    kind="estimate",
    cites="unpublished",
    devices=("cpu", "cuda"),
    tune={"step": (0.1, 3.0, "log"), "width": (0.01, 0.5, "log")},
)
def pga_lower(
    problem: LipschitzProblem,
    rng: np.random.Generator,
    *,
    batch: int = 256,
    steps: int = 12,
    step: float = 1.0,
    width: float = 0.1,
) -> Iterator[Answer]:
    """Climb from random points along gradients of the norm, then from the best by random moves.

    Kinks have no gradient: it is taken of a network whose kinks are rounded off, the values are
    those of the network itself. Ours; the harness ends it.

    Args:
        problem: any.
        rng: draws starts and moves.
        batch: points that climb together, over all regions; at least two for each value sought.
        steps: of each climb.
        step: length of the first step, in half widths of a region; they shrink to a hundredth.
        width: of a rounded kink, in mean sizes of a layer's entries; it shrinks with the steps.

    Yields:
        ``estimate`` and ``witness``, float64, after each step.
    """
    import torch

    points, best = Points(problem), Best(problem)
    k, parts = best.values.shape
    each = max(2, batch // (k * parts))
    wanted = torch.arange(k * parts, device=problem.device).repeat_interleave(each)
    region, part = wanted // parts, wanted % parts
    shrink = 0.01 ** np.linspace(0.0, 1.0, steps)
    for turn in itertools.count():
        x = points.draw(region, rng)
        for size in shrink:
            J = jacobians(problem, x)
            best.take(x, region, norms(problem, J))
            yield best.answer()
            if turn % 2:
                x = _moved(points, best, wanted, float(size), rng)
                continue
            slopes = gradients(problem, x, *attaining(problem, J, part), width * float(size))
            if problem.region == "box":
                slopes = slopes.sign()
            length = slopes.norm(dim=1, keepdim=True).clamp(min=1e-300) / x.shape[1] ** 0.5
            ahead = x + step * float(size) * points.scale * slopes / length
            x = _off(points.project(ahead, region), points, region, rng)


def _moved(
    points: Points, best: Best, wanted: Tensor, size: float, rng: np.random.Generator
) -> Tensor:
    """Return random moves of some coordinates, or of all, from the best point for each value."""
    import torch

    where = torch.tensor(best.where, device=wanted.device).flatten(0, 1)[wanted]
    shares = rng.choice([0.1, 0.3, 1.0], size=(len(where), 1))
    noise = rng.standard_normal(where.shape) * (rng.uniform(size=where.shape) < shares)
    moves = torch.tensor(noise, device=where.device) * points.scale
    region = wanted // best.values.shape[1]
    return _off(points.project(where + size * moves, region), points, region, rng)


def _off(x: Tensor, points: Points, region: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the points a little inside their regions: projections meet kinks at round numbers."""
    return x + 1e-7 * (points.draw(region, rng) - x)
