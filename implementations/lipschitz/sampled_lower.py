"""The largest Jacobian norm at random points of each region."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._estimate_points import Best, Points, jacobians, norms
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(suite="lipschitz", kind="estimate", cites="unpublished", devices=("cpu", "cuda"))
def sampled_lower(
    problem: LipschitzProblem, rng: np.random.Generator, *, batch: int = 1024
) -> Iterator[Answer]:
    """Take the largest norm of exact Jacobians at points drawn at random, without an end.

    The points are uniform in a region; over all inputs normal around known ones, at many widths.
    Such points lie on no kink, where differentiation may return what is no Clarke Jacobian.

    Args:
        problem: any.
        rng: draws the points.
        batch: points drawn between two answers, over all regions; at least one for each.

    Yields:
        ``estimate`` and ``witness``, float64, after each batch.
    """
    import torch

    points, best = Points(problem), Best(problem)
    each = max(1, batch // problem.regions)
    region = torch.arange(problem.regions, device=problem.device).repeat_interleave(each)
    while True:
        x = points.draw(region, rng)
        best.take(x, region, norms(problem, jacobians(problem, x)))
        yield best.answer()
