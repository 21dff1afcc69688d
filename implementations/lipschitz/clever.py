"""CLEVER: the end of the distribution of sampled Jacobian norms, by extreme value theory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._estimate_extreme import end_point
from tiltyard.implementations.lipschitz._estimate_points import Points, jacobians, norms
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="estimate",
    cites="arXiv:1801.10578",
    devices=("cpu", "cuda"),
    requires={"norm": ("l2", "linf"), "region": ("box", "ball")},
)
def clever(
    problem: LipschitzProblem,
    rng: np.random.Generator,
    *,
    batches: int = 500,
    samples: int = 1024,
) -> Iterator[Answer]:
    """Fit a reverse Weibull distribution to the maxima of batches and take its end.

    Weng et al. (2018), algorithm 1, where the function is a margin with one gradient; of several
    outputs the norm is that of the Jacobian. The estimate may be below the constant or above.

    Args:
        problem: with boxes or balls.
        rng: draws the points, uniformly.
        batches: for each region, whose maxima are fitted at the end.
        samples: points in a batch.

    Yields:
        ``estimate``, (k,) float64, after every batch from the fifth on: fitted to the maxima so
        far, anew whenever their number has grown by a tenth, and in the end to all.
    """
    import torch

    points = Points(problem)
    maxima = np.empty((problem.regions, batches))
    region = torch.arange(problem.regions, device=problem.device)
    due = min(5, batches)
    estimate = None
    for done in range(batches):
        largest = torch.full((problem.regions,), -torch.inf, dtype=torch.float64)
        # Regions one by one: all points of a batch together may not fit into memory.
        for k in range(problem.regions):
            x = points.draw(region[k].expand(samples), rng)
            largest[k] = norms(problem, jacobians(problem, x)).max()
        maxima[:, done] = largest.numpy()
        if done + 1 == due:
            estimate = np.array([end_point(row[:due]) for row in maxima])
            due = min(math.ceil(1.1 * due), batches)
        if estimate is not None:
            yield {"estimate": estimate}
