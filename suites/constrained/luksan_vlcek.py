"""Chained problems of Luksan and Vlcek, with equations (LUKVLE) and inequalities (LUKVLI).

L. Luksan and J. Vlcek, Sparse and partially separable test problems for unconstrained and equality
constrained optimization, Technical Report 767, Institute of Computer Science, Academy of Sciences
of the Czech Republic, 1999, problems 5.1 to 5.10; the versions with inequalities are CUTEst's.
Throughout, ``n`` is SIF's N, and indices below count from 1. 5.2 is left out: its SIF file is
ambiguous.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tiltyard.suites.constrained._checks import parts
from tiltyard.suites.constrained._expression import Node
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, absolute, cos, exp, log, sin, tan
from tiltyard.suites.constrained.problem import ConstrainedProblem

FULL = [{"n": 1_000}, {"n": 10_000}, {"n": 100_000}]
EVERY = {"standard": [{"n": 100}], "full": FULL}
BOTH = {"standard": [{"n": 100}, {"n": 1_000}], "full": FULL[1:]}

EQUAL = {"equal": 0.0}
UPPER = {"upper": 0.0}
LOWER = {"lower": 0.0}


@native("equality", grids=BOTH)
def lukvle1(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """5.1: chained Rosenbrock function, trigonometric-exponential equations c_k, k <= n - 2.

    f = sum over i < n of 100 (x_i^2 - x_{i+1})^2 + (x_i - 1)^2, c_k = 3 x_{k+1}^3 + 2 x_{k+2} - 5
    + sin(x_{k+1} - x_{k+2}) sin(x_{k+1} + x_{k+2}) + 4 x_{k+1} - x_k exp(x_k - x_{k+1}) - 3.
    """
    return _rosenbrock("lukvle1", n, EQUAL)


@native("general", grids=BOTH)
def lukvli1(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``lukvle1`` with c <= 0."""
    return _rosenbrock("lukvli1", n, UPPER)


def _rosenbrock(family: str, n: int, bounds: Any) -> ConstrainedProblem:
    parts(family, n, per=1, least=3)
    b = Builder(_periodic(n, -1.2, 1.0))
    now, after = b.x[:-1], b.x[1:]
    b.minimise(100.0 * (now**2 - after) ** 2 + (now - 1.0) ** 2)
    before, now, after = b.x[:-2], b.x[1:-1], b.x[2:]
    left = 3.0 * now**3 + 2.0 * after - 8.0 + sin(now - after) * sin(now + after)
    b.subject_to(left + 4.0 * now - before * exp(before - now), **bounds)
    return b.problem()


