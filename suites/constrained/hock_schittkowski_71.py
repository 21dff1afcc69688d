"""Hock and Schittkowski's problems 71 to 100 with inequalities or bounds.

Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, Springer (1981),
doi:10.1007/978-3-642-48320-2. Starts, scales, signs and order of c are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, dot, exp, sin, sqrt
from tiltyard.suites.constrained.problem import ConstrainedProblem


@native("general", "smoke")
def hs71(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 71."""
    b = Builder([1.0, 5.0, 5.0, 1.0], lower=1.0, upper=5.0)
    x = b.x
    b.minimise(x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2])
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2 - 40.0, equal=0.0)
    b.subject_to(x[0] * x[1] * x[2] * x[3] - 25.0, lower=0.0)
    return b.problem()


@native("general")
def hs72(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 72."""
    b = Builder(np.ones(4), lower=0.001, upper=[4e5, 3e5, 2e5, 1e5])
    x, y, z, w = b.x[0], b.x[1], b.x[2], b.x[3]
    b.minimise(1.0 + x + y + z + w)
    b.subject_to(0.0401 - 4.0 / x - 2.25 / y - 1.0 / z - 0.25 / w, lower=0.0)
    b.subject_to(0.010085 - 0.16 / x - 0.36 / y - 0.64 / z - 0.64 / w, lower=0.0)
    return b.problem()


@native("general")
def hs73(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 73: cattle feed."""
    b = Builder(np.ones(4), lower=0.0)
    x, y, z, w = b.x[0], b.x[1], b.x[2], b.x[3]
    b.minimise(24.55 * x + 26.75 * y + 39.0 * z + 40.5 * w)
    b.subject_to(x + y + z + w - 1.0, equal=0.0)
    b.subject_to(2.3 * x + 5.6 * y + 11.1 * z + 1.3 * w - 5.0, lower=0.0)
    spread = sqrt(0.28 * x**2 + 0.19 * y**2 + 20.5 * z**2 + 0.62 * w**2)
    mean = 12.0 * x + 11.9 * y + 41.8 * z + 52.1 * w
    b.subject_to(mean - 21.0 - 1.645 * spread, lower=0.0)
    return b.problem()


def _power_flow(angle: float) -> ConstrainedProblem:
    """Return the problem that 74 and 75 share."""
    b = Builder(
        np.zeros(4),
        lower=[0.0, 0.0, -angle, -angle],
        upper=[1200.0, 1200.0, angle, angle],
    )
    x, y, z, w = b.x[0], b.x[1], b.x[2], b.x[3]
    b.minimise(3.0 * x + 1e-6 * x**3 + 2.0 * y + 2e-6 / 3.0 * y**3)
    b.subject_to(894.8 - x - 1000.0 * (sin(z + 0.25) + sin(w + 0.25)), equal=0.0)
    b.subject_to(894.8 - y + 1000.0 * (sin(z - 0.25) + sin(z - w - 0.25)), equal=0.0)
    b.subject_to(1294.8 + 1000.0 * (sin(w - 0.25) + sin(w - z - 0.25)), equal=0.0)
    b.subject_to(w - z + angle, lower=0.0)
    b.subject_to(z - w + angle, lower=0.0)
    return b.problem()


@native("general")
def hs74(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 74."""
    return _power_flow(0.55)


@native("general")
def hs75(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 75."""
    return _power_flow(0.48)


@native("general")
def hs76(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 76: a convex quadratic program."""
    b = Builder(np.full(4, 0.5), lower=0.0)
    x, y, z, w = b.x[0], b.x[1], b.x[2], b.x[3]
    b.minimise(x**2 + 0.5 * y**2 + z**2 + 0.5 * w**2 - x * z + z * w)
    b.minimise(z - x - 3.0 * y - w)
    b.subject_to(x + 2.0 * y + z + w - 5.0, upper=0.0)
    b.subject_to(3.0 * x + y + 2.0 * z - w - 4.0, upper=0.0)
    b.subject_to(y + 4.0 * z - 1.5, lower=0.0)
    return b.problem()


def _exponential() -> Builder:
    """Return what 80 and 81 share."""
    sides = [2.3, 2.3, 3.2, 3.2, 3.2]
    b = Builder([-2.0, 2.0, 2.0, -1.0, -1.0], lower=[-one for one in sides], upper=sides)
    x = b.x
    b.minimise(exp(x[0] * x[1] * x[2] * x[3] * x[4]))
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 + x[3] ** 2 + x[4] ** 2 - 10.0, equal=0.0)
    b.subject_to(x[1] * x[2] - 5.0 * x[3] * x[4], equal=0.0)
    b.subject_to(x[0] ** 3 + x[1] ** 3 + 1.0, equal=0.0)
    return b


@native("general")
def hs80(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 80."""
    return _exponential().problem()


@native("general")
def hs81(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 81."""
    b = _exponential()
    b.minimise(-0.5 * (b.x[0] ** 3 + b.x[1] ** 3 + 1.0) ** 2)
    return b.problem()


@native("general")
def hs83(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 83: Colville's third."""
    b = Builder(
        [78.0, 33.0, 27.0, 27.0, 27.0],
        lower=[78.0, 33.0, 27.0, 27.0, 27.0],
        upper=[102.0, 45.0, 45.0, 45.0, 45.0],
    )
    x, y, z, w, v = b.x[0], b.x[1], b.x[2], b.x[3], b.x[4]
    b.minimise(5.3578547 * z**2 + 0.8356891 * x * v + 37.293239 * x - 40792.141)
    first = 85.334407 + 0.0056858 * y * v + 0.0006262 * x * w - 0.0022053 * z * v
    b.subject_to(first, lower=0.0, upper=92.0)
    second = 0.0071317 * y * v + 0.0029955 * x * y + 0.0021813 * z**2
    b.subject_to(second - 9.48751, lower=0.0, upper=20.0)
    third = 0.0047026 * z * v + 0.0012547 * x * z + 0.0019085 * z * w
    b.subject_to(third - 10.699039, lower=0.0, upper=5.0)
    return b.problem()


@native("general")
def hs84(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 84; the constant of f is 24345, as in CUTEst."""
    b = Builder(
        [2.52, 2.0, 37.5, 9.25, 6.8],
        lower=[0.0, 1.2, 20.0, 9.0, 6.5],
        upper=[1000.0, 2.4, 60.0, 9.3, 7.0],
    )
    x = b.x
    factors = [x[k] for k in range(1, 5)]
    costs = -150512.5253, 156.6950325, -476470.3222, -729482.8271
    b.minimise(24345.0 + x[0] * (8720288.849 + dot(costs, factors)))
    for constant, row, upper in (
        (-145421.402, (2931.1506, -40.427932, 5106.192, 15711.36), 294000.0),
        (-155011.1084, (4360.53352, 12.9492344, 10236.884, 13176.786), 294000.0),
        (-326669.5104, (7390.68412, -27.8986976, 16643.076, 30988.146), 277200.0),
    ):
        b.subject_to(x[0] * (constant + dot(row, factors)), lower=0.0, upper=upper)
    return b.problem()


@native("general")
def hs93(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 93: a transformer."""
    b = Builder([5.54, 4.4, 12.02, 11.82, 0.702, 0.852], lower=0.0)
    x = b.x
    iron = x[0] * x[3] * (x[0] + x[1] + x[2])
    wire = x[1] * x[2] * (x[0] + 1.57 * x[1] + x[3])
    first, second = iron * x[4] ** 2, wire * x[5] ** 2
    b.minimise(0.0204 * iron + 0.0187 * wire + 0.0607 * first + 0.0437 * second)
    b.subject_to(0.00062 * first + 0.00058 * second - 1.0, upper=0.0)
    b.subject_to(0.001 * x[0] * x[1] * x[2] * x[3] * x[4] * x[5] - 2.07, lower=0.0)
    return b.problem()


def _blend(third: float, fourth: float) -> ConstrainedProblem:
    """Return the problem that 95 and 96 share: their bounds of the last two constraints differ."""
    b = Builder(np.zeros(6), lower=0.0, upper=[0.31, 0.046, 0.068, 0.042, 0.028, 0.0134])
    x, y, z, w, v, u = (b.x[k] for k in range(6))
    b.minimise(4.3 * x + 31.8 * y + 63.3 * z + 15.8 * w + 68.5 * v + 4.7 * u)
    products = 169.0 * x * z + 3580.0 * z * v + 3810.0 * w * v + 18500.0 * w * u + 24300.0 * v * u
    linear = 17.1 * x + 38.2 * y + 204.2 * z + 212.3 * w + 623.4 * v + 1495.5 * u
    b.subject_to(linear - products - 4.97, lower=0.0)
    products = 139.0 * x * z + 2450.0 * w * v + 16600.0 * w * u + 17200.0 * v * u
    linear = 17.9 * x + 36.8 * y + 113.9 * z + 169.7 * w + 337.8 * v + 1385.2 * u
    b.subject_to(linear - products + 1.88, lower=0.0)
    b.subject_to(26000.0 * w * v - 273.0 * y - 70.0 * w - 819.0 * v + third, lower=0.0)
    linear = 159.9 * x - 311.0 * y + 587.0 * w + 391.0 * v + 2198.0 * u
    b.subject_to(linear - 14000.0 * x * u + fourth, lower=0.0)
    return b.problem()


@native("general")
def hs95(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 95."""
    return _blend(29.08, 78.02)


@native("general")
def hs96(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 96."""
    return _blend(69.08, 118.02)


@native("general", "smoke")
def hs100(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 100."""
    b = Builder([1.0, 2.0, 0.0, 4.0, 0.0, 1.0, 1.0])
    x = b.x
    b.minimise((x[0] - 10.0) ** 2 + 5.0 * (x[1] - 12.0) ** 2 + x[2] ** 4 + 3.0 * (x[3] - 11.0) ** 2)
    b.minimise(10.0 * x[4] ** 6 + 7.0 * x[5] ** 2 + x[6] ** 4 - 4.0 * x[5] * x[6])
    b.minimise(-10.0 * x[5] - 8.0 * x[6])
    first = 2.0 * x[0] ** 2 + 3.0 * x[1] ** 4 + x[2] + 4.0 * x[3] ** 2 + 5.0 * x[4]
    b.subject_to(127.0 - first, lower=0.0)
    second = 7.0 * x[0] + 3.0 * x[1] + 10.0 * x[2] ** 2 + x[3] - x[4]
    b.subject_to(282.0 - second, lower=0.0)
    b.subject_to(196.0 - 23.0 * x[0] - x[1] ** 2 - 6.0 * x[5] ** 2 + 8.0 * x[6], lower=0.0)
    last = 4.0 * x[0] ** 2 + x[1] ** 2 - 3.0 * x[0] * x[1] + 2.0 * x[2] ** 2
    b.subject_to(-last - 5.0 * x[5] + 11.0 * x[6], lower=0.0)
    return b.problem()
