"""Hock and Schittkowski's problems from 113, and 86 and 117, which share their data.

Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, Springer (1981),
doi:10.1007/978-3-642-48320-2. Starts, scales, signs and order of c are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, dot
from tiltyard.suites.constrained.problem import ConstrainedProblem

_ROWS = np.array(
    [
        [-16, 2, 0, 1, 0], [0, -2, 0, 4, 2], [-3.5, 0, 2, 0, 0], [0, -2, 0, -4, -1],
        [0, -9, -2, 1, -2.8], [2, 0, -4, 0, 0], [-1, -1, -1, -1, -1], [-1, -2, -3, -2, -1],
        [1, 2, 3, 4, 5], [1, 1, 1, 1, 1],
    ]
)  # fmt: skip
_RIGHT = np.array([-40.0, -2.0, -0.25, -4.0, -4.0, -1.0, -40.0, -60.0, 5.0, 1.0])
_LINEAR = np.array([-15.0, -27.0, -36.0, -18.0, -12.0])
_CUBIC = np.array([4.0, 8.0, 10.0, 6.0, 2.0])
_QUADRATIC = np.array(
    [
        [30, -20, -10, 32, -10], [-20, 39, -6, -31, 32], [-10, -6, 10, -6, -10],
        [32, -31, -6, 39, -20], [-10, 32, -10, -20, 30],
    ]
)  # fmt: skip
"""Colville's first test problem, in 86 and, as its dual, in 117."""


