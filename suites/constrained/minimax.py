"""Small minimax problems: minimise t subject to f_i(x) <= t; from CUTEst.

Gould, Orban and Toint, CUTEst (2015), doi:10.1007/s10589-014-9687-3, and the papers named.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tiltyard.suites.constrained._expression import Node
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, cos, exp, sin
from tiltyard.suites.constrained.problem import ConstrainedProblem


def _below(b: Builder, *functions: Node) -> ConstrainedProblem:
    """Return the problem with f_i(x) - t <= 0, t the last variable."""
    t = b.x[-1]
    b.minimise(t)
    for function in functions:
        b.subject_to(function - t, upper=0.0)
    return b.problem()


def _above(b: Builder, *functions: Node) -> ConstrainedProblem:
    """Return the problem with t - f_i(x) >= 0, t the last variable."""
    t = b.x[-1]
    b.minimise(t)
    for function in functions:
        b.subject_to(t - function, lower=0.0)
    return b.problem()


def _charalambous(b: Builder, first: int) -> tuple[Node, Node, Node]:
    """Return the functions of Charalambous and Conn; the variable ``first`` has its square."""
    x, y = b.x[0], b.x[1]
    powers = x**2 + y**4 if first == 0 else x**4 + y**2
    return powers, (2.0 - x) ** 2 + (2.0 - y) ** 2, 2.0 * exp(y - x)


@native("general")
def chaconn1(rng: Generator) -> ConstrainedProblem:
    """Charalambous and Conn (1978), first problem."""
    b = Builder([1.0, -0.1, 0.0])
    return _below(b, *_charalambous(b, 0))


@native("general")
def chaconn2(rng: Generator) -> ConstrainedProblem:
    """Charalambous and Conn (1978), second problem."""
    b = Builder([2.0, 2.0, 0.0])
    return _below(b, *_charalambous(b, 1))


@native("general")
def cb2(rng: Generator) -> ConstrainedProblem:
    """Charalambous and Bandler (1976), problem 2: CHACONN1 from another start."""
    b = Builder([2.0, 2.0, 1.0])
    return _above(b, *_charalambous(b, 0))


@native("general")
def cb3(rng: Generator) -> ConstrainedProblem:
    """Charalambous and Bandler (1976), problem 3: CHACONN2 from another start."""
    b = Builder([2.0, 2.0, 1.0])
    return _above(b, *_charalambous(b, 1))


@native("general")
def polak1(rng: Generator) -> ConstrainedProblem:
    """Polak, Higgins and Mayne (1992), problem 1."""
    b = Builder([50.0, 0.05, 0.0])
    x, y = b.x[0], b.x[1]
    return _below(b, *(exp(0.001 * x**2 + (y + one) ** 2) for one in (-1.0, 1.0)))


@native("general")
def polak4(rng: Generator) -> ConstrainedProblem:
    """Polak, Higgins and Mayne (1992), problem 4."""
    b = Builder([0.9, 0.1, 0.0])
    x, y = b.x[0], b.x[1]
    return _below(
        b,
        2.0 * x**2 + 2.0 * y**2 - x - 1.0,
        0.01 * (x**2 + y**2 - 1.0),
        1e5 * (x - 2.0) ** 2 + y**2 - 1e5,
    )


@native("general")
def polak5(rng: Generator) -> ConstrainedProblem:
    """Polak, Higgins and Mayne (1992), problem 5."""
    b = Builder([0.1, 0.1, 0.0])
    x, y = b.x[0], b.x[1]
    return _below(b, *(3.0 * x**2 + 50.0 * (x - y**4 + one) ** 2 for one in (-1.0, 1.0)))


@native("general")
def makela1(rng: Generator) -> ConstrainedProblem:
    """Makela (1990), problem 1."""
    b = Builder([-0.5, -0.5, 0.0])
    x, y = b.x[0], b.x[1]
    return _below(b, -x - y, x**2 + y**2 - x - y - 1.0)


@native("general")
def makela2(rng: Generator) -> ConstrainedProblem:
    """Makela (1990), problem 2."""
    b = Builder([-1.0, 5.0, 0.0])
    x, y = b.x[0], b.x[1]
    norm = x**2 + y**2
    return _below(b, norm, norm - 40.0 * x - 10.0 * y + 40.0, norm - 10.0 * x - 20.0 * y + 60.0)


@native("general")
def makela3(rng: Generator) -> ConstrainedProblem:
    """Makela (1990), problem 3: the largest of 20 squares."""
    b = Builder(np.r_[1.0:11.0, -11.0:-21.0:-1.0, 0.0])
    return _below(b, *(b.x[k] ** 2 for k in range(20)))


@native("general")
def mifflin1(rng: Generator) -> ConstrainedProblem:
    """Mifflin (1977), problem 1, as Makela (1990) gives it."""
    b = Builder([0.8, 0.6, 0.0])
    x, y = b.x[0], b.x[1]
    return _below(b, x**2 + y**2 - x - 1.0, -x)


@native("general")
def mifflin2(rng: Generator) -> ConstrainedProblem:
    """Mifflin (1982), problem 2, as Makela (1990) gives it."""
    b = Builder([-1.0, -1.0, 0.0])
    x, y = b.x[0], b.x[1]
    return _below(b, *(one * (x**2 + y**2 - 1.0) - x for one in (3.75, 0.25)))


@native("general")
def madsen(rng: Generator) -> ConstrainedProblem:
    """Madsen (1975): the largest absolute value of three functions."""
    b = Builder([3.0, 1.0, 1.0])
    x, y = b.x[0], b.x[1]
    functions = x**2 + y**2 + x * y, sin(x), cos(y)
    return _above(b, *(sign * one for one in functions for sign in (1.0, -1.0)))


@native("general")
def gigomez1(rng: Generator) -> ConstrainedProblem:
    """Gigola and Gomez (1990), problem 1."""
    b = Builder([2.0, 2.0, 2.0])
    x, y = b.x[0], b.x[1]
    return _above(b, y - 5.0 * x, 4.0 * y + x**2 + y**2, 5.0 * x + y)


@native("general")
def rosenmmx(rng: Generator) -> ConstrainedProblem:
    """Rosen and Suzuki's problem as the minimax of an exact penalty; Luksan (1985)."""
    b = Builder(np.zeros(5))
    x, y, z, w = b.x[0], b.x[1], b.x[2], b.x[3]
    cost = x**2 + y**2 + 2.0 * z**2 + w**2 - 5.0 * x - 5.0 * y - 21.0 * z + 7.0 * w
    constraints = (
        x**2 + y**2 + z**2 + w**2 + x - y + z - w - 8.0,
        x**2 + 2.0 * y**2 + z**2 + 2.0 * w**2 - x - w - 10.0,
        x**2 + y**2 + z**2 + 2.0 * x - y - w - 5.0,
    )
    return _below(b, cost, *(cost + 10.0 * one for one in constraints))
