"""Hock and Schittkowski's problems from 104 with inequalities or bounds.

Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, Springer (1981),
doi:10.1007/978-3-642-48320-2. Starts, scales, signs and order of c are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._expression import Node
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, cos, dot, exp, log, sin
from tiltyard.suites.constrained.problem import ConstrainedProblem


@native("general")
def hs104(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 104: reactor design."""
    b = Builder([6.0, 3.0, 0.4, 0.2, 6.0, 6.0, 1.0, 0.5], lower=0.1, upper=10.0)
    x = b.x
    ratios = 0.4 * (x[0] / x[6]) ** 0.67 + 0.4 * (x[1] / x[7]) ** 0.67
    b.minimise(ratios + 10.0 - x[0] - x[1])
    b.subject_to(0.1 * x[0] + 0.0588 * x[4] * x[6] - 1.0, upper=0.0)
    b.subject_to(0.1 * (x[0] + x[1]) + 0.0588 * x[5] * x[7] - 1.0, upper=0.0)
    for k in (2, 3):
        use = 4.0 * x[k] / x[k + 2] + 2.0 * x[k] ** -0.71 / x[k + 2]
        b.subject_to(use + 0.0588 * x[k] ** -1.3 * x[k + 4] - 1.0, upper=0.0)
    b.subject_to(ratios + 9.0 - x[0] - x[1], lower=0.0, upper=3.2)
    return b.problem()