@native("equality", grids=BOTH)
def lukvle3(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """5.3: chained Powell singular function, two equations; n is even.

    f = sum over odd i < n - 2 of (x_i + 10 x_{i+1})^2 + 5 (x_{i+2} - x_{i+3})^2
    + (x_{i+1} - 2 x_{i+2})^4 + 10 (x_i - x_{i+3})^4,
    c_1 = 3 x_1^3 + 2 x_2 - 5 + sin(x_1 - x_2) sin(x_1 + x_2),
    c_2 = 4 x_n-1 - x_n-1 exp(x_n-1 - x_n) - 3; c_2 with x_n-1 where the report has x_n, as in SIF.
    """
    return _powell("lukvle3", n, EQUAL, EQUAL)


@native("general", grids=EVERY)
def lukvli3(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``lukvle3`` with c_1 >= 0 and c_2 <= 0."""
    return _powell("lukvli3", n, LOWER, UPPER)


def _powell(family: str, n: int, first: Any, last: Any) -> ConstrainedProblem:
    parts(family, n, per=2, least=2)
    b = Builder(_periodic(n, 3.0, -1.0, 0.0, 1.0))
    x, i = b.x, np.arange(0, n - 2, 2)
    b.minimise((x[i] + 10.0 * x[i + 1]) ** 2 + 5.0 * (x[i + 2] - x[i + 3]) ** 2)
    b.minimise((x[i + 1] - 2.0 * x[i + 2]) ** 4 + 10.0 * (x[i] - x[i + 3]) ** 4)
    wave = sin(x[0] - x[1]) * sin(x[0] + x[1])
    b.subject_to(3.0 * x[0] ** 3 + 2.0 * x[1] - 5.0 + wave, **first)
    b.subject_to(4.0 * x[-2] - x[-2] * exp(x[-2] - x[-1]) - 3.0, **last)
    return b.problem()


@native("equality", grids=EVERY)
def lukvle4c(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """5.4: chained Cragg-Levy function as corrected in CUTEst, tridiagonal equations; n is even.

    f = sum over odd i < n - 2 of (exp(x_i) - x_{i+1})^4 + 100 (x_{i+1} - x_{i+2})^6
    + (tan(x_{i+2} - x_{i+3}) + x_{i+2} - x_{i+3})^4 + x_i^8 + (x_{i+3} - 1)^2,
    c_k = 8 x_{k+1} (x_{k+1}^2 - x_k) - 2 (1 - x_{k+1}) + 4 (x_{k+1} - x_{k+2}^2), k <= n - 2.
    """
    return _cragg_levy("lukvle4c", n, EQUAL)


@native("general", grids=EVERY)
def lukvli4c(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``lukvle4c`` with c <= 0."""
    return _cragg_levy("lukvli4c", n, UPPER)


def _cragg_levy(family: str, n: int, bounds: Any) -> ConstrainedProblem:
    parts(family, n, per=2, least=2)
    b = Builder(_periodic(n, 1.0, 2.0, 2.0, 2.0))
    x, i = b.x, np.arange(0, n - 2, 2)
    b.minimise((exp(x[i]) - x[i + 1]) ** 4 + 100.0 * (x[i + 1] - x[i + 2]) ** 6)
    last = x[i + 2] - x[i + 3]
    b.minimise((tan(last) + last) ** 4 + x[i] ** 8 + (x[i + 3] - 1.0) ** 2)
    b.subject_to(_tridiagonal(x[:-2], x[1:-1]) + 4.0 * (x[1:-1] - x[2:] ** 2), **bounds)
    return b.problem()


@native(
    "equality", grids={"standard": [{"n": 99}], "full": [{"n": 999}, {"n": 9_999}, {"n": 99_999}]}
)
def lukvle6(_rng: np.random.Generator, *, n: int = 99) -> ConstrainedProblem:
    """5.6: generalized Broyden banded function, exponential equations; n is odd.

    f = sum over i of |(2 + 5 x_i^2) x_i + 1 + sum over max(1, i-5) <= j <= min(n, i+1) of
    x_j (1 + x_j)|^(7/3),
    c_k = 4 x_2k - (x_{2k-1} - x_{2k+1}) exp(x_{2k-1} - x_2k - x_{2k+1}) - 3, k <= (n - 1) / 2.
    """
    return _broyden("lukvle6", n, EQUAL)


@native(
    "general", grids={"standard": [{"n": 99}], "full": [{"n": 999}, {"n": 9_999}, {"n": 99_999}]}
)
def lukvli6(_rng: np.random.Generator, *, n: int = 99) -> ConstrainedProblem:
    """``lukvle6`` with c >= 0."""
    return _broyden("lukvli6", n, LOWER)


def _broyden(family: str, n: int, bounds: Any) -> ConstrainedProblem:
    parts(family, n, per=2, plus=1, least=4)
    b = Builder(np.full(n, 3.0))
    x = b.x
    inner = np.arange(5, n - 1)
    edges = [np.array([i]) for i in (*range(5), n - 1)]
    for i in (inner, *edges):
        band = range(max(-5, -int(i[0])), 1 + int(i[-1] < n - 1))
        total: Any = (2.0 + 5.0 * x[i] ** 2) * x[i] + 1.0
        for offset in band:
            total = total + x[i + offset] * (1.0 + x[i + offset])
        b.minimise(absolute(total) ** (7.0 / 3.0))
    left, middle, right = x[:-2:2], x[1:-1:2], x[2::2]
    b.subject_to(4.0 * middle - (left - right) * exp(left - middle - right) - 3.0, **bounds)
    return b.problem()


@native("equality", grids=EVERY)
def lukvle7(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """5.7: trigonometric tridiagonal function, four equations.

    f = sum over i of i (1 - cos x_i + sin x_{i-1} - sin x_{i+1}) with sin x_0 = sin x_{n+1} = 0;
    the last equation without the report's constant -2, as in SIF.
    """
    return _trigonometric("lukvle7", n, EQUAL)


@native("general", grids=EVERY)
def lukvli7(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``lukvle7`` with c <= 0."""
    return _trigonometric("lukvli7", n, UPPER)


def _trigonometric(family: str, n: int, bounds: Any) -> ConstrainedProblem:
    parts(family, n, per=1, least=5)
    b = Builder(np.ones(n))
    x, i = b.x, np.arange(1.0, n + 1.0)
    b.minimise(i * (1.0 - cos(x[:])))
    b.minimise(i[1:] * sin(x[:-1]) - i[:-1] * sin(x[1:]))
    b.subject_to(4.0 * (x[0] - x[1] ** 2) + x[1] - x[2] ** 2, **bounds)
    second = _tridiagonal(x[0], x[1]) + 4.0 * (x[1] - x[2] ** 2) + x[2] - x[3] ** 2
    b.subject_to(second, **bounds)
    third = _tridiagonal(x[-3], x[-2]) + 4.0 * (x[-2] - x[-1] ** 2)
    b.subject_to(third + x[-3] ** 2 - x[-4], **bounds)
    b.subject_to(_tridiagonal(x[-2], x[-1]) + 2.0 + x[-2] ** 2 - x[-3], **bounds)
    return b.problem()


@native("equality", grids=EVERY)
def lukvle8(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """5.8: HS80-like products of five variables, discrete boundary value equations; 5 divides n.

    Per block of five, f has exp(x_1 x_2 x_3 x_4 x_5) + 10 (|x|^2 - 10 - l_1)^2
    + 10 (x_2 x_3 - 5 x_4 x_5 - l_2)^2 + 10 (x_1^3 + x_2^3 + 1 - l_3)^2 with
    l = (-0.002008, -0.0019, -0.000261), and with h = 1 / (n + 1), for k <= n - 2,
    c_k = 2 x_{k+1} + h^2 / 2 (x_{k+1} + h (k + 1) + 1)^2 - x_k - x_{k+2}; a square, as in SIF.
    """
    return _products("lukvle8", n, EQUAL)


@native("general", grids=EVERY)
def lukvli8(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``lukvle8`` with c <= 0."""
    return _products("lukvli8", n, UPPER)


def _products(family: str, n: int, bounds: Any) -> ConstrainedProblem:
    parts(family, n, per=5, least=1)
    b = Builder(_periodic(n, -1.0, 2.0))
    first, second, third, fourth, fifth = (b.x[start::5] for start in range(5))
    b.minimise(exp(first * second * third * fourth * fifth))
    squares = first**2 + second**2 + third**2 + fourth**2 + fifth**2
    b.minimise(10.0 * (squares - (10.0 - 0.002008)) ** 2)
    b.minimise(10.0 * (second * third - 5.0 * fourth * fifth + 0.0019) ** 2)
    b.minimise(10.0 * (first**3 + second**3 + (1.0 + 0.000261)) ** 2)
    before, now, after = b.x[:-2], b.x[1:-1], b.x[2:]
    h = 1.0 / (n + 1.0)
    shift = h * np.arange(2.0, n) + 1.0
    b.subject_to(2.0 * now + h**2 / 2.0 * (now + shift) ** 2 - before - after, **bounds)
    return b.problem()


@native("equality", grids=EVERY)
def lukvle10(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """5.10: generalized Brown function, tridiagonal equations c_k, k <= n - 2; n is even.

    f = sum over odd i of (x_i^2)^(x_{i+1}^2 + 1) + (x_{i+1}^2)^(x_i^2 + 1),
    c_k = (3 - 2 x_{k+1}) x_{k+1} + 1 - x_k - 2 x_{k+2}.
    """
    return _brown("lukvle10", n, EQUAL)


@native("general", grids=EVERY)
def lukvli10(_rng: np.random.Generator, *, n: int = 100) -> ConstrainedProblem:
    """``lukvle10`` with c <= 0."""
    return _brown("lukvli10", n, UPPER)


def _brown(family: str, n: int, bounds: Any) -> ConstrainedProblem:
    parts(family, n, per=2, least=2)
    b = Builder(_periodic(n, -1.0, 1.0))
    odd, even = b.x[::2] ** 2, b.x[1::2] ** 2
    b.minimise(exp((even + 1.0) * log(odd)) + exp((odd + 1.0) * log(even)))
    now = b.x[1:-1]
    b.subject_to((3.0 - 2.0 * now) * now + 1.0 - b.x[:-2] - 2.0 * b.x[2:], **bounds)
    return b.problem()


def _tridiagonal(before: Node, now: Node) -> Node:
    return 8.0 * now * (now**2 - before) - 2.0 * (1.0 - now)


def _periodic(n: int, *values: float) -> Any:
    return np.resize(np.array(values), n)
