"""Hock and Schittkowski's problems 29 to 66 with inequalities or bounds.

Hock and Schittkowski, Test Examples for Nonlinear Programming Codes, Springer (1981),
doi:10.1007/978-3-642-48320-2. Starts, scales, signs and order of c are CUTEst's.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, exp, log
from tiltyard.suites.constrained.problem import ConstrainedProblem


@native("general")
def hs29(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 29."""
    b = Builder(np.ones(3))
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(-x * y * z)
    b.subject_to(48.0 - x**2 - 2.0 * y**2 - 4.0 * z**2, lower=0.0)
    return b.problem()


@native("general")
def hs30(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 30."""
    b = Builder(np.ones(3), lower=[1.0, -10.0, -10.0], upper=10.0)
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(x**2 + y**2 + z**2)
    b.subject_to(x**2 + y**2 - 1.0, lower=0.0)
    return b.problem()


@native("general")
def hs31(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 31."""
    b = Builder(np.ones(3), lower=[-10.0, 1.0, -10.0], upper=[10.0, 10.0, 1.0])
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(9.0 * x**2 + y**2 + 9.0 * z**2)
    b.subject_to(x * y - 1.0, lower=0.0)
    return b.problem()


@native("general")
def hs32(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 32."""
    b = Builder([0.1, 0.7, 0.2], lower=0.0)
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise((x + 3.0 * y + z) ** 2 + 4.0 * (x - y) ** 2)
    b.subject_to(1.0 - x - y - z, equal=0.0)
    b.subject_to(6.0 * y + 4.0 * z - x**3 - 3.0, lower=0.0)
    return b.problem()


@native("general")
def hs33(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 33."""
    b = Builder([0.0, 0.0, 3.0], lower=0.0, upper=[np.inf, np.inf, 5.0])
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise((x - 1.0) * (x - 2.0) * (x - 3.0) + z)
    b.subject_to(z**2 - y**2 - x**2, lower=0.0)
    b.subject_to(x**2 + y**2 + z**2 - 4.0, lower=0.0)
    return b.problem()


@native("general")
def hs34(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 34."""
    b = Builder([0.0, 1.05, 2.9], lower=0.0, upper=[100.0, 100.0, 10.0])
    b.minimise(-b.x[0])
    b.subject_to(b.x[1] - exp(b.x[0]), lower=0.0)
    b.subject_to(b.x[2] - exp(b.x[1]), lower=0.0)
    return b.problem()


@native("general", "smoke")
def hs35(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 35: a convex quadratic of Beale."""
    b = Builder(np.full(3, 0.5), lower=0.0)
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(9.0 - 8.0 * x - 6.0 * y - 4.0 * z)
    b.minimise(2.0 * x**2 + 2.0 * y**2 + z**2 + 2.0 * x * y + 2.0 * x * z)
    b.subject_to(3.0 - x - y - 2.0 * z, lower=0.0)
    return b.problem()


@native("general")
def hs36(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 36."""
    b = Builder(np.full(3, 10.0), lower=0.0, upper=[20.0, 11.0, 42.0])
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(-x * y * z)
    b.subject_to(72.0 - x - 2.0 * y - 2.0 * z, lower=0.0)
    return b.problem()


@native("general")
def hs37(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 37."""
    b = Builder(np.full(3, 10.0), lower=0.0, upper=42.0)
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(-x * y * z)
    b.subject_to(72.0 - x - 2.0 * y - 2.0 * z, lower=0.0)
    b.subject_to(x + 2.0 * y + 2.0 * z, lower=0.0)
    return b.problem()


@native("general")
def hs41(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 41."""
    b = Builder(np.full(4, 2.0), lower=0.0, upper=[1.0, 1.0, 1.0, 2.0])
    x = b.x
    b.minimise(2.0 - x[0] * x[1] * x[2])
    b.subject_to(x[0] + 2.0 * x[1] + 2.0 * x[2] - x[3], equal=0.0)
    return b.problem()


@native("general", "smoke")
def hs43(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 43: Rosen and Suzuki's."""
    b = Builder(np.zeros(4))
    x, y, z, w = b.x[0], b.x[1], b.x[2], b.x[3]
    b.minimise(x**2 + y**2 + 2.0 * z**2 + w**2 - 5.0 * x - 5.0 * y - 21.0 * z + 7.0 * w)
    b.subject_to(8.0 - x**2 - y**2 - z**2 - w**2 - x + y - z + w, lower=0.0)
    b.subject_to(10.0 - x**2 - 2.0 * y**2 - z**2 - 2.0 * w**2 + x + w, lower=0.0)
    b.subject_to(5.0 - 2.0 * x**2 - y**2 - z**2 - 2.0 * x + y + w, lower=0.0)
    return b.problem()


@native("general")
def hs44(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 44."""
    b = Builder(np.zeros(4), lower=0.0)
    x, y, z, w = b.x[0], b.x[1], b.x[2], b.x[3]
    b.minimise(x - y - z - x * z + x * w + y * z - y * w)
    b.subject_to(8.0 - x - 2.0 * y, lower=0.0)
    b.subject_to(12.0 - 4.0 * x - y, lower=0.0)
    b.subject_to(12.0 - 3.0 * x - 4.0 * y, lower=0.0)
    b.subject_to(8.0 - 2.0 * z - w, lower=0.0)
    b.subject_to(8.0 - z - 2.0 * w, lower=0.0)
    b.subject_to(5.0 - z - w, lower=0.0)
    return b.problem()


@native("general")
def hs53(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 53."""
    b = Builder(np.full(5, 2.0), lower=-10.0, upper=10.0)
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[1] + x[2] - 2.0) ** 2)
    b.minimise((x[3] - 1.0) ** 2 + (x[4] - 1.0) ** 2)
    b.subject_to(x[0] + 3.0 * x[1], equal=0.0)
    b.subject_to(x[2] + x[3] - 2.0 * x[4], equal=0.0)
    b.subject_to(x[1] - x[4], equal=0.0)
    return b.problem()


@native("general")
def hs55(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 55: linear equations that depend on each other."""
    upper = [1.0, np.inf, np.inf, 1.0, np.inf, np.inf]
    b = Builder([1.0, 2.0, 0.0, 0.0, 0.0, 2.0], lower=0.0, upper=upper)
    x = b.x
    b.minimise(x[0] + 2.0 * x[1] + 4.0 * x[4] + exp(x[0] * x[3]))
    b.subject_to(x[0] + 2.0 * x[1] + 5.0 * x[4] - 6.0, equal=0.0)
    b.subject_to(x[0] + x[1] + x[2] - 3.0, equal=0.0)
    b.subject_to(x[3] + x[4] + x[5] - 2.0, equal=0.0)
    b.subject_to(x[0] + x[3] - 1.0, equal=0.0)
    b.subject_to(x[1] + x[4] - 2.0, equal=0.0)
    b.subject_to(x[2] + x[5] - 2.0, equal=0.0)
    return b.problem()


@native("general")
def hs60(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 60."""
    b = Builder(np.full(3, 2.0), lower=-10.0, upper=10.0)
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4)
    b.subject_to(x[0] * (1.0 + x[1] ** 2) + x[2] ** 4 - 4.0 - 3.0 * np.sqrt(2.0), equal=0.0)
    return b.problem()


@native("general")
def hs62(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 62."""
    b = Builder([0.7, 0.2, 0.1], lower=0.0, upper=1.0)
    x, y, z = b.x[0], b.x[1], b.x[2]
    for weight, over, under in (
        (-8204.37, x + y + z, 0.09 * x + y + z),
        (-9008.72, y + z, 0.07 * y + z),
        (-9330.46, z, 0.13 * z),
    ):
        b.minimise(weight * (log(over + 0.03) - log(under + 0.03)))
    b.subject_to(x + y + z - 1.0, equal=0.0)
    return b.problem()


@native("general")
def hs63(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 63."""
    b = Builder(np.full(3, 2.0), lower=0.0)
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(1000.0 - x**2 - 2.0 * y**2 - z**2 - x * y - x * z)
    b.subject_to(8.0 * x + 14.0 * y + 7.0 * z - 56.0, equal=0.0)
    b.subject_to(x**2 + y**2 + z**2 - 25.0, equal=0.0)
    return b.problem()


@native("general")
def hs64(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 64."""
    b = Builder(np.ones(3), lower=1e-5)
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(5.0 * x + 20.0 * y + 10.0 * z + 50000.0 / x + 72000.0 / y + 144000.0 / z)
    b.subject_to(4.0 / x + 32.0 / y + 120.0 / z - 1.0, upper=0.0)
    return b.problem()


@native("general", "smoke")
def hs65(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 65."""
    b = Builder([-5.0, 5.0, 0.0], lower=[-4.5, -4.5, -5.0], upper=[4.5, 4.5, 5.0])
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise((x - y) ** 2 + (x + y - 10.0) ** 2 / 9.0 + (z - 5.0) ** 2)
    b.subject_to(48.0 - x**2 - y**2 - z**2, lower=0.0)
    return b.problem()


@native("general")
def hs66(rng: Generator) -> ConstrainedProblem:
    """Hock and Schittkowski (1981), problem 66."""
    b = Builder([0.0, 1.05, 2.9], lower=0.0, upper=[100.0, 100.0, 10.0])
    x, y, z = b.x[0], b.x[1], b.x[2]
    b.minimise(0.2 * z - 0.8 * x)
    b.subject_to(y - exp(x), lower=0.0)
    b.subject_to(z - exp(y), lower=0.0)
    return b.problem()
