"""MAID's inexact values and hypergradients with bounds of their errors.

M. S. Salehi, S. Mukherjee, L. Roberts and M. J. Ehrhardt, arXiv:2308.10098; the bound is that of
Ehrhardt and Roberts, Analyzing inexact hypergradients for bilevel learning, arXiv:2301.04764.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from torch import Tensor

from tiltyard.implementations.bilevel._implicit import conjugate_gradients
from tiltyard.suites.bilevel.problem import BilevelProblem

LEAST = 1e-15
"""Times L / mu and the size of y: the smallest distance to y*(x) that rounding lets one prove."""

POWER_STEPS = 5
"""Steps of the power iteration for the norm of J at the first point; one at every other."""

DIFFERENCE = 1e-4
"""Length of a probe, over max(1, |y|), and of the difference quotient for products with J'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What the bound of a hypergradient's error is made of, at one x.

    Attributes:
        mu: the least eigenvalue of H.
        cross: norm of J.
        upper: Lipschitz constant of F_y in y.
        upper_x: Lipschitz constant of F_x in y.
        inverse: that of H^-1 in y.
        cross_slope: that of J in y.
    """

    mu: float
    cross: float
    upper: float
    upper_x: float
    inverse: float
    cross_slope: float


def error_bound(c: Constants, slope: float, eps: float, delta: float) -> float:
    """Return omega, which bounds |z - grad Phi(x)| for z = F_x - J q at y.

    |z - grad Phi| <= (|J| L_F / mu + |J| L_inv |F_y| + L_J |F_y| / mu + L_Fx) eps
    + |J| delta / mu + L_J L_F eps^2 / mu.

    Args:
        c: constants.
        slope: |F_y| at y.
        eps: bounds |y - y*(x)|.
        delta: bounds |H q - F_y|.
    """
    linear = c.cross * c.upper / c.mu + c.cross * c.inverse * slope
    linear += c.cross_slope * slope / c.mu + c.upper_x
    return linear * eps + c.cross * delta / c.mu + c.cross_slope * c.upper / c.mu * eps**2


@dataclass(slots=True)
class Point:
    """One x with what is known there.

    Attributes:
        x: (dim_x,).
        y: (dim_y,).
        residual: (dim_y,), f_y there.
        eps: bounds |y - y*(x)|.
        value: F(x, y).
        slope: (dim_y,), F_y.
        curvature: mu and L.
        lipschitz: estimate of the Lipschitz constant of F_y in y.
        constants: None until the hypergradient is asked for.
        z: (dim_x,), the hypergradient once asked for, with its error bound ``omega``.
    """

    x: Tensor
    y: Tensor
    residual: Tensor
    eps: float
    value: float
    slope: Tensor
    curvature: tuple[float, float]
    lipschitz: float
    constants: Constants | None = None
    z: Tensor | None = None
    omega: float = math.inf

    @property
    def spread(self) -> float:
        """A bound of |F(x, y) - Phi(x)|."""
        return float(self.slope.norm()) * self.eps + 0.5 * self.lipschitz * self.eps**2

    @property
    def least(self) -> float:
        """The smallest eps that rounding lets one prove here."""
        mu, L = self.curvature
        return LEAST * L / mu * max(1.0, float(self.y.norm()))


class Certified:
    """Solves lower levels and adjoints to given accuracies; keeps what it knows of constants.

    Args:
        problem: states its curvature.
        cap: of lower-level iterations a call.
    """

    def __init__(self, problem: BilevelProblem, cap: int) -> None:
        self._problem, self._cap = problem, cap
        _, y = problem.start()
        self._q = 0.0 * y
        self._along: Tensor | None = None
        self._upper = 0.0

    def point(self, x: Tensor, y: Tensor, eps: float) -> Point:
        """Return the point at x with |y - y*(x)| <= eps, from this y; F and F_y are asked for."""
        mu, L = self._problem.curvature(x)
        y, residual = self._accelerated(x, y, (mu, L), eps)
        distance = float(residual.norm()) / mu
        value = self._problem.upper(x, y)
        slope = self._problem.upper_gradient_y(x, y)
        return Point(x, y, residual, distance, value, slope, (mu, L), self._upper)

    def refine(self, point: Point, eps: float) -> Point:
        """Return the same x with a y that is close enough."""
        if point.eps <= eps:
            return point
        finer = self.point(point.x, point.y, eps)
        return replace(finer, constants=point.constants)

    def _accelerated(
        self, x: Tensor, y: Tensor, curvature: tuple[float, float], eps: float
    ) -> tuple[Tensor, Tensor]:
        """Return y and f_y there, by FISTA with the momentum of strongly convex functions.

        Gradients are at extrapolated points; one of those is returned, so that its gradient, which
        is the proof, costs nothing more.
        """
        mu, L = curvature
        r = math.sqrt(mu / L)
        momentum, last, ahead = (1.0 - r) / (1.0 + r), y, y
        for _ in range(self._cap):
            residual = self._problem.lower_gradient_y(x, ahead)
            if not float(residual.norm()) > eps * mu:
                break
            y = ahead - residual / L
            ahead, last = y + momentum * (y - last), y
        else:
            residual = self._problem.lower_gradient_y(x, ahead)
        return ahead, residual

    def differentiate(self, point: Point, delta: float) -> None:
        """Set the point's hypergradient with an adjoint's residual of ``delta``, and its bound."""
        problem, x, y = self._problem, point.x, point.y
        q, left = conjugate_gradients(
            lambda v: problem.hessian_product(x, y, v),
            point.slope,
            self._q,
            iterations=self._cap,
            tolerance=delta,
        )
        F_x, cross = problem.upper_gradient_x(x, y), problem.cross_product(x, y, q)
        self._q, point.z = q, F_x - cross
        if point.constants is None:
            point.constants = self._probe(point, (q, point.slope - left), F_x, cross)
        point.lipschitz = self._upper
        slope, delta = float(point.slope.norm()), float(left.norm())
        point.omega = error_bound(point.constants, slope, point.eps, delta)

    def _probe(
        self, point: Point, adjoint: tuple[Tensor, Tensor], F_x: Tensor, cross: Tensor
    ) -> Constants:
        """Estimate the constants at y by products at one further point along f_y.

        f_y is the error of y but for H^-1. What the bound needs of H^-1 and J in y is along F_y
        and q: |(H(y + d) - H(y)) q| / (mu |d| |F_y|) and |(J(y + d) - J(y)) q| / (|d| |q|).
        """
        problem, x, y = self._problem, point.x, point.y
        (q, Hq), mu = adjoint, point.curvature[0]
        size = float(point.residual.norm())
        away = point.residual / size if size > 0.0 else point.slope / _norm(point.slope)
        length = DIFFERENCE * max(1.0, float(y.norm()))
        there = y + length * away
        gx, gy = problem.upper_gradients(x, there)
        bend = problem.hessian_product(x, there, q) - Hq
        turn = problem.cross_product(x, there, q) - cross
        self._upper = max(self._upper, float((gy - point.slope).norm()) / length)
        return Constants(
            mu=mu,
            cross=self._cross_norm(point),
            upper=self._upper,
            upper_x=float((gx - F_x).norm()) / length,
            inverse=float(bend.norm()) / (mu * length * _norm(point.slope)),
            cross_slope=float(turn.norm()) / (length * _norm(q)),
        )

    def _cross_norm(self, point: Point) -> float:
        """Estimate |J| by a power iteration that goes on from point to point.

        J'u is a difference quotient of f_y in x.
        """
        problem, x, y = self._problem, point.x, point.y
        fresh = self._along is None
        v = point.slope if self._along is None else self._along
        norm = 0.0
        for _ in range(POWER_STEPS if fresh else 1):
            u = problem.cross_product(x, y, v / _norm(v))
            norm = float(u.norm())
            if not norm > 0.0:
                break
            length = DIFFERENCE * max(1.0, float(x.norm()))
            moved = problem.lower_gradient_y(x + length / norm * u, y)
            v = (moved - point.residual) / length
        self._along = v
        return norm


def _norm(v: Tensor) -> float:
    """Return the norm, or 1 where it is 0 and divides zero."""
    return float(v.norm()) or 1.0
