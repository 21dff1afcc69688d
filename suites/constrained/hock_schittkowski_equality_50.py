"""Hock and Schittkowski's problems with equations alone from number 50, and CUTEst's like them.

Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, Springer (1981),
doi:10.1007/978-3-642-48320-2. Scales and signs of c are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, sin
from tiltyard.suites.constrained.problem import ConstrainedProblem

_ROOT2 = np.sqrt(2.0)


@native("equality")
def hs50(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 50."""
    b = Builder([35.0, -31.0, 11.0, 5.0, -5.0])
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 2 + (x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 2)
    for k in range(3):
        b.subject_to(x[k] + 2.0 * x[k + 1] + 3.0 * x[k + 2] - 6.0, equal=0.0)
    return b.problem()


@native("equality")
def hs51(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 51."""
    return _linear([2.5, 0.5, 2.0, -1.0, 0.5], 1.0, 4.0)


@native("equality")
def hs52(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 52."""
    return _linear([2.0, 2.0, 2.0, 2.0, 2.0], 4.0, 0.0)


def _linear(x0: list[float], factor: float, right: float) -> ConstrainedProblem:
    """Return the problem that 51 and 52 share."""
    b = Builder(x0)
    x = b.x
    b.minimise((factor * x[0] - x[1]) ** 2 + (x[1] + x[2] - 2.0) ** 2)
    b.minimise((x[3] - 1.0) ** 2 + (x[4] - 1.0) ** 2)
    b.subject_to(x[0] + 3.0 * x[1] - right, equal=0.0)
    b.subject_to(x[2] + x[3] - 2.0 * x[4], equal=0.0)
    b.subject_to(x[1] - x[4], equal=0.0)
    return b.problem()


@native("equality")
def hs56(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 56."""
    b = Builder([1.0, 1.0, 1.0, 0.50973968, 0.50973968, 0.50973968, 0.98511078])
    x = b.x
    b.minimise(-x[0] * x[1] * x[2])
    for k in range(3):
        b.subject_to(x[k] - 4.2 * sin(x[3 + k]) ** 2, equal=0.0)
    b.subject_to(x[0] + 2.0 * x[1] + 2.0 * x[2] - 7.2 * sin(x[6]) ** 2, equal=0.0)
    return b.problem()


@native("equality")
def hs61(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 61."""
    b = Builder(np.zeros(3))
    x = b.x
    b.minimise(4.0 * x[0] ** 2 + 2.0 * x[1] ** 2 + 2.0 * x[2] ** 2)
    b.minimise(-33.0 * x[0] + 16.0 * x[1] - 24.0 * x[2])
    b.subject_to(3.0 * x[0] - 2.0 * x[1] ** 2 - 7.0, equal=0.0)
    b.subject_to(4.0 * x[0] - x[2] ** 2 - 11.0, equal=0.0)
    return b.problem()


@native("equality")
def hs77(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 77."""
    b = Builder(np.full(5, 2.0))
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[0] - x[1]) ** 2 + (x[2] - 1.0) ** 2)
    b.minimise((x[3] - 1.0) ** 4 + (x[4] - 1.0) ** 6)
    b.subject_to(x[0] ** 2 * x[3] + sin(x[3] - x[4]) - 2.0 * _ROOT2, equal=0.0)
    b.subject_to(x[1] + x[2] ** 4 * x[3] ** 2 - 8.0 - _ROOT2, equal=0.0)
    return b.problem()


@native("equality", "smoke")
def hs78(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 78."""
    b = Builder([-2.0, 1.5, 2.0, -1.0, -1.0])
    x = b.x
    b.minimise(x[0] * x[1] * x[2] * x[3] * x[4])
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2 + x[4] ** 2 - 10.0, equal=0.0)
    b.subject_to(x[1] * x[2] - 5.0 * x[3] * x[4], equal=0.0)
    b.subject_to(x[0] ** 3 + x[1] ** 3 + 1.0, equal=0.0)
    return b.problem()


@native("equality")
def hs79(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 79."""
    b = Builder(np.full(5, 2.0))
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 2)
    b.minimise((x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 4)
    b.subject_to(x[0] + x[1] ** 2 + x[2] ** 3 - 2.0 - 3.0 * _ROOT2, equal=0.0)
    b.subject_to(x[1] - x[2] ** 2 + x[3] + 2.0 - 2.0 * _ROOT2, equal=0.0)
    b.subject_to(x[0] * x[4] - 2.0, equal=0.0)
    return b.problem()


@native("equality")
def mwright(rng: Generator) -> ConstrainedProblem:
    """Wright (1976), page 165: CUTEst's variation of problem 79 of HS."""
    b = Builder([-1.0, 2.0, 1.0, -2.0, -2.0])
    x = b.x
    b.minimise(x[0] ** 2 + (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 3)
    b.minimise((x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 4)
    b.subject_to(x[0] + x[1] ** 2 + x[2] ** 2 - 2.0 - 3.0 * _ROOT2, equal=0.0)
    b.subject_to(x[1] - x[2] ** 2 + x[3] + 2.0 - 2.0 * _ROOT2, equal=0.0)
    b.subject_to(x[0] * x[4] - 2.0, equal=0.0)
    return b.problem()


@native("equality")
def hs100lnp(rng: Generator) -> ConstrainedProblem:
    """CUTEst's problem 100 of HS with the two constraints that are active, as equations."""
    b = Builder([1.0, 2.0, 0.0, 4.0, 0.0, 1.0, 1.0])
    x = b.x
    b.minimise((x[0] - 10.0) ** 2 + 5.0 * (x[1] - 12.0) ** 2 + x[2] ** 4 + 3.0 * (x[3] - 11.0) ** 2)
    b.minimise(10.0 * x[4] ** 6 + 7.0 * x[5] ** 2 + x[6] ** 4 - 4.0 * x[5] * x[6])
    b.minimise(-10.0 * x[5] - 8.0 * x[6])
    first = 2.0 * x[0] ** 2 + 3.0 * x[1] ** 4 + x[2] + 4.0 * x[3] ** 2 + 5.0 * x[4]
    last = 4.0 * x[0] ** 2 + x[1] ** 2 - 3.0 * x[0] * x[1] + 2.0 * x[2] ** 2
    b.subject_to(127.0 - first, equal=0.0)
    b.subject_to(-last - 5.0 * x[5] + 11.0 * x[6], equal=0.0)
    return b.problem()


@native("equality")
def maratos(rng: Generator) -> ConstrainedProblem:
    """Maratos (1978): the unit step is refused near the solution; CUTEst's tau = 1e-6."""
    b = Builder([1.1, 0.1])
    x, y = b.x[0], b.x[1]
    b.minimise(1e-6 * (x**2 + y**2 - 1.0) - x)
    b.subject_to(x**2 + y**2 - 1.0, equal=0.0)
    return b.problem()


@native("equality")
def orthregb(rng: Generator) -> ConstrainedProblem:
    """Gulliksson (1990): orthogonal regression of six exact points by a quadric; minimum zero."""
    points = np.array(
        [
            [9.5, 9.5, 0.5], [6.5, -5.5, 0.5], [-8.5, -8.5, 0.5],
            [-5.5, 6.5, 0.5], [0.5, 0.5, 7.5], [0.5, 0.5, -6.5],
        ]
    )  # fmt: skip
    b = Builder(np.r_[1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, points.ravel()])
    h, g = [b.x[k] for k in range(6)], [b.x[k] for k in range(6, 9)]
    b.minimise((b.x[9:] - points.ravel()) ** 2)
    x, y, z = b.x[9::3], b.x[10::3], b.x[11::3]
    rows = b.subject_to(h[0] * x**2 + h[3] * y**2 + h[5] * z**2 - 1.0, equal=0.0)
    b.add(rows, 2.0 * (h[1] * x * y + h[2] * x * z + h[4] * y * z))
    b.add(rows, -2.0 * (g[0] * x + g[1] * y + g[2] * z))
    return b.problem()
