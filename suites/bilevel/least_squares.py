"""The least-squares problem of MAID's authors; its optimum is exact.

M. S. Salehi, S. Mukherjee, L. Roberts and M. J. Ehrhardt, An adaptively inexact first-order method
for bilevel optimization with application to hyperparameter learning, SIAM Journal on Mathematics of
Data Science 2025, arXiv:2308.10098.
"""

from __future__ import annotations

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel.problem import BilevelProblem

NOISE = 0.01


@problem(
    suite="bilevel",
    track="deterministic",
    tiers={
        "standard": ({},),
        "full": tuple({"instance": instance} for instance in range(3)),
    },
)
def maid_quad(
    rng: np.random.Generator,
    *,
    n: int = 1000,
    m: int = 10,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Least squares at both levels, of n equations in m unknowns.

    F = |P y - p|^2 / 2 without the constant |p|^2 / 2, and f = |Q y + R x - q|^2 / 2 without what
    does not depend on y. Entries of P, Q and R are uniform in [0, 1]; p = P u and q = Q v + R w
    with u, v and w uniform, both with normal noise of deviation 0.01. The start is
    x = (1, ..., 1) and y = v. Matrices without a negative entry have one large singular value: the
    lower level's Hessian Q'Q has a condition number near 3 m, that of Phi is a million and more.

    Raises:
        TiltyardError: m is below 1, or n is below m.
    """
    if not 1 <= m <= n:
        raise TiltyardError(f"maid-quad: m={m} must be at least 1 and at most n={n}")
    from tiltyard.suites.bilevel._quadratic import Quadratic

    P, Q, R = rng.random((3, n, m))
    u, v, w = rng.random((3, m))
    p = P @ u + NOISE * rng.standard_normal(n)
    q = Q @ v + R @ w + NOISE * rng.standard_normal(n)
    data = {
        "A": Q.T @ Q,
        "C": R.T @ Q,
        "a": -Q.T @ q,
        "E": P.T @ P,
        "H": np.zeros((m, m)),
        "K": np.zeros((m, m)),
        "e": -P.T @ p,
        "h": np.zeros(m),
    }
    model = Quadratic({name: array[None] for name, array in data.items()}, np.ones(m), v)
    return BilevelProblem(model=model, track="deterministic")