@native("general")
def hs106(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 106: heat exchangers."""
    b = Builder(
        [5000.0, 5000.0, 5000.0, 200.0, 350.0, 150.0, 225.0, 425.0],
        lower=[100.0, 1000.0, 1000.0, 10.0, 10.0, 10.0, 10.0, 10.0],
        upper=[1e4, 1e4, 1e4, 1e3, 1e3, 1e3, 1e3, 1e3],
    )
    x = b.x
    b.minimise(x[0] + x[1] + x[2])
    b.subject_to(1.0 - 0.0025 * (x[3] + x[5]), lower=0.0)
    b.subject_to(1.0 - 0.0025 * (x[4] + x[6] - x[3]), lower=0.0)
    b.subject_to(1.0 - 0.01 * (x[7] - x[4]), lower=0.0)
    b.subject_to(x[0] * x[5] - 833.33252 * x[3] - 100.0 * x[0] + 83333.333, lower=0.0)
    b.subject_to(x[1] * x[6] - 1250.0 * x[4] - x[1] * x[3] + 1250.0 * x[3], lower=0.0)
    b.subject_to(x[2] * x[7] - 1250000.0 - x[2] * x[4] + 2500.0 * x[4], lower=0.0)
    return b.problem()


@native("general")
def hs107(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 107: static power scheduling."""
    free, low, high = [-np.inf, -np.inf], [0.90909] * 3, [1.0909] * 3
    b = Builder(
        [0.8, 0.8, 0.2, 0.2, 1.0454, 1.0454, 1.0454, 0.0, 0.0],
        lower=[0.0, 0.0, *free, *low, *free],
        upper=[np.inf] * 4 + high + [np.inf] * 2,
    )
    x, factor = b.x, 48.4 / 50.176
    c, d = factor * np.sin(0.25), factor * np.cos(0.25)
    b.minimise(3000.0 * x[0] + 1000.0 * x[0] ** 3 + 2000.0 * x[1] + 666.667 * x[1] ** 3)
    first, second, third = x[4] * x[5], x[4] * x[6], x[5] * x[6]
    s, t, u = x[7], x[8], x[7] - x[8]
    one = first * (d * sin(s) + c * cos(s)) + second * (d * sin(t) + c * cos(t))
    b.subject_to(0.4 - x[0] + 2.0 * c * x[4] ** 2 - one, equal=0.0)
    one = first * (d * sin(s) - c * cos(s)) + third * (d * sin(u) - c * cos(u))
    b.subject_to(0.4 - x[1] + 2.0 * c * x[5] ** 2 + one, equal=0.0)
    one = second * (d * sin(t) - c * cos(t)) - third * (d * sin(u) + c * cos(u))
    b.subject_to(0.8 + 2.0 * c * x[6] ** 2 + one, equal=0.0)
    one = first * (c * sin(s) - d * cos(s)) + second * (c * sin(t) - d * cos(t))
    b.subject_to(0.2 - x[2] + 2.0 * d * x[4] ** 2 + one, equal=0.0)
    one = first * (c * sin(s) + d * cos(s)) + third * (c * sin(u) + d * cos(u))
    b.subject_to(0.2 - x[3] + 2.0 * d * x[5] ** 2 - one, equal=0.0)
    one = third * (c * sin(u) - d * cos(u)) - second * (c * sin(t) + d * cos(t))
    b.subject_to(-0.337 + 2.0 * d * x[6] ** 2 + one, equal=0.0)
    return b.problem()


@native("general")
def hs108(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 108: the largest hexagon of diameter one."""
    b = Builder(np.ones(9), lower=np.r_[np.full(8, -np.inf), 0.0])
    x = b.x
    b.minimise(-0.5 * (x[0] * x[3] - x[1] * x[2] + x[2] * x[8] - x[4] * x[8]))
    b.minimise(-0.5 * (x[4] * x[7] - x[5] * x[6]))
    b.subject_to(x[2] ** 2 + x[3] ** 2 - 1.0, upper=0.0)
    b.subject_to(x[4] ** 2 + x[5] ** 2 - 1.0, upper=0.0)
    b.subject_to(x[8] ** 2 - 1.0, upper=0.0)
    b.subject_to(x[0] ** 2 + (x[1] - x[8]) ** 2 - 1.0, upper=0.0)
    for i, j in ((0, 4), (0, 6), (2, 4), (2, 6)):
        b.subject_to((x[i] - x[j]) ** 2 + (x[i + 1] - x[j + 1]) ** 2 - 1.0, upper=0.0)
    b.subject_to(x[6] ** 2 + (x[7] - x[8]) ** 2 - 1.0, upper=0.0)
    b.subject_to(x[4] * x[8], upper=0.0)
    b.subject_to(x[2] * x[8], lower=0.0)
    b.subject_to(x[4] * x[7] - x[5] * x[6], lower=0.0)
    b.subject_to(x[0] * x[3] - x[1] * x[2], lower=0.0)
    return b.problem()


@native("general")
def hs109(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 109: power flow, badly scaled."""
    b = Builder(
        np.zeros(9),
        lower=[0.0, 0.0, -0.55, -0.55, 196.0, 196.0, 196.0, -400.0, -400.0],
        upper=[np.inf, np.inf, 0.55, 0.55, 252.0, 252.0, 252.0, 800.0, 800.0],
    )
    x, a = b.x, 50.176
    b.minimise(3.0 * x[0] + 1e-6 * x[0] ** 3 + 2.0 * x[1] + 0.522074e-6 * x[1] ** 3)
    z, w = x[2], x[3]
    first, second, third = x[4] * x[5], x[4] * x[6], x[5] * x[6]
    flows = (
        (x[4], first, -z, second, -w),
        (x[5], first, z, third, z - w),
        (x[6], second, w, third, w - z),
    )
    loss = 2.0 * np.sin(0.25)
    given = [400.0 * a - a * x[0], 400.0 * a - a * x[1], 881.779 * a]
    for right, (v, one, angle, other, turn) in zip(given, flows, strict=True):
        flow = one * sin(angle - 0.25) + other * sin(turn - 0.25)
        b.subject_to(flow + loss * v**2 + right, equal=0.0)
    loss = 0.7533e-3 * a - 2.0 * np.cos(0.25)
    given = [a * x[7] - 200.0 * a, a * x[8] - 200.0 * a, -22.938 * a]
    for right, (v, one, angle, other, turn) in zip(given, flows, strict=True):
        flow = one * cos(angle - 0.25) + other * cos(turn - 0.25)
        b.subject_to(flow + loss * v**2 + right, equal=0.0)
    b.subject_to(w - z + 0.55, lower=0.0)
    b.subject_to(z - w + 0.55, lower=0.0)
    b.subject_to(2250000.0 - x[0] ** 2 - x[7] ** 2, lower=0.0)
    b.subject_to(2250000.0 - x[1] ** 2 - x[8] ** 2, lower=0.0)
    return b.problem()


_ENERGIES = (
    -6.089, -17.164, -34.054, -5.914, -24.721,
    -14.986, -24.1, -10.708, -26.662, -22.179,
)  # fmt: skip
"""Of the ten species in 111 and 112."""


@native("general")
def hs111(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 111: chemical equilibrium in logarithms."""
    b = Builder(np.full(10, -2.3), lower=-100.0, upper=100.0)
    amounts = [exp(b.x[k]) for k in range(10)]
    whole = log(dot(np.ones(10), amounts))
    for k, energy in enumerate(_ENERGIES):
        b.minimise(amounts[k] * (energy + b.x[k] - whole))
    _balances(b, amounts)
    return b.problem()


@native("general")
def hs112(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 112: chemical equilibrium."""
    b = Builder(np.full(10, 0.1), lower=1e-6)
    amounts = [b.x[k] for k in range(10)]
    whole = log(dot(np.ones(10), amounts))
    for amount, energy in zip(amounts, _ENERGIES, strict=True):
        b.minimise(amount * (energy + log(amount) - whole))
    _balances(b, amounts)
    return b.problem()


def _balances(b: Builder, a: list[Node]) -> None:
    """Add the mass balances of 111 and 112."""
    b.subject_to(a[0] + 2.0 * a[1] + 2.0 * a[2] + a[5] + a[9] - 2.0, equal=0.0)
    b.subject_to(a[3] + 2.0 * a[4] + a[5] + a[6] - 1.0, equal=0.0)
    b.subject_to(a[2] + a[6] + a[7] + 2.0 * a[8] + a[9] - 1.0, equal=0.0)
