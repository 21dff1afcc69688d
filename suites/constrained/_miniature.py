"""The tiny problems on which methods are rehearsed before their first timed run."""

from __future__ import annotations

import numpy as np

from tiltyard.suites.constrained.builder import Builder
from tiltyard.suites.constrained.problem import SPARSE_FROM, ConstrainedProblem


def miniature(problem: ConstrainedProblem) -> ConstrainedProblem:
    """Return a convex problem of the same track, with and without matrices in sparse form alike."""
    n = SPARSE_FROM if problem.facts["sparse"] else 3
    general = problem.facts["track"] == "general"
    b = Builder(np.full(n, 0.5), lower=0.0 if general else -np.inf)
    i = np.arange(n - 1)
    b.minimise((b.x[i] - 1.0) ** 2 + b.x[i] * b.x[i] * b.x[i + 1] * b.x[i + 1])
    b.subject_to(b.x[0] + b.x[1] ** 2, equal=1.0)
    if general:
        b.subject_to(b.x[i] + b.x[i + 1], upper=2.0)
    return b.problem()