@native("general")
def hs86(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 86: Colville's first."""
    b = Builder([0.0, 0.0, 0.0, 0.0, 1.0], lower=0.0)
    x = [b.x[k] for k in range(5)]
    for one, slopes, e, d in zip(x, _QUADRATIC, _LINEAR, _CUBIC, strict=True):
        b.minimise(e * one + d * one**3)
        b.minimise(one * dot(slopes, x))
    for row, right in zip(_ROWS, _RIGHT, strict=True):
        b.subject_to(dot(row, x) - right, lower=0.0)
    return b.problem()


@native("general")
def hs117(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 117: Colville's second; CUTEst's multipliers."""
    b = Builder(np.r_[np.full(6, 0.001), 60.0, np.full(8, 0.001)], lower=0.0)
    y, x = [b.x[k] for k in range(10)], [b.x[k] for k in range(10, 15)]
    b.minimise(-dot(_RIGHT, y))
    for k, (one, slopes) in enumerate(zip(x, _QUADRATIC, strict=True)):
        slope = dot(slopes, x)
        b.minimise(one * slope + 2.0 * _CUBIC[k] * one**3)
        paid = dot(_ROWS[:, k], y)
        b.subject_to(2.0 * slope + 3.0 * _CUBIC[k] * one**2 + _LINEAR[k] - paid, lower=0.0)
    b.multipliers(0.001)
    return b.problem()


@native("general")
def hs113(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 113: Wong's second."""
    b = Builder([2.0, 3.0, 5.0, 5.0, 1.0, 2.0, 7.0, 3.0, 6.0, 10.0])
    x = b.x
    b.minimise(x[0] ** 2 + x[1] ** 2 + x[0] * x[1] - 14.0 * x[0] - 16.0 * x[1])
    b.minimise((x[2] - 10.0) ** 2 + 4.0 * (x[3] - 5.0) ** 2 + (x[4] - 3.0) ** 2)
    b.minimise(2.0 * (x[5] - 1.0) ** 2 + 5.0 * x[6] ** 2 + 7.0 * (x[7] - 11.0) ** 2)
    b.minimise(2.0 * (x[8] - 10.0) ** 2 + (x[9] - 7.0) ** 2 + 45.0)
    b.subject_to(105.0 - 4.0 * x[0] - 5.0 * x[1] + 3.0 * x[6] - 9.0 * x[7], lower=0.0)
    b.subject_to(-10.0 * x[0] + 8.0 * x[1] + 17.0 * x[6] - 2.0 * x[7], lower=0.0)
    b.subject_to(12.0 + 8.0 * x[0] - 2.0 * x[1] - 5.0 * x[8] + 2.0 * x[9], lower=0.0)
    squares = 3.0 * (x[0] - 2.0) ** 2 + 4.0 * (x[1] - 3.0) ** 2 + 2.0 * x[2] ** 2
    b.subject_to(120.0 - squares + 7.0 * x[3], lower=0.0)
    squares = 5.0 * x[0] ** 2 + 8.0 * x[1] + (x[2] - 6.0) ** 2
    b.subject_to(40.0 - squares + 2.0 * x[3], lower=0.0)
    squares = 0.5 * (x[0] - 8.0) ** 2 + 2.0 * (x[1] - 4.0) ** 2 + 3.0 * x[4] ** 2
    b.subject_to(30.0 - squares + x[5], lower=0.0)
    squares = x[0] ** 2 + 2.0 * (x[1] - 2.0) ** 2 - 2.0 * x[0] * x[1] + 14.0 * x[4]
    b.subject_to(6.0 * x[5] - squares, lower=0.0)
    b.subject_to(3.0 * x[0] - 6.0 * x[1] - 12.0 * (x[8] - 8.0) ** 2 + 7.0 * x[9], lower=0.0)
    return b.problem()


@native("general")
def hs114(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 114: alkylation."""
    b = Builder(
        [1745.0, 12000.0, 110.0, 3048.0, 1974.0, 89.2, 92.8, 8.0, 3.6, 145.0],
        lower=[1e-5, 1e-5, 1e-5, 1e-5, 1e-5, 85.0, 90.0, 3.0, 1.2, 145.0],
        upper=[2000.0, 16000.0, 120.0, 5000.0, 2000.0, 93.0, 95.0, 12.0, 4.0, 162.0],
    )
    x = b.x
    b.minimise(5.04 * x[0] + 0.035 * x[1] + 10.0 * x[2] + 3.36 * x[4] - 0.063 * x[3] * x[6])
    b.subject_to(1.22 * x[3] - x[0] - x[4], equal=0.0)
    b.subject_to(98000.0 * x[2] / (x[3] * x[8] + 1000.0 * x[2]) - x[5], equal=0.0)
    b.subject_to((x[1] + x[4]) / x[0] - x[7], equal=0.0)
    b.subject_to(35.82 - 0.222 * x[9] - 0.9 * x[8], lower=0.0)
    b.subject_to(-133.0 + 3.0 * x[6] - 0.99 * x[9], lower=0.0)
    b.subject_to(-35.82 + 0.222 * x[9] + x[8] / 0.9, lower=0.0)
    b.subject_to(133.0 - 3.0 * x[6] + x[9] / 0.99, lower=0.0)
    alkylate = 1.12 * x[0] + 0.13167 * x[0] * x[7] - 0.00667 * x[0] * x[7] ** 2
    octane = 57.425 + 1.098 * x[7] - 0.038 * x[7] ** 2 + 0.325 * x[5]
    b.subject_to(alkylate - 0.99 * x[3], lower=0.0)
    b.subject_to(octane - 0.99 * x[6], lower=0.0)
    b.subject_to(x[3] / 0.99 - alkylate, lower=0.0)
    b.subject_to(x[6] / 0.99 - octane, lower=0.0)
    return b.problem()


@native("general")
def hs116(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 116: membrane separation in three stages."""
    b = Builder(
        [0.5, 0.8, 0.9, 0.1, 0.14, 0.5, 489.0, 80.0, 650.0, 450.0, 150.0, 150.0, 150.0],
        lower=[0.1] * 3 + [1e-4] + [0.1] * 4 + [500.0, 0.1, 1.0, 1e-4, 1e-4],
        upper=[1.0] * 3 + [0.1, 0.9, 0.9] + [1e3] * 3 + [500.0] + [150.0] * 3,
    )
    x = b.x
    b.minimise(x[10] + x[11] + x[12])
    b.subject_to(x[2] - x[1], lower=0.0)
    b.subject_to(x[1] - x[0], lower=0.0)
    b.subject_to(1.0 - 0.002 * (x[6] - x[7]), lower=0.0)
    b.subject_to(x[10] + x[11] + x[12] - 50.0, lower=0.0, upper=200.0)
    b.subject_to(x[12] - 1.262626 * x[9] + 1.231059 * x[2] * x[9], lower=0.0)
    for low, high in ((1, 4), (2, 5)):
        one = 0.03475 * x[low] + 0.975 * x[low] * x[high] - 0.00975 * x[low] ** 2
        b.subject_to(x[high] - one, lower=0.0)
    b.subject_to(x[4] * x[6] - x[0] * x[7] - x[3] * x[6] + x[3] * x[7], lower=0.0)
    one = x[1] * x[8] + x[4] * x[7] - x[0] * x[7] - x[5] * x[8]
    b.subject_to(1.0 - x[4] - x[5] - 0.002 * one, lower=0.0)
    one = x[1] * x[8] - x[2] * x[9] - x[5] * x[8] + x[1] * x[9]
    b.subject_to(one - 500.0 * x[1] + 500.0 * x[5], lower=0.0)
    b.subject_to(x[1] - 0.9 - 0.002 * (x[1] * x[9] - x[2] * x[9]), lower=0.0)
    one = 0.03475 * x[0] + 0.975 * x[0] * x[3] - 0.00975 * x[0] ** 2
    b.subject_to(x[3] - one, lower=0.0)
    for flow, cost, share in ((7, 10, 0), (8, 11, 1)):
        b.subject_to(x[cost] - 1.262626 * x[flow] + 1.231059 * x[share] * x[flow], lower=0.0)
    return b.problem()


@native("general")
def hs118(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 118: production over five quarters."""
    b = Builder(
        [20.0, 55.0, 15.0] + [20.0, 60.0, 20.0] * 4,
        lower=[8.0, 43.0, 3.0] + [0.0] * 12,
        upper=[21.0, 57.0, 16.0] + [90.0, 120.0, 60.0] * 4,
    )
    x = b.x
    for k in range(0, 15, 3):
        b.minimise(2.3 * x[k] + 0.0001 * x[k] ** 2 + 1.7 * x[k + 1] + 0.0001 * x[k + 1] ** 2)
        b.minimise(2.2 * x[k + 2] + 0.00015 * x[k + 2] ** 2)
    for k in range(0, 12, 3):
        b.subject_to(x[k + 3] - x[k] + 7.0, lower=0.0, upper=13.0)
        b.subject_to(x[k + 5] - x[k + 2] + 7.0, lower=0.0, upper=13.0)
        b.subject_to(x[k + 4] - x[k + 1] + 7.0, lower=0.0, upper=14.0)
    for k, need in enumerate((60.0, 50.0, 70.0, 85.0, 100.0)):
        b.subject_to(x[3 * k] + x[3 * k + 1] + x[3 * k + 2] - need, lower=0.0)
    return b.problem()


_PAIRS = (
    (0, 3, 6, 7, 15), (1, 2, 6, 9), (2, 6, 8, 9, 13), (3, 6, 10, 14), (4, 5, 9, 11, 15),
    (5, 7, 14), (6, 10, 12), (7, 9, 14), (8, 11, 15), (9, 13), (10, 12), (11, 13), (12, 13),
    (13,), (14,), (15,),
)  # fmt: skip
"""Of 119: with which variables each one is multiplied, first itself."""


@native("general")
def hs119(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 119: Colville's seventh."""
    b = Builder(np.full(16, 10.0), lower=0.0, upper=5.0)
    x = b.x
    factors = [x[k] ** 2 + x[k] + 1.0 for k in range(16)]
    for one, others in zip(factors, _PAIRS, strict=True):
        b.minimise(one * sum(factors[other] for other in others))
    for row, terms, right in (
        (0, {0: 0.22, 1: 0.2, 2: 0.19, 3: 0.25, 4: 0.15, 5: 0.11, 6: 0.12, 7: 0.13}, 2.5),
        (1, {0: -1.46, 2: -1.3, 3: 1.82, 4: -1.15, 6: 0.8}, 1.1),
        (2, {0: 1.29, 1: -0.89, 4: -1.16, 5: -0.96, 7: -0.49}, -3.1),
        (3, {0: -1.1, 1: -1.06, 2: 0.95, 3: -0.54, 5: -1.78, 6: -0.41}, -3.5),
        (4, {3: -1.43, 4: 1.51, 5: 0.59, 6: -0.33, 7: -0.43}, 1.3),
        (5, {1: -1.72, 2: -0.33, 4: 1.62, 5: 1.24, 6: 0.21, 7: -0.26}, 2.1),
        (6, {0: 1.12, 3: 0.31, 6: 1.12, 8: -0.36}, 2.3),
        (7, {1: 0.45, 2: 0.26, 3: -1.1, 4: 0.58, 6: -1.03, 7: 0.1}, -1.5),
    ):
        b.subject_to(dot(terms.values(), [x[k] for k in terms]) + x[8 + row] - right, equal=0.0)
    return b.problem()
