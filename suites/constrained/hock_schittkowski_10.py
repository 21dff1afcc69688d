"""Hock and Schittkowski's problems 10 to 24 with inequalities or bounds.

Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, Springer (1981),
doi:10.1007/978-3-642-48320-2. Starts, scales, signs and order of c are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder
from tiltyard.suites.constrained.problem import ConstrainedProblem


@native("general")
def hs10(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 10."""
    b = Builder([-10.0, 10.0])
    x, y = b.x[0], b.x[1]
    b.minimise(x - y)
    b.subject_to(-3.0 * x**2 + 2.0 * x * y - y**2 + 1.0, lower=0.0)
    return b.problem()


@native("general")
def hs11(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 11."""
    b = Builder([4.9, 0.1])
    x, y = b.x[0], b.x[1]
    b.minimise((x - 5.0) ** 2 + y**2 - 25.0)
    b.subject_to(y - x**2, lower=0.0)
    return b.problem()


@native("general")
def hs12(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 12."""
    b = Builder([0.0, 0.0])
    x, y = b.x[0], b.x[1]
    b.minimise(0.5 * x**2 + y**2 - x * y - 7.0 * x - 7.0 * y)
    b.subject_to(25.0 - 4.0 * x**2 - y**2, lower=0.0)
    return b.problem()


@native("general")
def hs13(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 13: no multipliers exist at the solution."""
    b = Builder([-2.0, -2.0], lower=0.0)
    x, y = b.x[0], b.x[1]
    b.minimise((x - 2.0) ** 2 + y**2)
    b.subject_to((1.0 - x) ** 3 - y, lower=0.0)
    return b.problem()


@native("general")
def hs14(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 14."""
    b = Builder([2.0, 2.0])
    x, y = b.x[0], b.x[1]
    b.minimise((x - 2.0) ** 2 + (y - 1.0) ** 2)
    b.subject_to(x - 2.0 * y + 1.0, equal=0.0)
    b.subject_to(1.0 - 0.25 * x**2 - y**2, lower=0.0)
    return b.problem()


def _valley(b: Builder) -> None:
    """Minimise Rosenbrock's function of the first two variables."""
    b.minimise(100.0 * (b.x[1] - b.x[0] ** 2) ** 2 + (1.0 - b.x[0]) ** 2)


@native("general")
def hs15(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 15."""
    b = Builder([-2.0, 1.0], upper=[0.5, np.inf])
    _valley(b)
    b.subject_to(b.x[0] * b.x[1] - 1.0, lower=0.0)
    b.subject_to(b.x[0] + b.x[1] ** 2, lower=0.0)
    return b.problem()


@native("general")
def hs16(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 16."""
    b = Builder([-2.0, 1.0], lower=[-0.5, -np.inf], upper=[0.5, 1.0])
    _valley(b)
    b.subject_to(b.x[0] + b.x[1] ** 2, lower=0.0)
    b.subject_to(b.x[0] ** 2 + b.x[1], lower=0.0)
    return b.problem()


@native("general")
def hs17(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 17."""
    b = Builder([-2.0, 1.0], lower=[-0.5, -np.inf], upper=[0.5, 1.0])
    _valley(b)
    b.subject_to(b.x[1] ** 2 - b.x[0], lower=0.0)
    b.subject_to(b.x[0] ** 2 - b.x[1], lower=0.0)
    return b.problem()


@native("general")
def hs18(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 18."""
    b = Builder([2.0, 2.0], lower=[2.0, 0.0], upper=50.0)
    x, y = b.x[0], b.x[1]
    b.minimise(0.01 * x**2 + y**2)
    b.subject_to(x * y - 25.0, lower=0.0)
    b.subject_to(x**2 + y**2 - 25.0, lower=0.0)
    return b.problem()


@native("general")
def hs19(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 19."""
    b = Builder([20.1, 5.84], lower=[13.0, 0.0], upper=100.0)
    x, y = b.x[0], b.x[1]
    b.minimise((x - 10.0) ** 3 + (y - 20.0) ** 3)
    b.subject_to((x - 5.0) ** 2 + (y - 5.0) ** 2 - 100.0, lower=0.0)
    b.subject_to(82.81 - (y - 5.0) ** 2 - (x - 6.0) ** 2, lower=0.0)
    return b.problem()


@native("general")
def hs20(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 20."""
    b = Builder([-2.0, 1.0], lower=[-0.5, -np.inf], upper=[0.5, np.inf])
    _valley(b)
    b.subject_to(b.x[0] + b.x[1] ** 2, lower=0.0)
    b.subject_to(b.x[0] ** 2 + b.x[1], lower=0.0)
    b.subject_to(b.x[0] ** 2 + b.x[1] ** 2 - 1.0, lower=0.0)
    return b.problem()


@native("general", "smoke")
def hs21(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 21."""
    b = Builder([-1.0, -1.0], lower=[2.0, -50.0], upper=50.0)
    x, y = b.x[0], b.x[1]
    b.minimise(0.01 * x**2 + y**2 - 100.0)
    b.subject_to(10.0 * x - y - 10.0, lower=0.0)
    return b.problem()


@native("general")
def hs22(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 22."""
    b = Builder([2.0, 2.0])
    x, y = b.x[0], b.x[1]
    b.minimise((x - 2.0) ** 2 + (y - 1.0) ** 2)
    b.subject_to(2.0 - x - y, lower=0.0)
    b.subject_to(y - x**2, lower=0.0)
    return b.problem()


@native("general")
def hs23(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 23."""
    b = Builder([3.0, 1.0], lower=-50.0, upper=50.0)
    x, y = b.x[0], b.x[1]
    b.minimise(x**2 + y**2)
    b.subject_to(x + y - 1.0, lower=0.0)
    b.subject_to(x**2 + y**2 - 1.0, lower=0.0)
    b.subject_to(9.0 * x**2 + y**2 - 9.0, lower=0.0)
    b.subject_to(x**2 - y, lower=0.0)
    b.subject_to(y**2 - x, lower=0.0)
    return b.problem()


@native("general")
def hs24(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 24."""
    b = Builder([1.0, 0.5], lower=0.0)
    x, y, root3 = b.x[0], b.x[1], np.sqrt(3.0)
    b.minimise(((x - 3.0) ** 2 - 9.0) * y**3 / (27.0 * root3))
    b.subject_to(x / root3 - y, lower=0.0)
    b.subject_to(x + root3 * y, lower=0.0)
    b.subject_to(6.0 - x - root3 * y, lower=0.0)
    return b.problem()
