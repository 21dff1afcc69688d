"""Optimal control of elliptic equations on a square grid, after AdaSketch-Newton's test problem.

I. Hong, S. Na, M. W. Mahoney and M. Kolar, Constrained optimization via exact augmented Lagrangian
and randomized iterative sketching, ICML 2023, arXiv:2305.18379. The state u and the control z live
on the N x N inner points of [-1, 1]^2, so h = 2 / (N + 1), n = 2 N^2 and m = N^2:

    min 1/2 |u - w|^2 + 0.05 |z|^2  subject to  Lap_h u + z = 0 and u = 0 on the boundary

with the five-point Laplacian Lap_h, the target w_ij = sin(4 + e_i) + cos(3 + e_j) and
e_i = 0.1 / sqrt(15) (i - (N + 1) / 2). All variables and multipliers start at one. Variables are
u, then z, each with i as the faster index.
"""

from __future__ import annotations

import numpy as np

from tiltyard.suites.constrained._checks import at_least
from tiltyard.suites.constrained._expression import Node
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder
from tiltyard.suites.constrained.model import Array
from tiltyard.suites.constrained.problem import ConstrainedProblem

STANDARD, FULL = [{"size": 16}, {"size": 22}], [{"size": N} for N in (32, 64, 128, 256, 512)]


def target(size: int) -> Array:
    """Return the (size^2,) values w that the state is to follow."""
    shift = 0.1 / np.sqrt(15.0) * (np.arange(1, size + 1) - (size + 1) / 2.0)
    values: Array = np.sin(4.0 + shift)[None, :] + np.cos(3.0 + shift)[:, None]
    return values.ravel()


@native(
    "equality",
    name="pde-control",
    grids={"smoke": [{"size": 3}], "standard": STANDARD, "full": FULL},
)
def pde_control(_rng: np.random.Generator, *, size: int = 16) -> ConstrainedProblem:
    """The linear-quadratic problem of the paper; ``size`` is N."""
    at_least("pde-control", "size", size, 2)
    b, _, control = _tracking(size)
    _equation(b, size, control)
    return b.problem()


@native("equality", name="pde-semilinear", grids={"standard": STANDARD, "full": FULL})
def pde_semilinear(_rng: np.random.Generator, *, size: int = 16) -> ConstrainedProblem:
    """The same objective under -Lap_h u + u^3 = z, a standard semilinear state equation.

    F. Troeltzsch, Optimal Control of Partial Differential Equations, AMS 2010, chapter 4.
    """
    at_least("pde-semilinear", "size", size, 2)
    b, state, control = _tracking(size)
    _equation(b, size, control - state**3)
    return b.problem()


@native("general", name="pde-control-bounded", grids={"standard": STANDARD, "full": FULL})
def pde_control_bounded(
    _rng: np.random.Generator, *, size: int = 16, bound: float = 1.0
) -> ConstrainedProblem:
    """The problem of the paper with -bound <= z <= bound."""
    at_least("pde-control-bounded", "size", size, 2)
    b, _, control = _tracking(size, bound)
    _equation(b, size, control)
    return b.problem()


def _tracking(size: int, bound: float = np.inf) -> tuple[Builder, Node, Node]:
    """Return the problem with its objective alone, the state and the control."""
    points = size**2
    limits = np.repeat([np.inf, bound], points)
    b = Builder(np.ones(2 * points), lower=-limits, upper=limits)
    state, control = b.x[:points], b.x[points:]
    b.minimise(0.5 * (state - target(size)) ** 2)
    b.minimise(0.05 * control**2)
    b.multipliers(1.0)
    return b, state, control


def _equation(b: Builder, size: int, source: Node) -> None:
    """Add Lap_h u + source = 0 at every inner point."""
    grid = np.arange(size**2).reshape(size, size)
    weight = ((size + 1) / 2.0) ** 2
    rows = b.subject_to(source - 4.0 * weight * b.x[grid.ravel()], equal=0.0)
    for here, there in ((grid[1:], grid[:-1]), (grid[:, 1:], grid[:, :-1])):
        b.add(rows[here.ravel()], weight * b.x[there.ravel()])
        b.add(rows[there.ravel()], weight * b.x[here.ravel()])
