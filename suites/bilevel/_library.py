"""Small bilevel problems written as formulas, and the model that they become.

A formula takes the components of x and y, one argument each, and uses Python's arithmetic alone
(and ``exp`` below), so that it takes scalars, NumPy arrays and torch tensors alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from tiltyard.suites.bilevel._halfspaces import project
from tiltyard.suites.bilevel.model import Array, Convexity, Form, Model, Pair

Formula = Callable[..., Any]
"""Components of x and y to a value, or to a tuple of values."""

Interval = tuple[float, float]

FREE: Interval = (-np.inf, np.inf)
POSITIVE: Interval = (0.0, np.inf)


def exp(z: Any) -> Any:
    """Return e to the power of z, as what z is."""
    return z.exp() if isinstance(z, Tensor) else np.exp(z)


def _none(*_: Any) -> tuple[Any, ...]:
    return ()


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One problem: minimise F over x and y, where y minimises f(x, .) subject to g <= 0.

    Attributes:
        source: where the formulas are published.
        F: of the upper level.
        f: of the lower level.
        x: an interval for each component of x.
        y: an interval for each component of y.
        start: of x, then of y.
        published: F* as published; None where no value was found.
        g: constraints of the lower level, <= 0; a tuple.
        G: constraints of the upper level, <= 0; a tuple.
        form: of g; see ``Model``.
        convexity: of f(x, .) on Y, for every x in X where the lower level has feasible points.
        unique: whether the lower level has at most one solution for each x in X.
        remark: what else is to be known, such as an optimum that was published wrong, and why.
    """

    source: str
    F: Formula
    f: Formula
    x: tuple[Interval, ...]
    y: tuple[Interval, ...]
    start: tuple[float, ...]
    published: float | None
    g: Formula = _none
    G: Formula = _none
    form: Form = "none"
    convexity: Convexity = "strong"
    unique: bool = True
    remark: str = ""


class LibraryModel(Model):
    """A definition as a model; derivatives by automatic differentiation.

    Where g is linear there is an exact projection onto X x Y with g <= 0.
    """

    if TYPE_CHECKING:
        normals: Tensor
        offsets: Tensor

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        n = len(definition.x)
        start = definition.start
        self.inequalities = len(definition.g(*start))
        self.upper_inequalities = len(definition.G(*start))
        self.form, self.convexity = definition.form, definition.convexity
        self.unique = definition.unique
        x, y = np.array(definition.x), np.array(definition.y)
        self.joint = definition.form == "linear"
        data = {}
        if self.joint:
            data["normals"], data["offsets"] = _halfspaces(definition)
        super().__init__(
            start[:n],
            start[n:],
            x_lower=x[:, 0],
            x_upper=x[:, 1],
            y_lower=y[:, 0],
            y_upper=y[:, 1],
            data=data,
        )

    def upper(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return _scalar(self.definition.F(*x, *y), x)

    def lower(self, x: Tensor, y: Tensor, rows: Tensor | None) -> Tensor:
        del rows
        return _scalar(self.definition.f(*x, *y), x)

    def constraints(self, x: Tensor, y: Tensor) -> Tensor:
        return _vector(self.definition.g(*x, *y), x)

    def upper_constraints(self, x: Tensor, y: Tensor) -> Tensor:
        return _vector(self.definition.G(*x, *y), x)

    def project_joint(self, x: Tensor, y: Tensor) -> Pair:
        if not self.joint:
            return super().project_joint(x, y)
        z = project(torch.cat((x, y)).cpu().numpy(), self.arrays["normals"], self.arrays["offsets"])
        nearest = torch.from_numpy(z).to(x.device)
        return self.project_x(nearest[: self.dim_x]), self.project_y(nearest[self.dim_x :])


def _scalar(value: Any, like: Tensor) -> Tensor:
    return value if isinstance(value, Tensor) else like.new_tensor(value)


def _vector(values: tuple[Any, ...], like: Tensor) -> Tensor:
    if not values:
        return like.new_zeros(0)
    return torch.stack([_scalar(value, like) for value in values])


def _halfspaces(definition: Definition) -> tuple[Array, Array]:
    """Return unit normals a (m, n) and offsets b (m,): X x Y with g <= 0 is a z <= b.

    An affine g is known by its values at 0 and at the unit vectors.
    """
    n = len(definition.start)
    zero = np.array(definition.g(*np.zeros(n)), dtype=np.float64)
    slopes = [np.array(definition.g(*row), dtype=np.float64) - zero for row in np.eye(n)]
    A, b = np.array(slopes).T, -zero
    bounds = np.array(definition.x + definition.y)
    low, high = np.isfinite(bounds[:, 0]), np.isfinite(bounds[:, 1])
    A = np.vstack((A, -np.eye(n)[low], np.eye(n)[high]))
    b = np.concatenate((b, -bounds[low, 0], bounds[high, 1]))
    size = np.linalg.norm(A, axis=1)
    return A / size[:, None], b / size
