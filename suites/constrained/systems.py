"""Small systems of equations without an objective, from CUTEst; AdaSketch-Newton's set has them.

Gould, Orban and Toint, CUTEst (2015), doi:10.1007/s10589-014-9687-3. A row that SIF divides by a
scale is divided here, too, so that residuals are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, arctan2, cos, exp, log, sin, sqrt
from tiltyard.suites.constrained.problem import ConstrainedProblem


@native("equality", "smoke")
def himmelba(rng: Generator) -> ConstrainedProblem:
    """Himmelblau (1972), problem 25: two linear equations."""
    b = Builder([8.0, 9.0])
    b.subject_to(4.0 * (b.x[0] - 5.0), equal=0.0)
    b.subject_to(b.x[1] - 6.0, equal=0.0)
    return b.problem()


@native("equality")
def himmelbc(rng: Generator) -> ConstrainedProblem:
    """Himmelblau (1972), problem 28, as equations."""
    b = Builder([1.0, 1.0])
    b.subject_to(b.x[0] ** 2 + b.x[1] - 11.0, equal=0.0)
    b.subject_to(b.x[0] + b.x[1] ** 2 - 7.0, equal=0.0)
    return b.problem()


@native("equality")
def himmelbe(rng: Generator) -> ConstrainedProblem:
    """Himmelblau (1972), problem 30: three equations."""
    b = Builder([-1.2, 2.0, 0.0])
    b.subject_to(0.25 * (b.x[0] + b.x[1]) ** 2 - b.x[2], equal=0.0)
    b.subject_to(1.0 - b.x[0], equal=0.0)
    b.subject_to(1.0 - b.x[1], equal=0.0)
    return b.problem()


@native("equality")
def sinvalne(rng: Generator) -> ConstrainedProblem:
    """Xiao and Zhou (1992), problem 4.2: Rosenbrock's valley along a sine, as equations."""
    b = Builder([4.712389, -1.0])
    b.subject_to(10.0 * (b.x[1] - sin(b.x[0])), equal=0.0)
    b.subject_to(0.5 * b.x[0], equal=0.0)
    return b.problem()


@native("equality")
def booth(rng: Generator) -> ConstrainedProblem:
    """Booth's two linear equations; Buckley (1989), problem 36."""
    b = Builder([0.0, 0.0])
    b.subject_to(b.x[0] + 2.0 * b.x[1] - 7.0, equal=0.0)
    b.subject_to(2.0 * b.x[0] + b.x[1] - 5.0, equal=0.0)
    return b.problem()


@native("equality")
def waysea1ne(rng: Generator) -> ConstrainedProblem:
    """Wayburn and Seader (1987), first problem, as equations."""
    b = Builder([1.0, 5.0])
    b.subject_to(b.x[0] ** 6 + b.x[1] ** 4 - 17.0, equal=0.0)
    b.subject_to(2.0 * b.x[0] + b.x[1] - 4.0, equal=0.0)
    return b.problem()


@native("equality")
def waysea2ne(rng: Generator) -> ConstrainedProblem:
    """Wayburn and Seader (1987), second problem, as equations."""
    b = Builder([1.0, 5.0])
    circle = 1.613 - 4.0 * (b.x[0] - 0.3125) ** 2 - 4.0 * (b.x[1] - 1.625) ** 2
    b.subject_to(circle, equal=0.0)
    b.subject_to(b.x[1] - 1.0, equal=0.0)
    return b.problem()


@native("equality")
def rsnbrne(rng: Generator) -> ConstrainedProblem:
    """Rosenbrock (1960), as two equations."""
    b = Builder([-1.2, 1.0])
    b.subject_to(10.0 * (b.x[1] - b.x[0] ** 2), equal=0.0)
    b.subject_to(b.x[0] - 1.0, equal=0.0)
    return b.problem()


@native("equality")
def cubene(rng: Generator) -> ConstrainedProblem:
    """A cubic Rosenbrock valley as two equations; Leon (1966)."""
    b = Builder([-1.2, 1.0])
    b.subject_to(b.x[0] - 1.0, equal=0.0)
    b.subject_to(10.0 * (b.x[1] - b.x[0] ** 3), equal=0.0)
    return b.problem()


@native("equality")
def zangwil3(rng: Generator) -> ConstrainedProblem:
    """Zangwill (1967): three linear equations; Buckley (1989), problem 1."""
    b = Builder([100.0, -1.0, 2.5])
    x = b.x
    b.subject_to(x[0] - x[1] + x[2], equal=0.0)
    b.subject_to(x[1] - x[0] + x[2], equal=0.0)
    b.subject_to(x[0] + x[1] - x[2], equal=0.0)
    return b.problem()


@native("equality")
def helixne(rng: Generator) -> ConstrainedProblem:
    """Fletcher and Powell (1963), helical valley, as three equations; 1/(2 pi) as in CUTEst."""
    b = Builder([-1.0, 0.0, 0.0])
    x = b.x
    b.subject_to(10.0 * (x[2] - 1.5915494 * arctan2(x[1], x[0])), equal=0.0)
    b.subject_to(10.0 * (sqrt(x[0] ** 2 + x[1] ** 2) - 1.0), equal=0.0)
    b.subject_to(x[2], equal=0.0)
    return b.problem()


