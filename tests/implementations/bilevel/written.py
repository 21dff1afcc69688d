"""Small problems of the literature, written down here, with their optima."""

import torch

from tiltyard.suites.bilevel.model import Model
from tiltyard.suites.bilevel.problem import BilevelProblem


class Written(Model):
    """A model of given functions of (x, y): F, f, and perhaps g <= 0 and G <= 0."""

    def __init__(self, F, f, x0, y0, *, g=None, G=None, **more):
        self._F, self._f, self._g, self._G = F, f, g, G
        for name in ("convexity", "unique"):
            setattr(self, name, more.pop(name, getattr(Model, name)))
        self.form = more.pop("form", "linear") if g else "none"
        start = torch.tensor(x0), torch.tensor(y0)
        self.inequalities = len(g(*start)) if g else 0
        self.upper_inequalities = len(G(*start)) if G else 0
        super().__init__(x0, y0, **more)

    def upper(self, x, y, rows):
        return self._F(x, y)

    def lower(self, x, y, rows):
        return self._f(x, y)

    def constraints(self, x, y):
        return self._g(x, y) if self._g else super().constraints(x, y)

    def upper_constraints(self, x, y):
        return self._G(x, y) if self._G else super().upper_constraints(x, y)


def problem(model, track="library"):
    return BilevelProblem(model=model, track=track).on("cpu")


def bard():
    """Bard1988Ex1; F = 17 at (1, 0)."""
    return Written(
        lambda x, y: (x[0] - 5) ** 2 + (2 * y[0] + 1) ** 2,
        lambda x, y: (y[0] - 1) ** 2 - 1.5 * x[0] * y[0],
        [4.0],
        [1.5],
        g=lambda x, y: torch.cat((y - 3 * x + 3, x - y / 2 - 4, x + y - 7)),
        x_lower=0,
        y_lower=0,
    )


def clark_westerberg():
    """ClarkWesterberg1990a; F = 5 at (1, 3), and a local optimum of 9 at (3, 5)."""
    return Written(
        lambda x, y: (x[0] - 3) ** 2 + (y[0] - 2) ** 2,
        lambda x, y: (y[0] - 5) ** 2,
        [4.0],
        [4.0],
        g=lambda x, y: torch.cat((y - 2 * x - 1, 2 - 2 * y + x, x + 2 * y - 14)),
        x_lower=0,
        x_upper=8,
    )


def gumus_floudas():
    """GumusFloudas2001Ex1; F = 2250 at (11.25, 5)."""
    return Written(
        lambda x, y: 16 * x[0] ** 2 + 9 * y[0] ** 2,
        lambda x, y: (x[0] + y[0] - 20) ** 4,
        [10.0],
        [5.0],
        g=lambda x, y: y - 50 + 4 * x,
        G=lambda x, y: y - 4 * x,
        convexity="convex",
        x_lower=0,
        x_upper=12.5,
        y_lower=0,
        y_upper=50,
    )


def allende_still():
    """AllendeStill2013; F = 1 at x = y = (0.5, 0.5)."""
    return Written(
        lambda x, y: ((x - 1) ** 2).sum() + y @ y,
        lambda x, y: y @ y - 2 * x @ y,
        [1.0, 1.0],
        [1.0, 1.0],
        g=lambda x, y: (y - 1) ** 2 - 0.25,
        form="convex",
        x_lower=0,
        x_upper=2,
    )


def mirrlees():
    """Mirrlees1999; F = 1.0018 at (1, 0.9575), 0.01 at a KKT point that is no solution."""
    return Written(
        lambda x, y: (x[0] - 2) ** 2 + (y[0] - 1) ** 2,
        lambda x, y: -torch.exp(-((y[0] - 1) ** 2)) - x[0] * torch.exp(-((y[0] + 1) ** 2)),
        [1.0],
        [0.0],
        convexity="nonconvex",
        unique=False,
        y_lower=-2,
        y_upper=2,
    )


def optimistic():
    """Lower level (y1 - x)^2 leaves y2 free: F = (x - 1)^2 + (y2 - 3)^2 is 0 at (1, (1, 3))."""
    return Written(
        lambda x, y: (x[0] - 1) ** 2 + (y[1] - 3) ** 2,
        lambda x, y: (y[0] - x[0]) ** 2,
        [0.0],
        [0.0, 0.0],
        convexity="convex",
        unique=False,
    )
