"""Orthogonal regression: the curve or surface of a family nearest to given points.

M. Gulliksson, Algorithms for nonlinear least squares with applications to orthogonal regression,
UMINF-178.90, University of Umea, 1990; data as in CUTEst. Variables are the curve's parameters,
then the projected points; f is the sum of squared distances to the given points, from which the
projections start.
"""

from __future__ import annotations

import numpy as np

from tiltyard.suites.constrained._checks import at_least, parts
from tiltyard.suites.constrained._expression import Node
from tiltyard.suites.constrained._native import native
from tiltyard.suites.constrained.builder import Builder, sqrt
from tiltyard.suites.constrained.model import Array
from tiltyard.suites.constrained.problem import ConstrainedProblem

_PI = 3.1415926535
"""As SIF has it."""


@native(
    "equality",
    grids={"standard": [{"levels": 3}, {"levels": 4}], "full": [{"levels": 6}, {"levels": 7}]},
)
def orthrega(_rng: np.random.Generator, *, levels: int = 3) -> ConstrainedProblem:
    """An ellipse to 4^levels points of a fractal; n = 2 4^levels + 5, m = 4^levels."""
    at_least("orthrega", "levels", levels, 1)
    data, a, b = np.full((1, 2), 0.5), 9.0, 6.0
    for _ in range(levels):
        moves = np.array([[a, a], [b, -b], [-a, -a], [-b, b]])
        data = (data[:, None, :] + moves).reshape(-1, 2)
        a, b = a / _PI, b / _PI
    return _ellipse(data, (1.0, 0.0, 1.0, 0.0, 0.0))


@native(
    "equality",
    grids={
        "standard": [{"n": 105}, {"n": 505}],
        "full": [{"n": 1_005}, {"n": 10_005}, {"n": 100_005}],
    },
)
def orthregc(_rng: np.random.Generator, *, n: int = 105) -> ConstrainedProblem:
    """An ellipse to N points around one; n = 2 N + 5, m = N, SIF's NPTS = N."""
    points = parts("orthregc", n, per=2, plus=5, least=2)
    angle, spread = _around(points)
    long, short = 2.0 * np.cos(angle), np.sin(angle)
    first = long * np.cos(2.0) - short * np.sin(2.0)
    second = long * np.sin(2.0) + short * np.cos(2.0)
    data = np.stack([first * spread, second * spread], axis=1)
    return _ellipse(data, (1.0, 0.0, 1.0, 1.0, 1.0))


def _ellipse(data: Array, start: tuple[float, ...]) -> ConstrainedProblem:
    """Return the fit of h_1 x^2 + 2 h_2 x y + h_3 y^2 - 2 (g_1 x + g_2 y) = 1."""
    b, (x, y) = _fit(start, data)
    h, g = b.x, (b.x[3], b.x[4])
    quadric = h[0] * x**2 + 2.0 * h[1] * x * y + h[2] * y**2
    b.subject_to(quadric - 2.0 * (g[0] * x + g[1] * y) - 1.0, equal=0.0)
    return b.problem()


@native(
    "equality",
    grids={
        "standard": [{"n": 103}, {"n": 503}],
        "full": [{"n": 1_003}, {"n": 10_003}, {"n": 100_003}],
    },
)
def orthregd(_rng: np.random.Generator, *, n: int = 103) -> ConstrainedProblem:
    """A cardioid to N points around one; n = 2 N + 3, m = N, SIF's NPTS = N.

    With t = (x - z_1)^2 + (y - z_2)^2, its points have t^2 = t (1 + z_3^2)^2.
    """
    points = parts("orthregd", n, per=2, plus=3, least=2)
    angle, spread = _around(points)
    radius = (1.0 + 1.7**2 + np.cos(angle)) * spread
    data = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    b, (x, y) = _fit((1.0, 0.0, 1.0), data)
    t = (x - b.x[0]) ** 2 + (y - b.x[1]) ** 2
    b.subject_to(t**2 - t * (1.0 + b.x[2] ** 2) ** 2, equal=0.0)
    return b.problem()


@native(
    "general",
    grids={"standard": [{"side": 5}, {"side": 10}], "full": [{"side": 30}, {"side": 100}]},
)
def orthregf(_rng: np.random.Generator, *, side: int = 5) -> ConstrainedProblem:
    """A torus to side^2 points around one; n = 3 side^2 + 5, m = side^2, SIF's NPTS = side.

    With s = |(x - p_1, y - p_2)|, its points have (s / p_4 - 1)^2 + (z - p_3)^2 = p_5^2.
    """
    at_least("orthregf", "side", side, 1)
    angle, spread = _around(side)
    radius = (1.7 + 0.8 * np.cos(angle))[:, None] * spread
    height = 0.8 * np.sin(angle)[:, None] * spread
    solid = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], axis=2)
    lower = (-np.inf, -np.inf, -np.inf, 0.001, 0.001)
    b, (x, y, z) = _fit((1.0, 0.0, 1.0, 1.0, 0.5), solid.reshape(-1, 3), lower)
    p = b.x
    axis = sqrt(((x - p[0]) ** 2 + (y - p[1]) ** 2) / p[3] ** 2)
    b.subject_to((axis - 1.0) ** 2 + (z - p[2]) ** 2 - p[4] ** 2, equal=0.0)
    return b.problem()


def _around(points: int) -> tuple[Array, Array]:
    """Return evenly spaced angles, and CUTEst's deterministic spread of the data about 1."""
    angle: Array = np.arange(float(points)) * (2.0 * _PI / points)
    spread: Array = 1.0 + 0.2 * np.cos(237.1531 * angle)
    return angle, spread


def _fit(
    start: tuple[float, ...], data: Array, lower: tuple[float, ...] = ()
) -> tuple[Builder, list[Node]]:
    """Return a builder with the distances, and each coordinate of the projections."""
    free = np.full(data.size + len(start) - len(lower), -np.inf)
    b = Builder(np.concatenate([start, data.ravel()]), lower=np.concatenate([lower, free]))
    points = len(start) + np.arange(data.size).reshape(data.shape)
    coordinates = [b.x[column] for column in points.T]
    for coordinate, given in zip(coordinates, data.T, strict=True):
        b.minimise((coordinate - given) ** 2)
    return b, coordinates
