"""Small bilevel models of which the answers are known, or known to other solvers."""

import numpy as np
import torch

from tiltyard.suites.bilevel._quadratic import Quadratic
from tiltyard.suites.bilevel.model import Model
from tiltyard.suites.bilevel.problem import BilevelProblem


def quadratic(seed=0, dim_x=3, dim_y=4):
    """Return a quadratic model with random definite Hessians."""
    rng = np.random.default_rng(seed)

    def definite(n):
        B = rng.standard_normal((n, n))
        return (B @ B.T / n + 0.3 * np.eye(n))[None]

    data = {
        "A": definite(dim_y),
        "C": rng.standard_normal((1, dim_x, dim_y)),
        "a": rng.standard_normal((1, dim_y)),
        "E": definite(dim_y),
        "H": definite(dim_x),
        "K": np.zeros((1, dim_x, dim_y)),
        "e": rng.standard_normal((1, dim_y)),
        "h": rng.standard_normal((1, dim_x)),
    }
    return Quadratic(data, rng.standard_normal(dim_x), np.zeros(dim_y))


def problem(model, track="deterministic", **more):
    return BilevelProblem(model=model, track=track, **more)


class Ridge(Model):
    """f = mean softplus(-A y) + e^x |y|^2 / 2 with one x in a box; F the same mean for others."""

    unique = True

    def __init__(self, seed=0, n=30, d=4, box=(-6.0, 2.0)):
        rng = np.random.default_rng(seed)
        self.n_lower = self.n_upper = n
        offset = 0.7 * rng.standard_normal(d)
        data = {name: rng.standard_normal((n, d)) + offset for name in ("A", "B")}
        super().__init__(np.zeros(1), np.zeros(d), x_lower=box[0], x_upper=box[1], data=data)

    def upper(self, x, y, rows):
        B = self.B if rows is None else self.B[rows]
        return torch.nn.functional.softplus(-B @ y).mean()

    def lower(self, x, y, rows):
        A = self.A if rows is None else self.A[rows]
        return torch.nn.functional.softplus(-A @ y).mean() + 0.5 * x.exp().sum() * (y @ y)


class Coupled(Model):
    """The linearly coupled toy: F = |x - v|^2 / 2 + |u - 1|^2 / 2, f = |u|^2 / 2 - x'u + sum v.

    y = (u, v), and the sums of x, u and v add up to zero; f* = -|x|^2 / 2 - sum x - n... at
    u = x + 1, with v free but for its sum. The optimum is x = -0.3, u = 0.7, v = -0.4.
    """

    convexity = "convex"
    unique = False
    form = "linear"
    equations = 1

    def __init__(self, n=3):
        super().__init__(np.ones(n), np.ones(2 * n))
        self.n = n

    def upper(self, x, y, rows):
        u, v = y[: self.n], y[self.n :]
        return 0.5 * (x - v).square().sum() + 0.5 * (u - 1.0).square().sum()

    def lower(self, x, y, rows):
        u, v = y[: self.n], y[self.n :]
        return 0.5 * (u @ u) - x @ u + v.sum()

    def constraints(self, x, y):
        return (x.sum() + y.sum())[None]


class Program(Model):
    """A convex lower level, perhaps a quadratic program: A y <= b + B x after M y = N x.

    f = y'H y / 2 + (c + x)'y, plus a sum of exp(y / 2) where it is ``bent``; F = |y - 1|^2 / 2 +
    |x|^2 / 2.
    """

    convexity = "strong"
    form = "linear"

    def __init__(self, seed=0, d=4, equations=1, inequalities=5, *, bent=False, box=np.inf):
        rng = np.random.default_rng(seed)
        self.equations, self.inequalities, self.bent = equations, inequalities, bent
        root = rng.standard_normal((d, d))
        data = {
            "H": root @ root.T / d + 0.1 * np.eye(d),
            "c": rng.standard_normal(d),
            "M": rng.standard_normal((equations, d)),
            "N": 0.1 * rng.standard_normal((equations, d)),
            "A": rng.standard_normal((inequalities, d)),
            "b": rng.uniform(0.0, 1.0, inequalities),
            "B": 0.1 * rng.standard_normal((inequalities, d)),
        }
        x0 = 0.1 * rng.standard_normal(d)
        super().__init__(x0, np.zeros(d), y_lower=-box, y_upper=box, data=data)

    def upper(self, x, y, rows):
        return 0.5 * (y - 1.0).square().sum() + 0.5 * (x @ x)

    def lower(self, x, y, rows):
        value = 0.5 * y @ (self.H @ y) + (self.c + x) @ y
        return value + (0.5 * y).exp().sum() if self.bent else value

    def constraints(self, x, y):
        inequalities = self.A @ y - self.b - self.B @ x
        return torch.cat([self.M @ y - self.N @ x, inequalities])


class Squeezed(Model):
    """Lower level y^2 / 2 with 1 <= y <= x: infeasible for x < 1. F = (x - 2)^2 / 2 + y."""

    form = "linear"
    inequalities = 2

    def __init__(self):
        super().__init__(np.array([3.0]), np.array([1.0]))

    def upper(self, x, y, rows):
        return 0.5 * (x - 2.0).square().sum() + y.sum()

    def lower(self, x, y, rows):
        return 0.5 * (y @ y)

    def constraints(self, x, y):
        return torch.cat([1.0 - y, y - x])
