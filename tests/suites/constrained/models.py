"""Small models written out by hand, which no builder or translation had a part in."""

import numpy as np

from tiltyard.suites.constrained.model import Bounds, Model, Structure
from tiltyard.suites.constrained.problem import ConstrainedProblem

FREE = np.inf


def structure(*entries):
    """Return the structure of (row, column) pairs, sorted."""
    rows, columns = np.array(sorted(entries), dtype=np.intp).reshape(-1, 2).T.copy()
    return Structure(rows, columns)


def lower_triangle(n):
    """Return every entry of an (n, n) lower triangle."""
    return Structure(*(index.astype(np.intp) for index in np.tril_indices(n)))


def made(model, **changes):
    """Return the model's problem, fresh for one run."""
    return ConstrainedProblem(model, **changes).on("cpu")


class HS71(Model):
    """Hock and Schittkowski 71: n = 4, an inequality, an equation, bounds; f* = 17.0140173."""

    jacobian_structure = structure(*((i, j) for i in range(2) for j in range(4)))
    hessian_structure = lower_triangle(4)
    optimum = 17.0140173

    def __init__(self):
        self.bounds = Bounds(
            x0=[1, 5, 5, 1],
            y0=[0, 0],
            lower=np.ones(4),
            upper=np.full(4, 5.0),
            c_lower=[25, 40],
            c_upper=[FREE, 40],
        )

    def objective(self, x):
        return float(x[0] * x[3] * (x[0] + x[1] + x[2]) + x[2])

    def gradient(self, x):
        total = x[0] + x[1] + x[2]
        outer = x[0] * x[3]
        return np.array([outer + x[3] * total, outer, outer + 1, x[0] * total])

    def constraints(self, x):
        return np.array([np.prod(x), x @ x])

    def jacobian_values(self, x):
        products = [np.prod(np.delete(x, j)) for j in range(4)]
        return np.concatenate([products, 2 * x])

    def hessian_values(self, x, y, scale=1.0):
        a, b, c, d = x
        f = np.array([2 * d, d, 0, d, 0, 0, 2 * a + b + c, a, a, 0])
        product = np.array([0, c * d, 0, b * d, a * d, 0, b * c, a * c, a * b, 0])
        square = np.array([2, 0, 2, 0, 0, 2, 0, 0, 0, 2])
        return scale * f + y[0] * product + y[1] * square


class HS6(Model):
    """Hock and Schittkowski 6: n = 2, one equation; f* = 0 at (1, 1)."""

    jacobian_structure = structure((0, 0), (0, 1))
    hessian_structure = structure((0, 0))
    optimum = 0.0

    def __init__(self):
        free = np.full(2, FREE)
        self.bounds = Bounds(
            x0=[-1.2, 1], y0=[0], lower=-free, upper=free, c_lower=[0], c_upper=[0]
        )

    def objective(self, x):
        return float((1 - x[0]) ** 2)

    def gradient(self, x):
        return np.array([-2 * (1 - x[0]), 0.0])

    def constraints(self, x):
        return np.array([10 * (x[1] - x[0] ** 2)])

    def jacobian_values(self, x):
        return np.array([-20 * x[0], 10.0])

    def hessian_values(self, x, y, scale=1.0):
        return np.array([2 * scale - 20 * y[0]])


