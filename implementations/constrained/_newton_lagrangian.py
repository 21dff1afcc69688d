"""Newton's system for the Lagrangian of an equality-constrained problem, dense and sparse.

At (x, y), with J the Jacobian and H the Hessian of L = f + y'(c - rhs), the system is

    [B  J'] [dx]     [grad f + J'y]
    [J  0 ] [dy] = - [c - rhs     ],    B = H + t I,

where t is 0 if H is positive definite on the null space of J. Methods that share it: the
AdaSketch-Newton family and the GMRES-SQP baselines of its paper (arXiv:2305.18379).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.constrained.problem import ConstrainedProblem

Array = NDArray[np.float64]

CURVATURE = 1e-6
"""H counts as positive definite on the null space of J if Z'HZ has no eigenvalue below this."""


class Rows(NamedTuple):
    """A matrix by compressed rows, as the compiled loops read it."""

    values: Array
    columns: NDArray[np.int32]
    starts: NDArray[np.int32]


class Linear(NamedTuple):
    """A system A z = b and where its solution stands, as the compiled loops read and change it.

    Attributes:
        A: (N, N) symmetric, by rows.
        b: (N,) right-hand side.
        z: (N,) approximate solution, changed in place.
        r: (N,) A z - b, changed in place.
    """

    A: Rows
    b: Array
    z: Array
    r: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Values at one pair (x, y).

    Attributes:
        x: (n,) variables.
        y: (m,) multipliers.
        f: the objective.
        g: (n,) its gradient.
        c: (m,) what the equations miss: c(x) minus its bound.
        J: (m, n) Jacobian, dense or CSR.
        slope: (n,) gradient of the Lagrangian in x.
    """

    x: Array
    y: Array
    f: float
    g: Array
    c: Array
    J: Any
    slope: Array

    @property
    def kkt(self) -> float:
        """Two-norm of (slope, c), the residual that the paper reports."""
        return math.hypot(float(np.linalg.norm(self.slope)), float(np.linalg.norm(self.c)))

    @property
    def answer(self) -> dict[str, Array]:
        """What a method yields here."""
        return {"x": self.x, "y": self.y}


def objective(problem: ConstrainedProblem, x: Array) -> float:
    """Return f(x); 0 at no charge where the problem has no objective."""
    return float(problem.objective(x)) if problem.has_objective else 0.0


def residuals(problem: ConstrainedProblem, x: Array) -> Array:
    """Return c(x) minus its bound, (m,)."""
    missed: Array = problem.constraints(x) - problem.c_lower
    return missed


def evaluate(
    problem: ConstrainedProblem,
    x: Array,
    y: Array,
    known: tuple[float, Array] | None = None,
) -> Point:
    """Return the values at (x, y); charges f, g, c and J once each, as far as they are needed.

    Args:
        problem: an equality-constrained problem.
        x: (n,) variables.
        y: (m,) multipliers.
        known: the objective and the equations' residuals at x, where a caller has them.
    """
    f, c = known or (objective(problem, x), residuals(problem, x))
    g = problem.gradient(x) if problem.has_objective else np.zeros(problem.n)
    J = problem.jacobian_sparse(x) if problem.facts["sparse"] else problem.jacobian(x)
    return Point(x=x, y=y, f=f, g=g, c=c, J=J, slope=g + J.T @ y)


def hessian(problem: ConstrainedProblem, point: Point) -> Any:
    """Return the Lagrangian's (n, n) Hessian, dense or CSR; charges ``H``."""
    of = problem.hessian_sparse if problem.facts["sparse"] else problem.hessian
    return of(point.x, point.y, 1.0 if problem.has_objective else 0.0)


def frobenius(matrix: Any) -> float:
    """Return the Frobenius norm of a dense or sparse matrix."""
    return float(np.linalg.norm(matrix if isinstance(matrix, np.ndarray) else matrix.data))


def nonzeros(matrix: Any) -> int:
    """Return how many entries a dense or sparse matrix stores."""
    return int(matrix.size if isinstance(matrix, np.ndarray) else matrix.nnz)


@dataclass(slots=True, kw_only=True)
class System:
    """The system A z = b at one point, and where its solution stands.

    Attributes:
        A: (n + m, n + m) symmetric matrix, dense or CSR.
        B: its (n, n) upper left block.
        b: (n + m,) right-hand side.
        z: (n + m,) approximate solution (dx, dy).
        r: (n + m,) its residual A z - b.
    """

    A: Any
    B: Any
    b: Array
    z: Array
    r: Array

    def linear(self) -> Linear:
        """Return the system for compiled loops, which change this z and r."""
        return Linear(self._rows(), self.b, self.z, self.r)

    def _rows(self) -> Rows:
        if not isinstance(self.A, np.ndarray):
            A = self.A
            return Rows(A.data, A.indices.astype(np.int32), A.indptr.astype(np.int32))
        rows, columns = np.nonzero(self.A)
        starts = np.searchsorted(rows, np.arange(len(self.A) + 1)).astype(np.int32)
        return Rows(self.A[rows, columns], columns.astype(np.int32), starts)


def newton_system(point: Point, H: Any, shift: float) -> System:
    """Return the system at a point with B = H + shift I, started at z = 0."""
    n, m = len(point.x), len(point.y)
    A: Any
    B: Any
    if isinstance(H, np.ndarray):
        B = H + shift * np.eye(n)
        A = np.zeros((n + m, n + m))
        A[:n, :n] = B
        A[n:, :n] = point.J
        A[:n, n:] = point.J.T
    else:
        from scipy.sparse import block_array, csr_array, eye_array

        B = csr_array(H + shift * eye_array(n))
        A = csr_array(block_array([[B, point.J.T], [point.J, None]]))
    b = -np.concatenate([point.slope, point.c])
    return System(A=A, B=B, b=b, z=np.zeros(n + m), r=-b)
