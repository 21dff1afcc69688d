"""Scalable problems of engineering and physics, and scalable systems of equations."""

from __future__ import annotations

import numpy as np

from tiltyard.suites.constrained._checks import at_least, parts
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, exp
from tiltyard.suites.constrained.problem import ConstrainedProblem


@native(
    "general",
    grids={"standard": [{"n": 100}, {"n": 500}], "full": [{"n": 5_000}, {"n": 50_000}]},
)
def svanberg(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """Structural optimisation with reciprocals; n is even and SIF's N, m = n.

    K. Svanberg, The method of moving asymptotes - a new method for structural optimization,
    Internat. J. Numer. Methods Engrg. 24 (1987); SIF by Ph. Toint, 1996. With
    p_i = 1 / (1 - x_i) and q_i = 1 / (1 + x_i), f sums (1 + 2 i / n) q_i over odd i and
    (5 - 3 i / n) p_i over even i. Row i, with indices around the circle, adds q, p, p, q, p, p, q,
    p, q of i - 4 to i + 4, p and q exchanged where i is even, and is at most 10 + 5 i / n.
    """
    at_least("svanberg", "n", n, 10)
    parts("svanberg", n, per=2, least=5)
    b = Builder(np.zeros(n), lower=-0.8, upper=0.8)
    i = np.arange(1, n + 1)
    odd = i[::2]
    b.minimise((1.0 + 2.0 * odd / n) / (1.0 + b.x[odd - 1]))
    b.minimise((5.0 - 3.0 * (odd + 1) / n) / (1.0 - b.x[odd]))
    rows = b.rows(n, upper=0.0)
    for parity in range(2):
        at = np.arange(parity, n, 2)
        signs = [1.0 if (letter == "q") != bool(parity) else -1.0 for letter in "qppqppqpq"]
        shares = [1.0 / (1.0 + signs[k] * b.x[(at + k - 4) % n]) for k in range(9)]
        b.add(rows[at], sum(shares[1:], shares[0]) - (10.0 + 5.0 * (at + 1) / n))
    return b.problem()


@native(
    "general",
    grids={"standard": [{"n": 100}, {"n": 1_000}], "full": [{"n": 10_000}, {"n": 100_000}]},
)
def gilbert(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """Projection onto a sphere in an ill-conditioned norm, x_1 >= 0; ``n`` is SIF's N.

    J. Ch. Gilbert (CUTEst, 1994): f = 1/2 sum (a_i x_i - 1)^2 with a_i = (n + 1 - i) / n,
    (|x|^2 - 1) / 2 = 0. It starts at 10, -10, 10, ...
    """
    at_least("gilbert", "n", n, 2)
    lower = np.full(n, -np.inf)
    lower[0] = 0.0
    b = Builder(np.resize([10.0, -10.0], n), lower=lower)
    b.minimise(0.5 * (np.arange(n, 0.0, -1.0) / n * b.x[:] - 1.0) ** 2)
    (row,) = b.rows(1, equal=0.0)
    b.add(row, 0.5 * b.x[:] ** 2)
    b.add(row, -0.5)
    return b.problem()


@native(
    "equality",
    grids={"standard": [{"n": 75}, {"n": 300}], "full": [{"n": 600}]},
)
def elec(_rng: np.random.Generator, *, n: int = 75) -> ConstrainedProblem:
    """N electrons on the unit sphere with least Coulomb energy; n = 3 N, m = N, dense.

    E. D. Dolan and J. J. More, Benchmarking optimization software with COPS, ANL/MCS-246, 2000,
    problem 2; SIF's NP = N. Variables: x, y, z of each electron.
    """
    count = parts("elec", n, per=3, least=2)
    share = np.arange(1.0, count + 1.0) / count
    angle, height = 2.0 * np.pi * share, np.pi * (share - 1.0 / count)
    radius = np.sin(height)
    start = np.stack([np.cos(angle) * radius, np.sin(angle) * radius, np.cos(height)], axis=1)
    b = Builder(start.ravel())
    one, other = np.triu_indices(count, 1)
    first, second, third = ((b.x[3 * one + k] - b.x[3 * other + k]) ** 2 for k in range(3))
    b.minimise((first + second + third) ** -0.5)
    b.subject_to(b.x[::3] ** 2 + b.x[1::3] ** 2 + b.x[2::3] ** 2 - 1.0, equal=0.0)
    return b.problem()


@native(
    "equality",
    grids={"standard": [{"n": 100}, {"n": 1_000}], "full": [{"n": 10_000}, {"n": 100_000}]},
)
def broydn3d(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """Broyden's tridiagonal system, without objective; ``n`` is SIF's N, m = n.

    J. J. More, B. S. Garbow and K. E. Hillstrom, Testing unconstrained optimization software, ACM
    Trans. Math. Softw. 7 (1981), problem 30: (3 - 2 x_i) x_i - x_{i-1} - 2 x_{i+1} + 1 = 0.
    """
    at_least("broydn3d", "n", n, 3)
    b = Builder(np.full(n, -1.0))
    rows = b.subject_to((3.0 - 2.0 * b.x[:]) * b.x[:] + 1.0, equal=0.0)
    b.add(rows[1:], -b.x[:-1])
    b.add(rows[:-1], -2.0 * b.x[1:])
    return b.problem()


@native(
    "general",
    grids={"standard": [{"n": 100}, {"n": 961}], "full": [{"n": 10_000}, {"n": 90_000}]},
)
def bratu2d(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """Bratu's equation -Lap u = 4 exp u on the unit square, without objective; n = P^2.

    J. J. More, A collection of nonlinear model problems, 1990, problem 3; SIF's P and LAMBDA = 4.
    Values on the boundary are variables fixed at zero; m = (P - 2)^2.
    """
    side = round(max(n, 0) ** 0.5)
    at_least("bratu2d", "n", n, 9)
    parts("bratu2d", n, per=side, least=side)
    grid = np.arange(n).reshape(side, side)
    edge = np.ones((side, side), dtype=bool)
    edge[1:-1, 1:-1] = False
    limits = np.where(edge.ravel(), 0.0, np.inf)
    b = Builder(np.zeros(n), lower=-limits, upper=limits)
    inner, last = grid[1:-1, 1:-1].T.ravel(), side - 1
    around = b.x[inner + side] + b.x[inner - side] + b.x[inner + 1] + b.x[inner - 1]
    b.subject_to(4.0 * b.x[inner] - around - 4.0 / last**2 * exp(b.x[inner]), equal=0.0)
    return b.problem()