class BothEnds(Model):
    """A separable quadratic with a bound or a constraint active at either end, and some inactive.

    Minimise 1/2 |x - t|^2 over 0 <= x <= 1 and c_lower <= (x0 + x1, x2 + x3, x4, x5 - x4) <=
    c_upper. At the solution x = (0.3, 0.2, 0.8, 0.7, 0, 1) the multipliers are as ``y`` and ``z``.
    """

    jacobian_structure = structure((0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (3, 5))
    hessian_structure = structure(*((j, j) for j in range(6)))
    optimum = 0.5 * (0.25**2 * 2 + 0.5**2 * 2 + 2**2 + 3**2)
    x = np.array([0.3, 0.2, 0.8, 0.7, 0.0, 1.0])
    y = np.array([0.25, -0.5, 0.0, 0.0])
    z = np.array([0.0, 0.0, 0.0, 0.0, -2.0, 3.0])

    def __init__(self):
        self.target = np.array([0.55, 0.45, 0.3, 0.2, -2.0, 4.0])
        self.bounds = Bounds(
            x0=np.full(6, 0.5),
            y0=np.zeros(4),
            lower=np.zeros(6),
            upper=np.ones(6),
            c_lower=[-FREE, 1.5, -5.0, -9.0],
            c_upper=[0.5, FREE, 5.0, FREE],
        )

    def objective(self, x):
        return float((x - self.target) @ (x - self.target) / 2)

    def gradient(self, x):
        return x - self.target

    def constraints(self, x):
        return np.array([x[0] + x[1], x[2] + x[3], x[4], x[5] - x[4]])

    def jacobian_values(self, x):
        return np.array([1.0, 1, 1, 1, 1, -1, 1])

    def hessian_values(self, x, y, scale=1.0):
        return np.full(6, float(scale))


class BoundedQP(Model):
    """Minimise 1/2 x'Tx - sum x over lower <= x <= 0.4, without constraints; T is tridiagonal."""

    jacobian_structure = structure()
    optimum = -1.84

    def __init__(self, n=5):
        self.size = n
        self.bounds = Bounds(
            x0=np.full(n, 0.1),
            y0=[],
            lower=np.zeros(n),
            upper=np.full(n, 0.4),
            c_lower=[],
            c_upper=[],
        )
        below = [(j + 1, j) for j in range(n - 1)]
        self.hessian_structure = structure(*((j, j) for j in range(n)), *below)

    def _times(self, x):
        product = 2.0 * x
        product[1:] -= x[:-1]
        product[:-1] -= x[1:]
        return product

    def objective(self, x):
        return float(x @ self._times(x) / 2 - x.sum())

    def gradient(self, x):
        return self._times(x) - 1

    def constraints(self, x):
        return np.zeros(0)

    def jacobian_values(self, x):
        return np.zeros(0)

    def hessian_values(self, x, y, scale=1.0):
        at = self.hessian_structure
        return scale * np.where(at.rows == at.columns, 2.0, -1.0)


class Chain(Model):
    """Minimise sum (x_i^2 - 1)^2 / 4 + x_i subject to x_i + x_{i+1}^2 = 1: sparse at any n."""

    def __init__(self, n=1000):
        i = np.arange(n - 1)
        self.bounds = Bounds(
            x0=np.full(n, 0.5),
            y0=np.zeros(n - 1),
            lower=np.full(n, -FREE),
            upper=np.full(n, FREE),
            c_lower=np.ones(n - 1),
            c_upper=np.ones(n - 1),
        )
        self.jacobian_structure = Structure(np.repeat(i, 2), (i[:, None] + [0, 1]).ravel())
        self.hessian_structure = Structure(np.arange(n), np.arange(n))

    def objective(self, x):
        return float(((x**2 - 1) ** 2 / 4 + x).sum())

    def gradient(self, x):
        return x * (x**2 - 1) + 1

    def constraints(self, x):
        return x[:-1] + x[1:] ** 2

    def jacobian_values(self, x):
        return np.column_stack([np.ones(self.m), 2 * x[1:]]).ravel()

    def hessian_values(self, x, y, scale=1.0):
        values = scale * (3 * x**2 - 1)
        values[1:] += 2 * y
        return values


class Contradiction(BoundedQP):
    """The bounded quadratic program under x_0 = 2, which its bounds exclude."""

    jacobian_structure = structure((0, 0))

    def __init__(self, n=5):
        super().__init__(n)
        old = self.bounds
        self.bounds = Bounds(
            x0=old.x0, y0=[0], lower=old.lower, upper=old.upper, c_lower=[2], c_upper=[2]
        )

    def constraints(self, x):
        return x[:1].copy()

    def jacobian_values(self, x):
        return np.ones(1)


class Broken(HS71):
    """HS71 whose oracle ``of`` gives NaN, or raises, from its ``after``-th call on."""

    def __init__(self, of, after=0, how="nan"):
        super().__init__()
        self._left = after
        whole = getattr(self, of)

        def broken(*arguments):
            self._left -= 1
            if self._left >= 0:
                return whole(*arguments)
            if how == "raise":
                raise ZeroDivisionError("as asked")
            return whole(*arguments) * np.nan

        setattr(self, of, broken)