@native("equality")
def gottfr(rng: Generator) -> ConstrainedProblem:
    """Gottfried's two equations, whose Jacobian can be singular; Toint (1989)."""
    b = Builder([0.5, 0.5])
    x, y = b.x[0], b.x[1]
    b.subject_to(x - 0.1136 * (x + 3.0 * y) * (1.0 - x), equal=0.0)
    b.subject_to(y + 7.5 * (2.0 * x - y) * (1.0 - y), equal=0.0)
    return b.problem()


@native("equality")
def denschncne(rng: Generator) -> ConstrainedProblem:
    """Dennis and Schnabel (1983), page 98, as equations."""
    b = Builder([2.0, 3.0])
    b.subject_to(b.x[0] ** 2 + b.x[1] ** 2 - 2.0, equal=0.0)
    b.subject_to(exp(b.x[0] - 1.0) + b.x[1] ** 3 - 2.0, equal=0.0)
    return b.problem()


@native("equality")
def denschnfne(rng: Generator) -> ConstrainedProblem:
    """Dennis and Schnabel (1983), page 365, as equations."""
    b = Builder([2.0, 0.0])
    x, y = b.x[0], b.x[1]
    b.subject_to(2.0 * (x + y) ** 2 + (x - y) ** 2 - 8.0, equal=0.0)
    b.subject_to(5.0 * x**2 + (y - 3.0) ** 2 - 9.0, equal=0.0)
    return b.problem()


@native("equality")
def price4ne(rng: Generator) -> ConstrainedProblem:
    """Price (1983), fourth problem, as equations; the Jacobian is singular at the origin."""
    b = Builder([1.0, 5.0])
    b.subject_to(2.0 * b.x[0] ** 3 * b.x[1] - b.x[1] ** 3, equal=0.0)
    b.subject_to(6.0 * b.x[0] - b.x[1] ** 2 + b.x[1], equal=0.0)
    return b.problem()


@native("equality", grids={"standard": ({},)})
def trigon1ne(rng: Generator, *, n: int = 10) -> ConstrainedProblem:
    """Spedicato (1975): a trigonometric function as equations; MGH (1981), problem 26, varied."""
    b = Builder(np.full(n, 0.1))
    i = np.arange(n)
    rows = b.rows(n, equal=0.0)
    b.add(rows, (i + 1.0) * (cos(b.x[i]) + sin(b.x[i])) - (n + i + 1.0))
    for j in range(n):
        b.add(rows, cos(b.x[j]))
    return b.problem()


@native("equality", grids={"standard": ({},)})
def morebvne(rng: Generator, *, n: int = 10) -> ConstrainedProblem:
    """CUTEst's MOREBVNE: More and Cosnard's (1979) boundary value problem, but for the last row.

    CUTEst's file (2015) has x_{n-1} there where the discretised equation has 2 x_n - x_{n-1};
    published results on MOREBVNE are on that system.
    """
    h = 1.0 / (n + 1)
    t = h * np.arange(1, n + 1)
    b = Builder(t * (t - 1.0))
    i = np.arange(n - 1)
    rows = b.subject_to(0.5 * h**2 * (b.x[:] + t + 1.0) ** 3, equal=0.0)
    b.add(rows[:-1], 2.0 * b.x[i] - b.x[i + 1])
    b.add(rows[1:-1], -b.x[i[:-1]])
    b.add(rows[-1], b.x[n - 2])
    return b.problem()


@native("equality", grids={"standard": ({},)})
def inteqne(rng: Generator, *, n: int = 10) -> ConstrainedProblem:
    """More and Cosnard (1979): an integral equation with n inner and two fixed values."""
    h = 1.0 / (n + 1)
    t = h * np.arange(n + 2)
    b = Builder(t * (t - 1.0))
    rows = b.subject_to(b.x[:], equal=0.0)
    inner = np.arange(1, n + 1)
    for j in inner:
        kernel = 0.5 * h * np.where(inner >= j, (1.0 - t[inner]) * t[j], t[inner] * (1.0 - t[j]))
        b.add(rows[inner], kernel * (b.x[j] + t[j] + 1.0) ** 3)
    return b.problem()


@native("equality", grids={"standard": ({},)})
def mancinone(rng: Generator, *, n: int = 100) -> ConstrainedProblem:
    """Spedicato (1975): Mancino's function as equations; alpha = 5, beta = 14, gamma = 3.

    The start is CUTEst's before May 2024, whose sums stop below the diagonal, as in earlier papers.
    """
    i = np.arange(1.0, n + 1.0)
    length = np.sqrt(i[:, None] / i)
    angle = np.log(length)
    terms = np.tril(length * (np.sin(angle) ** 5 + np.cos(angle) ** 5), -1)
    offset = (i - 0.5 * n) ** 3
    slope = -14.0 * n / ((14.0 * n) ** 2 - 36.0 * (n - 1.0) ** 2)
    b = Builder(slope * (terms.sum(axis=1) + offset))
    rows = b.subject_to(14.0 * n * b.x[:] - offset, equal=0.0)
    for j in range(n):
        others = np.flatnonzero(np.arange(n) != j)
        root = sqrt(b.x[j] ** 2 + (others + 1.0) / (j + 1.0))
        b.add(rows[others], root * (sin(log(root)) ** 5 + cos(log(root)) ** 5))
    return b.problem()
