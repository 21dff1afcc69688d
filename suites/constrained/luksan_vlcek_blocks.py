"""Luksan and Vlcek's chains of small problems by Hock and Schittkowski: LUKVLE and LUKVLI 11 to 17.

L. Luksan and J. Vlcek, Technical Report 767, Academy of Sciences of the Czech Republic, 1999,
problems 5.11 to 5.17; the versions with inequalities are CUTEst's. ``n`` is SIF's N. The objective
adds up overlapping blocks of five variables, of which block p starts after j = 3 (p - 1), or
4 (p - 1); the constraints of block p start at the variable after k = 2 (p - 1), or 3 (p - 1),
as the report and SIF have it, so that the last variables are free of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tiltyard.suites.constrained._checks import parts
from tiltyard.suites.constrained._expression import Node
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, sin
from tiltyard.suites.constrained.problem import ConstrainedProblem

THREES = {"standard": [{"n": 98}], "full": [{"n": 998}, {"n": 9_998}, {"n": 99_998}]}
FOURS = {"standard": [{"n": 97}], "full": [{"n": 997}, {"n": 9_997}, {"n": 99_997}]}
LATER_THREES, LATER_FOURS = ({"full": grid["standard"] + grid["full"]} for grid in (THREES, FOURS))
"""For problems with so many local minima that solvers agree on none: the full tier alone."""


class Sense(NamedTuple):
    """Bounds of the constraints of a block, repeated from block to block."""

    lower: tuple[float, ...]
    upper: tuple[float, ...]


EQUAL = Sense((0.0,), (0.0,))
UPPER = Sense((-np.inf,), (0.0,))
LOWER = Sense((0.0,), (np.inf,))
MIXED = Sense((-np.inf, -np.inf, 0.0), (0.0, 0.0, np.inf))


@native("equality", grids=LATER_THREES)
def lukvle11(_rng: np.random.Generator, *, n: int = 98) -> ConstrainedProblem:
    """5.11, chained HS46; n = 3 N + 2.

    f: (x_1 - x_2)^2 + (x_3 - 1)^2 + (x_4 - 1)^4 + (x_5 - 1)^6 of each block,
    c: x_1^2 x_4 + sin(x_4 - x_5) - 1 and x_2 + x_3^2 x_4 - 2, the latter as in SIF; HS46 and the
    report have x_3^4 x_4^2.
    """
    return _hs46("lukvle11", n, EQUAL)


@native("general", grids=THREES)
def lukvli11(_rng: np.random.Generator, *, n: int = 98) -> ConstrainedProblem:
    """``lukvle11`` with c <= 0."""
    return _hs46("lukvli11", n, UPPER)


def _hs46(family: str, n: int, sense: Sense) -> ConstrainedProblem:
    b, (first, second, third, fourth, fifth) = _chain(family, n, 3, (2.0, 1.5, 0.5))
    b.minimise((first - second) ** 2 + (third - 1.0) ** 2)
    b.minimise((fourth - 1.0) ** 4 + (fifth - 1.0) ** 6)
    first, second, third, fourth, fifth = _windows(b, n, 3)
    _subject_to(
        b,
        sense,
        first**2 * fourth + sin(fourth - fifth) - 1.0,
        second + third**2 * fourth - 2.0,
    )
    return b.problem()


@native("equality", grids=THREES)
def lukvle13(_rng: np.random.Generator, *, n: int = 98) -> ConstrainedProblem:
    """5.13, chained HS48 as modified; n = 3 N + 2.

    f: (x_1 - 1)^2 + (x_2 - x_3)^2 + (x_4 - x_5)^4 of each block,
    c: x_1 + x_2^2 + x_3 + x_4 + 4 x_5 - 5 and x_3^2 - 2 (x_4 + x_5) - 3.
    """
    return _hs48("lukvle13", n, EQUAL)


@native("general", grids=THREES)
def lukvli13(_rng: np.random.Generator, *, n: int = 98) -> ConstrainedProblem:
    """``lukvle13`` with c <= 0."""
    return _hs48("lukvli13", n, UPPER)


def _hs48(family: str, n: int, sense: Sense) -> ConstrainedProblem:
    b, (first, second, third, fourth, fifth) = _chain(family, n, 3, (3.0, 5.0, -3.0))
    b.minimise((first - 1.0) ** 2 + (second - third) ** 2 + (fourth - fifth) ** 4)
    first, second, third, fourth, fifth = _windows(b, n, 3)
    _subject_to(
        b,
        sense,
        first + second**2 + third + fourth + 4.0 * fifth - 5.0,
        third**2 - 2.0 * fourth - 2.0 * fifth - 3.0,
    )
    return b.problem()


@native("equality", grids=FOURS)
def lukvle15(_rng: np.random.Generator, *, n: int = 97) -> ConstrainedProblem:
    """5.15, chained HS50 as modified; n = 4 N + 1.

    f: (x_1 - x_2)^2 + (x_2 - x_3)^2 + (x_3 - x_4)^4 + (x_4 - x_5)^4 of each block,
    c: x_i^2 + 2 x_{i+1} + 3 x_{i+2} - 6 for i = 1, 2, 3.
    """
    return _hs50("lukvle15", n, EQUAL)


@native("general", grids=FOURS)
def lukvli15(_rng: np.random.Generator, *, n: int = 97) -> ConstrainedProblem:
    """``lukvle15`` with the first two c <= 0 and the third c >= 0 in each block."""
    return _hs50("lukvli15", n, MIXED)


def _hs50(family: str, n: int, sense: Sense) -> ConstrainedProblem:
    b, (first, second, third, fourth, fifth) = _chain(family, n, 4, (35.0, 11.0, 5.0, -5.0))
    b.minimise((first - second) ** 2 + (second - third) ** 2)
    b.minimise((third - fourth) ** 4 + (fourth - fifth) ** 4)
    x = _windows(b, n, 4)
    _subject_to(b, sense, *(x[i] ** 2 + 2.0 * x[i + 1] + 3.0 * x[i + 2] - 6.0 for i in range(3)))
    return b.problem()


@native("equality", grids=LATER_FOURS)
def lukvle16(_rng: np.random.Generator, *, n: int = 97) -> ConstrainedProblem:
    """5.16, chained HS51 as modified; n = 4 N + 1.

    f: (x_1 - x_2)^4 + (x_2 + x_3 - 2)^2 + (x_4 - 1)^2 + (x_5 - 1)^2 of each block,
    c: x_1^2 + 3 x_2 - 4, x_3^2 + x_4 - 2 x_5 and x_2^2 - x_5.
    """
    return _hs51("lukvle16", n, EQUAL)


@native("general", grids=FOURS)
def lukvli16(_rng: np.random.Generator, *, n: int = 97) -> ConstrainedProblem:
    """``lukvle16`` with c >= 0."""
    return _hs51("lukvli16", n, LOWER)


def _hs51(family: str, n: int, sense: Sense) -> ConstrainedProblem:
    b, (first, second, third, fourth, fifth) = _chain(family, n, 4, (2.5, 0.5, 2.0, -1.0))
    b.minimise((first - second) ** 4 + (second + third - 2.0) ** 2)
    b.minimise((fourth - 1.0) ** 2 + (fifth - 1.0) ** 2)
    _parabolas(b, n, sense, 4.0)
    return b.problem()


@native("equality", grids=LATER_FOURS)
def lukvle17(_rng: np.random.Generator, *, n: int = 97) -> ConstrainedProblem:
    """5.17, chained HS52 as modified; n = 4 N + 1.

    f: (4 x_1 - x_2)^2 + (x_2 + x_3 - 2)^4 + (x_4 - 1)^2 + (x_5 - 1)^2 of each block,
    c: x_1^2 + 3 x_2, x_3^2 + x_4 - 2 x_5 and x_2^2 - x_5.
    """
    return _hs52("lukvle17", n, EQUAL)


@native("general", grids=FOURS)
def lukvli17(_rng: np.random.Generator, *, n: int = 97) -> ConstrainedProblem:
    """``lukvle17`` with c >= 0."""
    return _hs52("lukvli17", n, LOWER)


def _hs52(family: str, n: int, sense: Sense) -> ConstrainedProblem:
    b, (first, second, third, fourth, fifth) = _chain(family, n, 4, (2.0,))
    b.minimise((4.0 * first - second) ** 2 + (second + third - 2.0) ** 4)
    b.minimise((fourth - 1.0) ** 2 + (fifth - 1.0) ** 2)
    _parabolas(b, n, sense, 0.0)
    return b.problem()


def _parabolas(b: Builder, n: int, sense: Sense, constant: float) -> None:
    first, second, third, fourth, fifth = _windows(b, n, 4)
    _subject_to(
        b,
        sense,
        first**2 + 3.0 * second - constant,
        third**2 + fourth - 2.0 * fifth,
        second**2 - fifth,
    )


def _chain(
    family: str, n: int, per: int, x0: tuple[float, ...]
) -> tuple[Builder, tuple[Node, ...]]:
    """Return a builder and the five variables of every block of the objective."""
    blocks = parts(family, n, per=per, plus=5 - per, least=1)
    b = Builder(np.resize(np.array(x0), n))
    start = per * np.arange(blocks)
    return b, tuple(b.x[start + i] for i in range(5))


def _windows(b: Builder, n: int, per: int) -> tuple[Node, ...]:
    """Return the five variables that each block's constraints may take."""
    start = (per - 1) * np.arange((n - 5) // per + 1)
    return tuple(b.x[start + i] for i in range(5))


def _subject_to(b: Builder, sense: Sense, *constraints: Node) -> None:
    """Add the constraints of all blocks, block by block."""
    count = sum(node.size for node in constraints)
    lower, upper = (np.resize(np.array(side), count) for side in sense)
    rows = b.rows(count, lower=lower, upper=upper)
    for i, node in enumerate(constraints):
        b.add(rows[i :: len(constraints)], node)
