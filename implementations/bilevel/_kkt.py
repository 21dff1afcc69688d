"""The lower level's optimality conditions as constraints of one nonlinear program.

Karush-Kuhn-Tucker conditions with multipliers nu of the equations and inequalities g and of the
finite bounds of y; complementarity is relaxed to nu_i s_i <= t for slacks s (Scholtes 2001).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.errors import Unsupported
from tiltyard.suites.bilevel.model import Pair
from tiltyard.suites.bilevel.problem import BilevelProblem

Array = NDArray[np.float64]

MOST = 200
"""Variables of the program: x, y and multipliers. SLSQP's work is cubic in them."""

STEP = 2.0**-17
"""Of the central differences for second derivatives of g: the cube root of the rounding."""


class Program:
    """Minimise F over u = (x, y, nu) subject to the conditions; g's multipliers come first.

    Args:
        problem: whose oracles are charged; X is a box.

    Attributes:
        lower: bounds of u, with ``upper``.
        relaxation: t.

    Raises:
        Unsupported: it would have more than ``MOST`` variables.
    """

    def __init__(self, problem: BilevelProblem) -> None:
        self.problem = problem
        self.equations = int(problem.facts["equations"])
        self.given = self.equations + int(problem.facts["inequalities"])
        self.dim_x, self.dim_y = problem.dim_x, problem.dim_y
        x_low, x_high = (bound.numpy() for bound in problem.x_bounds)
        y_low, y_high = (bound.numpy() for bound in problem.y_bounds)
        self.below, self.above = np.flatnonzero(y_low > -np.inf), np.flatnonzero(y_high < np.inf)
        self.y_low, self.y_high = y_low[self.below], y_high[self.above]
        multipliers = self.given + len(self.below) + len(self.above)
        self.size = self.dim_x + self.dim_y + multipliers
        if self.size > MOST:
            raise Unsupported(
                f"needs dim_x + dim_y + constraints <= {MOST}; this problem has {self.size}"
            )
        least = np.where(np.arange(multipliers) < self.equations, -np.inf, 0.0)
        self.lower = np.concatenate([x_low, y_low, least])
        self.upper = np.concatenate([x_high, y_high, np.full(multipliers, np.inf)])
        self.relaxation = 1.0
        self._here: Point | None = None

    def start(self, x: Array, y: Array) -> Array:
        """Return u at (x, y) with multipliers of zero."""
        return np.concatenate([x, y, np.zeros(self.size - self.dim_x - self.dim_y)])

    def at(self, u: Array) -> Point:
        """Return the functions around u; those of the last u are kept."""
        if self._here is None or not np.array_equal(self._here.u, u):
            self._here = Point(self, u)
        return self._here

    def objective(self, u: Array) -> float:
        """Return F."""
        point = self.at(u)
        return self.problem.upper(point.x, point.y)

    def objective_gradient(self, u: Array) -> Array:
        """Return the gradient of F in u."""
        point = self.at(u)
        both = torch.cat(self.problem.upper_gradients(point.x, point.y)).numpy()
        return np.append(both, np.zeros(self.size - len(both)))

    def equal(self, u: Array) -> Array:
        """Return what is to vanish: the Lagrangian's gradient in y, then the equations."""
        point = self.at(u)
        return np.concatenate([point.stationarity, point.g[: self.equations]])

    def equal_jacobian(self, u: Array) -> Array:
        """Return the derivatives of ``equal``."""
        point = self.at(u)
        return np.vstack([point.stationarity_jacobian, point.g_jacobian[: self.equations]])

    def slack(self, u: Array) -> Array:
        """Return what is not to be negative: -g, t - nu s, -G."""
        point = self.at(u)
        products = point.nu[self.equations :] * point.slacks
        inequalities = point.g[self.equations :]
        return np.concatenate([-inequalities, self.relaxation - products, -point.G])

    def slack_jacobian(self, u: Array) -> Array:
        """Return the derivatives of ``slack``."""
        point, m = self.at(u), self.equations
        nu, first = point.nu[m:], self.dim_x + self.dim_y + m
        products = -nu[:, None] * point.slacks_jacobian
        products[:, first:] -= np.diag(point.slacks)
        return np.vstack([-point.g_jacobian[m:], products, -point.G_jacobian])

    def violation(self, u: Array) -> float:
        """Return the largest violation of any condition, complementarity not relaxed."""
        point = self.at(u)
        signed = (point.g[self.equations :], point.nu[self.equations :] * point.slacks, point.G)
        above = max((float(part.max(initial=0.0)) for part in signed), default=0.0)
        return max(above, float(np.abs(self.equal(u)).max()))


