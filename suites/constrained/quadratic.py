"""Quadratic programs: convex with equations and bounds, smoothing under convexity, bilinear."""

from __future__ import annotations

from math import comb

import numpy as np

from tiltyard.suites.constrained._checks import parts
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder
from tiltyard.suites.constrained.problem import ConstrainedProblem

SIZES = {
    "standard": [{"n": 100}, {"n": 1_000}],
    "full": [{"n": 10_000}, {"n": 100_000}],
}


@native("general", grids=SIZES)
def cvxqp1(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """A convex quadratic program with m = n / 2 equations; n is divided by 4, and is SIF's N.

    N. I. M. Gould (CUTEst, 1995): f = sum over i of i / 2 (x_i + x_j + x_k)^2 with
    j = 2 i and k = 3 i, x_i + 2 x_j + 3 x_k = 6 with j = 4 i and k = 5 i, i <= m, each less one,
    modulo n, plus one; 0.1 <= x <= 10. It starts at 1/2.
    """
    return _convex("cvxqp1", n, 2)


@native("general", grids=SIZES)
def cvxqp2(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``cvxqp1`` with m = n / 4 equations."""
    return _convex("cvxqp2", n, 1)


@native("general", grids=SIZES)
def cvxqp3(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``cvxqp1`` with m = 3 n / 4 equations."""
    return _convex("cvxqp3", n, 3)


def _convex(family: str, n: int, quarters: int) -> ConstrainedProblem:
    m = quarters * parts(family, n, per=4, least=1)
    b = Builder(np.full(n, 0.5), lower=0.1, upper=10.0)
    i = np.arange(1, n + 1)
    second, third, fourth, fifth = ((k * i - 1) % n for k in (2, 3, 4, 5))
    b.minimise(0.5 * i * (b.x[i - 1] + b.x[second] + b.x[third]) ** 2)
    left = b.x[:m] + 2.0 * b.x[fourth[:m]] + 3.0 * b.x[fifth[:m]]
    b.subject_to(left - 6.0, equal=0.0)
    return b.problem()


@native("general", grids=SIZES)
def sosqp1(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """Products of pairs; n = 2 N, m = N + 1, SIF's N.

    N. I. M. Gould (CUTEst): f = sum x_i y_i, x_i - y_i = 1, sum (x_i + y_i) = N, |x|, |y| <= 1.
    """
    parts("sosqp1", n, per=2, least=1)
    b = Builder(np.zeros(n), lower=-1.0, upper=1.0)
    x, y = b.x[::2], b.x[1::2]
    b.minimise(x * y)
    b.subject_to(x - y - 1.0, equal=0.0)
    (row,) = b.rows(1, equal=0.0)
    b.add(row, x + y - 1.0)
    return b.problem()


@native("general", grids=SIZES)
def sosqp2(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``sosqp1`` with i x_i - y_i = i and sum (x_i + y_i) = N / 2."""
    pairs = parts("sosqp2", n, per=2, least=1)
    b = Builder(np.zeros(n), lower=-1.0, upper=1.0)
    x, y, i = b.x[::2], b.x[1::2], np.arange(1.0, pairs + 1.0)
    b.minimise(x * y)
    b.subject_to(i * x - y - i, equal=0.0)
    (row,) = b.rows(1, equal=0.0)
    b.add(row, x + y - 0.5)
    return b.problem()


@native("general", grids=SIZES)
def yao(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """The nearest convex sequence to sin(i / n), its last two elements zero; n = SIF's P + 2.

    A. Q. Yao and G. Liu (CUTEst, 1996): f = 1/2 sum (x_i - sin(i / n))^2,
    x_i - 2 x_{i+1} + x_{i+2} >= 0, x_1 >= 0.08.
    """
    parts("yao", n, per=1, least=4)
    lower, upper = np.full(n, -np.inf), np.full(n, np.inf)
    lower[0], lower[-2:], upper[-2:] = 0.08, 0.0, 0.0
    b = Builder(np.zeros(n), lower=lower, upper=upper)
    b.minimise(0.5 * (b.x[:] - np.sin(np.arange(1.0, n + 1.0) / n)) ** 2)
    b.subject_to(b.x[:-2] - 2.0 * b.x[1:-1] + b.x[2:], lower=0.0)
    return b.problem()


@native("general", grids={"standard": [{"n": 103}], "full": [{"n": 1_003}, {"n": 10_003}]})
def liswet1(_rng: np.random.Generator, *, n: int = 103) -> ConstrainedProblem:
    """The nearest sequence to noisy square roots whose third differences have one sign.

    W. Li and J. Swetits, A Newton method for convex regression, data smoothing and quadratic
    programming with bounded constraints, SIAM J. Optim. 3 (1993); n = N + 3, SIF's K = 3. With
    t_i = (i - 1) / (n - 1): f = 1/2 sum (x_i - sqrt t_i - sin(i) / 10)^2,
    sum over k of (-1)^k binomial(3, k) x_{j+3-k} >= 0.
    """
    rows = parts("liswet1", n, per=1, plus=3, least=1)
    b = Builder(np.zeros(n))
    i = np.arange(1.0, n + 1.0)
    b.minimise(0.5 * (b.x[:] - (np.sqrt((i - 1.0) / (n - 1.0)) + 0.1 * np.sin(i))) ** 2)
    numbers = b.rows(rows, lower=0.0)
    for k in range(4):
        b.add(numbers, float((-1) ** k * comb(3, k)) * b.x[3 - k : n - k])
    return b.problem()
