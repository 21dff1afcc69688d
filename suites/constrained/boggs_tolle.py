"""Problems with equations alone from Boggs and Tolle's paper on SQP, with CUTEst's starts.

Boggs and Tolle, A strategy for global convergence in a sequential quadratic programming algorithm,
SIAM Journal on Numerical Analysis 26 (1989), doi:10.1137/0726036.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, sin
from tiltyard.suites.constrained.problem import ConstrainedProblem

_ROOT2 = np.sqrt(2.0)


@native("equality")
def bt1(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 1."""
    b = Builder([0.08, 0.06])
    x, y = b.x[0], b.x[1]
    b.minimise(100.0 * x**2 + 100.0 * y**2 - x - 100.0)
    b.subject_to(x**2 + y**2 - 1.0, equal=0.0)
    return b.problem()


@native("equality")
def bt2(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 2, from (10, 10, 10)."""
    b = Builder(np.full(3, 10.0))
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 4)
    b.subject_to(x[0] * (1.0 + x[1] ** 2) + x[2] ** 4 - 8.2426407, equal=0.0)
    return b.problem()


@native("equality")
def bt3(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 3, from (20, ..., 20)."""
    b = Builder(np.full(5, 20.0))
    x = b.x
    b.minimise((x[0] - x[1]) ** 2 + (x[1] + x[2] - 2.0) ** 2)
    b.minimise((x[3] - 1.0) ** 2 + (x[4] - 1.0) ** 2)
    b.subject_to(x[0] + 3.0 * x[1], equal=0.0)
    b.subject_to(x[2] + x[3] - 2.0 * x[4], equal=0.0)
    b.subject_to(x[1] - x[4], equal=0.0)
    return b.problem()


@native("equality")
def bt4(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 4."""
    b = Builder([4.0382, -2.9470, -0.09115])
    x = b.x
    b.minimise(x[0] - x[1] + x[1] ** 3)
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 - 25.0, equal=0.0)
    b.subject_to(x[0] + x[1] + x[2] - 1.0, equal=0.0)
    return b.problem()


@native("equality")
def bt5(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 5, with CUTEst's sign of x3 squared; problem 63 of HS."""
    b = Builder(np.full(3, 2.0))
    x = b.x
    b.minimise(1000.0 - x[0] ** 2 - x[2] ** 2 - 2.0 * x[1] ** 2 - x[0] * x[1] - x[0] * x[2])
    b.subject_to(x[0] ** 2 + x[1] ** 2 + x[2] ** 2 - 25.0, equal=0.0)
    b.subject_to(8.0 * x[0] + 14.0 * x[1] + 7.0 * x[2] - 56.0, equal=0.0)
    return b.problem()


@native("equality")
def bt6(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 6; problem 77 of HS but for x2 in the second equation."""
    b = Builder(np.full(5, 2.0))
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[0] - x[1]) ** 2 + (x[2] - 1.0) ** 2)
    b.minimise((x[3] - 1.0) ** 4 + (x[4] - 1.0) ** 6)
    b.subject_to(x[3] * x[0] ** 2 + sin(x[3] - x[4]) - 2.0 * _ROOT2, equal=0.0)
    b.subject_to(x[1] + x[2] ** 4 * x[1] ** 2 - 8.0 - _ROOT2, equal=0.0)
    return b.problem()


@native("equality")
def bt7(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 7."""
    b = Builder([-2.0, 1.0, 1.0, 1.0, 1.0])
    x = b.x
    b.minimise(100.0 * (x[1] - x[0] ** 2) ** 2 + (x[0] - 1.0) ** 2)
    b.subject_to(x[0] * x[1] - x[2] ** 2 - 1.0, equal=0.0)
    b.subject_to(x[1] ** 2 - x[3] ** 2 + x[0], equal=0.0)
    b.subject_to(x[4] ** 2 + x[0] - 0.5, equal=0.0)
    return b.problem()


@native("equality")
def bt8(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 8."""
    b = Builder([1.0, 1.0, 1.0, 0.0, 0.0])
    x = b.x
    b.minimise(x[0] ** 2 + x[1] ** 2 + x[2] ** 2)
    b.subject_to(x[0] - 1.0 - x[3] ** 2 + x[1] ** 2, equal=0.0)
    b.subject_to(x[0] ** 2 + x[1] ** 2 - x[4] ** 2 - 1.0, equal=0.0)
    return b.problem()


@native("equality")
def bt9(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 9; problem 39 of HS."""
    b = Builder(np.full(4, 2.0))
    x = b.x
    b.minimise(-x[0])
    b.subject_to(x[1] - x[0] ** 3 - x[2] ** 2, equal=0.0)
    b.subject_to(x[0] ** 2 - x[1] - x[3] ** 2, equal=0.0)
    return b.problem()


@native("equality")
def bt10(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 10."""
    b = Builder([2.0, 2.0])
    x, y = b.x[0], b.x[1]
    b.minimise(-x)
    b.subject_to(y - x**3, equal=0.0)
    b.subject_to(x**2 - y, equal=0.0)
    return b.problem()


@native("equality")
def bt11(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 11; problem 79 of HS but for the last equation."""
    b = Builder(np.full(5, 2.0))
    x = b.x
    b.minimise((x[0] - 1.0) ** 2 + (x[0] - x[1]) ** 2 + (x[1] - x[2]) ** 2)
    b.minimise((x[2] - x[3]) ** 4 + (x[3] - x[4]) ** 4)
    b.subject_to(x[0] + x[1] ** 2 + x[2] ** 3 + 2.0 - 3.0 * _ROOT2, equal=0.0)
    b.subject_to(x[1] + x[3] - x[2] ** 2 + 2.0 - 2.0 * _ROOT2, equal=0.0)
    b.subject_to(x[0] - x[4] - 2.0, equal=0.0)
    return b.problem()


@native("equality")
def bt12(rng: Generator) -> ConstrainedProblem:
    """Boggs and Tolle (1989), problem 12."""
    b = Builder([15.811, 1.5811, 0.0, 15.083, 3.7164])
    x = b.x
    b.minimise(0.01 * x[0] ** 2 + x[1] ** 2)
    b.subject_to(x[0] + x[1] - x[2] ** 2 - 25.0, equal=0.0)
    b.subject_to(x[0] ** 2 + x[1] ** 2 - x[3] ** 2 - 25.0, equal=0.0)
    b.subject_to(x[0] - x[4] ** 2 - 2.0, equal=0.0)
    return b.problem()