class Point:
    """The functions and derivatives of a ``Program`` around one u, each evaluated once."""

    def __init__(self, program: Program, u: Array) -> None:
        self.u = np.array(u)
        self._program, self._problem = program, program.problem
        d = program.dim_x + program.dim_y
        self.x = torch.from_numpy(self.u[: program.dim_x].copy())
        self.y = torch.from_numpy(self.u[program.dim_x : d].copy())
        self.nu = self.u[d:]
        self._g_multipliers = torch.from_numpy(self.nu[: program.given].copy())

    @cached_property
    def g(self) -> Array:
        """The constraints g, equations first."""
        if not self._program.given:
            return np.zeros(0)
        return self._problem.constraints(self.x, self.y).numpy()

    @cached_property
    def g_jacobian(self) -> Array:
        """The derivatives of g in u."""
        return self._jacobian(self._problem.constraint_products, self._program.given)

    @cached_property
    def G(self) -> Array:  # noqa: N802 - the literature's name
        """The upper-level constraints."""
        if not self._problem.facts["upper_constraints"]:
            return np.zeros(0)
        return self._problem.upper_constraints(self.x, self.y).numpy()

    @cached_property
    def G_jacobian(self) -> Array:  # noqa: N802 - as above
        """The derivatives of G in u."""
        rows = int(self._problem.facts["upper_constraints"])
        return self._jacobian(self._problem.upper_constraint_products, rows)

    @cached_property
    def slacks(self) -> Array:
        """How far inequalities g and bounds of y are from being active."""
        program, y = self._program, self.y.numpy()
        low, high = y[program.below] - program.y_low, program.y_high - y[program.above]
        return np.concatenate([-self.g[program.equations :], low, high])

    @cached_property
    def slacks_jacobian(self) -> Array:
        """The derivatives of the slacks in u."""
        program = self._program
        unit = np.eye(len(self.u))[program.dim_x : program.dim_x + program.dim_y]
        inequalities = self.g_jacobian[program.equations :]
        return np.vstack([-inequalities, unit[program.below], -unit[program.above]])

    @cached_property
    def stationarity(self) -> Array:
        """The gradient in y of f + <nu, constraints>."""
        program = self._program
        gradient = self._problem.lower_gradient_y(self.x, self.y).numpy().copy()
        if program.given:
            gradient += self._pull(self.x, self.y)
        low, high = np.split(self.nu[program.given :], [len(program.below)])
        gradient[program.below] -= low
        gradient[program.above] += high
        return gradient

    @cached_property
    def stationarity_jacobian(self) -> Array:
        """The derivatives of ``stationarity``, by Hessian and cross products."""
        program, problem = self._program, self._problem
        dx, d = program.dim_x, program.dim_x + program.dim_y
        J = np.zeros((program.dim_y, len(self.u)))
        for j, unit in enumerate(torch.eye(program.dim_y, dtype=torch.float64)):
            J[j, :dx] = problem.cross_product(self.x, self.y, unit).numpy()
            J[j, dx:d] = problem.hessian_product(self.x, self.y, unit).numpy()
        if problem.facts["constraints"] not in ("none", "linear"):
            J[:, :d] += self._curved()
        J[:, d : d + program.given] = self.g_jacobian[:, dx:d].T
        low = np.arange(len(program.below)) + d + program.given
        high = np.arange(len(program.above)) + d + program.given + len(low)
        J[program.below, low], J[program.above, high] = -1.0, 1.0
        return J

    def _pull(self, x: Tensor, y: Tensor) -> Array:
        return self._problem.constraint_products(x, y, self._g_multipliers)[1].numpy()

    def _curved(self) -> Array:
        """Return the derivatives in (x, y) of <nu, dg/dy>, by central differences."""
        columns = []
        for index in range(self._program.dim_x + self._program.dim_y):
            length = STEP * max(1.0, abs(float(self.u[index])))
            ends = []
            for sign in (1.0, -1.0):
                moved = torch.cat((self.x, self.y))
                moved[index] += sign * length
                ends.append(self._pull(*torch.split(moved, [len(self.x), len(self.y)])))
            columns.append((ends[0] - ends[1]) / (2.0 * length))
        return np.column_stack(columns)

    def _jacobian(self, products: Callable[[Tensor, Tensor, Tensor], Pair], rows: int) -> Array:
        J = np.zeros((rows, len(self.u)))
        for i, unit in enumerate(torch.eye(rows, dtype=torch.float64)):
            both = torch.cat(products(self.x, self.y, unit)).numpy()
            J[i, : len(both)] = both
        return J
