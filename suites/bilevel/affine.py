"""Analytic problems of which linear equations couple the levels: the toys of LV-HBA's authors.

W. Yao, C. Yu, S. Zeng and J. Zhang, Constrained bi-level optimization: proximal Lagrangian value
function approach and Hessian-free algorithm, ICLR 2024, arXiv:2401.16164.
"""

from __future__ import annotations

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel.problem import BilevelProblem


@problem(
    suite="bilevel",
    track="constrained",
    tiers={
        "smoke": ({"n": 10},),
        "standard": ({"n": 10}, {"n": 100}),
        "full": ({"n": 10}, {"n": 100}, {"n": 1000}),
    },
)
def llc(_rng: np.random.Generator, *, n: int = 100) -> BilevelProblem:
    """A lower level that is convex, with many solutions, coupled with x by one equation.

    x has n entries and y = (u, v) twice as many, e is the vector of ones:
    F = |x - v|^2 / 2 + |u - e|^2 / 2 and f = |u|^2 / 2 - x'u + e'v subject to
    e'x + e'u + e'v = 0, from x = 10 e, y = 10 e projected onto it. F is n / 20 at x = -0.3 e,
    u = 0.7 e, v = -0.4 e. The norm of g's gradient in y is sqrt(2 n), far above the lower level's
    curvature of 1: primal-dual steps must be short.

    Raises:
        TiltyardError: n is below 1.
    """
    if n < 1:
        raise TiltyardError(f"llc: n={n} is below 1")
    from tiltyard.suites.bilevel._affine import LinearLower

    return BilevelProblem(model=LinearLower(n), track="constrained")


@problem(
    suite="bilevel",
    track="constrained",
    tiers={
        "standard": ({},),
        "full": tuple({"instance": instance} for instance in range(3)),
    },
)
def llsc(
    rng: np.random.Generator,
    *,
    n: int = 100,
    m: int = 90,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """A strongly convex lower level, coupled with x by m equations, under an F that is not convex.

    F = sin(c'x + d'y) + log(|x + y|^2 + 1) and f = |x - y|^2 / 2 subject to H x + A y = 0, with
    B x = 0 for m / 2 equations in the upper level, from x and y of tens projected onto all of
    them. x and y have n entries; those of A, H, B, c and d are uniform in [0, 1], as in the
    authors' script except for c and d, which it does not tell. The norm of g's derivative in y is
    about sqrt(n m) / 2.

    Raises:
        TiltyardError: m is below 1 or not below n.
    """
    if not 1 <= m < n:
        raise TiltyardError(f"llsc: m={m} must be at least 1 and below n={n}")
    from tiltyard.suites.bilevel._affine import NearestLower

    A, H, B = rng.random((m, n)), rng.random((m, n)), rng.random((m // 2, n))
    c, d = rng.random(n), rng.random(n)
    return BilevelProblem(model=NearestLower(H, A, B, c, d), track="constrained")
