"""Hock and Schittkowski's problems with equations alone, and CUTEst's variations of them.

Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, Springer (1981),
doi:10.1007/978-3-642-48320-2. Scales and signs of c are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, cos, log, sin
from tiltyard.suites.constrained.problem import ConstrainedProblem

_ROOT2 = np.sqrt(2.0)


@native("equality", "smoke")
def hs6(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 6; CUTEst's start, equation times 10."""
    b = Builder([-1.2, 1.0])
    b.minimise((1.0 - b.x[0]) ** 2)
    b.subject_to(10.0 * (b.x[1] - b.x[0] ** 2), equal=0.0)
    return b.problem()


@native("equality")
def hs7(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 7."""
    b = Builder([2.0, 2.0])
    x, y = b.x[0], b.x[1]
    b.minimise(log(1.0 + x**2) - y)
    b.subject_to((1.0 + x**2) ** 2 + y**2 - 4.0, equal=0.0)
    return b.problem()


@native("equality")
def hs8(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 8: two equations, a constant objective."""
    b = Builder([2.0, 1.0])
    x, y = b.x[0], b.x[1]
    b.minimise(-1.0)
    b.subject_to(x**2 + y**2 - 25.0, equal=0.0)
    b.subject_to(x * y - 9.0, equal=0.0)
    return b.problem()


@native("equality")
def hs9(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 9."""
    b = Builder([0.0, 0.0])
    b.minimise(sin(np.pi / 12.0 * b.x[0]) * cos(np.pi / 16.0 * b.x[1]))
    b.subject_to(4.0 * b.x[0] - 3.0 * b.x[1], equal=0.0)
    return b.problem()


@native("equality")
def hs26(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 26."""
    b = Builder([-2.6, 2.0, 2.0])
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4)
    b.subject_to((1.0 + x[1] ** 2) * x[0] + x[2] ** 4 - 3.0, equal=0.0)
    return b.problem()


@native("equality")
def hs27(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 27."""
    b = Builder([2.0, 2.0, 2.0])
    x = b.x
    b.minimise(0.01 * (x[0] - 1.0) ** 2 + (x[1] - x[0] ** 2) ** 2)
    b.subject_to(x[0] + x[2] ** 2 + 1.0, equal=0.0)
    return b.problem()


@native("equality", "smoke")
def hs28(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 28."""
    b = Builder([-4.0, 1.0, 1.0])
    x = b.x
    b.minimise((x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2)
    b.subject_to(x[0] + 2.0 * x[1] + 3.0 * x[2] - 1.0, equal=0.0)
    return b.problem()


@native("equality", grids={"standard": ({},)})
def genhs28(rng: Generator, *, n: int = 10) -> ConstrainedProblem:
    """CUTEst's problem 28 of HS with n variables, and its multipliers to start from."""
    b = Builder(np.r_[-4.0, np.ones(n - 1)])
    i, k = np.arange(n - 1), np.arange(n - 2)
    b.minimise((b.x[i] + b.x[i + 1]) ** 2)
    b.subject_to(b.x[k] + 2.0 * b.x[k + 1] + 3.0 * b.x[k + 2] - 1.0, equal=0.0)
    b.multipliers(1.0)
    return b.problem()


@native("equality")
def hs39(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 39."""
    b = Builder(np.full(4, 2.0))
    x = b.x
    b.minimise(-x[0])
    b.subject_to(x[1] - x[0] ** 3 - x[2] ** 2, equal=0.0)
    b.subject_to(x[0] ** 2 - x[1] - x[3] ** 2, equal=0.0)
    return b.problem()


@native("equality")
def hs40(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 40."""
    b = Builder(np.full(4, 0.8))
    x = b.x
    b.minimise(-x[0] * x[1] * x[2] * x[3])
    b.subject_to(x[0] ** 3 + x[1] ** 2 - 1.0, equal=0.0)
    b.subject_to(x[0] ** 2 * x[3] - x[2], equal=0.0)
    b.subject_to(x[3] ** 2 - x[1], equal=0.0)
    return b.problem()


@native("equality")
def hs42(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 42."""
    b = Builder(np.ones(4))
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[1] - 2.0) ** 2 + (x[2] - 3.0) ** 2 + (x[3] - 4.0) ** 2)
    b.subject_to(x[0] - 2.0, equal=0.0)
    b.subject_to(x[2] ** 2 + x[3] ** 2 - 2.0, equal=0.0)
    return b.problem()


@native("equality")
def hs46(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 46."""
    b = Builder([0.5 * _ROOT2, 1.75, 0.5, 2.0, 2.0])
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[2] - 1.0) ** 2 + (x[3] - 1.0) ** 4 + (x[4] - 1.0) ** 6)
    b.subject_to(x[0] ** 2 * x[3] + sin(x[3] - x[4]) - 1.0, equal=0.0)
    b.subject_to(x[1] + x[2] ** 4 * x[3] ** 2 - 2.0, equal=0.0)
    return b.problem()


@native("equality")
def hs47(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 47; CUTEst has x4 and x5 in the other order."""
    b = Builder([2.0, _ROOT2, -1.0, 2.0 - _ROOT2, 0.5])
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 3 + (x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 4)
    b.subject_to(x[0] + x[1] ** 2 + x[2] ** 3 - 3.0, equal=0.0)
    b.subject_to(x[1] - x[2] ** 2 + x[3] - 1.0, equal=0.0)
    b.subject_to(x[0] * x[4] - 1.0, equal=0.0)
    return b.problem()


@native("equality")
def hs48(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 48."""
    b = Builder([3.0, 5.0, -3.0, 2.0, -2.0])
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2)
    b.subject_to(x[0] + x[1] + x[2] + x[3] + x[4] - 5.0, equal=0.0)
    b.subject_to(x[2] - 2.0 * (x[3] + x[4]) + 3.0, equal=0.0)
    return b.problem()


@native("equality")
def hs49(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 49."""
    b = Builder([10.0, 7.0, 2.0, -3.0, 0.8])
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[2] - 1.0) ** 2 + (x[3] - 1.0) ** 4 + (x[4] - 1.0) ** 6)
    b.subject_to(x[0] + x[1] + x[2] + 4.0 * x[3] - 7.0, equal=0.0)
    b.subject_to(x[2] + 5.0 * x[4] - 6.0, equal=0.0)
    return b.problem()
