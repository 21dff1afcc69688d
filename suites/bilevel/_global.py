"""The judge's global minimum of a small lower level: a grid over Y, then a polish of its valleys.

Nothing here is used by a method. The grid sees whatever is wider than its cells; where Y has no
bounds it reaches ``REACH`` from the start, finer near it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage, optimize

from tiltyard.suites.bilevel.model import Array, Model

if TYPE_CHECKING:
    from torch import Tensor

POINTS = {1: 1025, 2: 65, 3: 21}
"""Points of the grid along each of so many dimensions of y."""

REACH = 1e3
"""How far the grid goes where Y has no bound."""

VALLEYS = 6
"""How many valleys of the grid are polished at most."""

ROUNDS = 4
"""Sequential least squares starts anew so often where it gives up or meets the limit of a step."""

CELLS = 3.0
"""Cells of the grid that a polish may go before it starts anew."""

FEASIBLE = 1e-8
"""A violation up to this, relative to the size of y, is rounding of a polish."""


SLIGHT = 1e-6
"""The most that a polish may violate for a Newton step to be sure to make up for it."""

_NEAR = 8
_TINY = 1e-12


@dataclass(frozen=True)
class Minimum:
    """The least value of f(x, .).

    Attributes:
        value: infinite where the lower level has no feasible point.
        y: (dim_y,) where it is taken; the least infeasible point found where there is none.
        violation: of y, the largest of g(x, .) and Y's bounds.
    """

    value: float
    y: Tensor
    violation: float


def lower_minimum(model: Model, x: Tensor) -> Minimum:
    """Return the global minimum of f(x, .) over Y and g(x, .) <= 0.

    Args:
        model: with up to three components of y and no equations; f and g as torch operations that
            ``torch.func.vmap`` takes.
        x: (dim_x,) float64.

    Raises:
        ValueError: there are more components, or equations.
    """
    found = minima(model, x)
    feasible = [one for one in found if one.violation <= FEASIBLE * _size(one.y)]
    if not feasible:
        least = min(found, key=lambda one: one.violation)
        return Minimum(math.inf, least.y, least.violation)
    return min(feasible, key=lambda one: one.value)


def minima(model: Model, x: Tensor) -> list[Minimum]:
    """Return the polished local minima that the grid shows, in no order; not empty.

    Raises:
        ValueError: see ``lower_minimum``.
    """
    if model.dim_y not in POINTS or model.equations:
        raise ValueError(f"{model.dim_y} components of y, {model.equations} equations")
    level = Level(model, x)
    return [level.polish(*start) for start in level.starts()]


class Level:
    """f(x, .) and its constraints at one x, for NumPy."""

    def __init__(self, model: Model, x: Tensor) -> None:
        self.model, self.x = model.on("cpu"), x.detach()
        self.low, self.high = model.arrays["y_lower"], model.arrays["y_upper"]

    def starts(self) -> Iterator[tuple[Array, Array]]:
        """Yield the lowest local minima of the grid, each with the size of a cell there.

        Where no point of the grid is feasible it is the least infeasible one, and the lowest of
        those that are nearly so.
        """
        axes = [self._axis(k) for k in range(self.model.dim_y)]
        cells = [np.maximum(np.gradient(axis), _TINY) for axis in axes]
        grid, sizes = (
            np.stack(np.meshgrid(*parts, indexing="ij"), axis=-1) for parts in (axes, cells)
        )
        flat = torch.from_numpy(grid.reshape(-1, len(axes)))
        with torch.no_grad():
            values = _each(lambda y: self.model.lower(self.x, y, None), flat)
            violation = np.zeros(len(flat))
            if self.model.inequalities:
                g = _each(lambda y: self.model.constraints(self.x, y), flat)
                violation = np.nan_to_num(g, nan=math.inf).max(axis=1).clip(min=0.0)
        values = np.nan_to_num(values, nan=math.inf)
        inside = np.where(violation > 0.0, math.inf, values).reshape(grid.shape[:-1])
        found = self._valleys(inside)
        if not len(found):
            # The feasible set, if there is one, falls between the grid's points.
            near = violation <= np.partition(violation, _NEAR)[_NEAR]
            ends = int(violation.argmin()), int(np.where(near, values, math.inf).argmin())
            found = np.stack(np.unravel_index(ends, inside.shape), axis=1)
        for index in found:
            yield grid[tuple(index)], sizes[tuple(index)]

    @staticmethod
    def _valleys(values: Array) -> NDArray[np.intp]:
        """Return the indices of the lowest local minima, (valleys, dim_y)."""
        lowest = ndimage.minimum_filter(values, size=3, mode="nearest")
        found = np.argwhere((values == lowest) & np.isfinite(values))
        order = np.argsort(values[tuple(found.T)], kind="stable")
        return np.asarray(found[order[:VALLEYS]])

    def _axis(self, k: int) -> Array:
        count = POINTS[self.model.dim_y]
        low, high = self.low[k], self.high[k]
        if math.isfinite(low) and math.isfinite(high):
            return np.linspace(low, high, count)
        centre = float(self.model.arrays["y0"][k])
        start, end = (
            (low, low + REACH)
            if math.isfinite(low)
            else (high - REACH, high)
            if math.isfinite(high)
            else (centre - REACH, centre + REACH)
        )
        # Even steps of asinh: close together around the middle of interest, far apart far off.
        middle = min(max(centre, start), end)
        t = np.linspace(math.asinh(start - middle), math.asinh(end - middle), count)
        return np.clip(middle + np.sinh(t), start, end)

    def polish(self, start: Array, cell: Array) -> Minimum:
        """Return where sequential least squares ends, or the start if that is lower.

        Steps stay within some cells of the grid: far steps would leave the valley, and the region
        where curved constraints look like their linearisations.
        """
        constraints: list[dict[str, Any]] = []
        if self.model.inequalities:
            constraints = [{"type": "ineq", "fun": self._slack, "jac": self._slack_slope}]
        best = self._minimum(start)
        for _ in range(ROUNDS):
            y, noise = best.y.numpy(), 1e-14 * max(abs(best.value), 1e-6)
            low, high = (
                np.maximum(self.low, y - CELLS * cell),
                np.minimum(self.high, y + CELLS * cell),
            )
            found = optimize.minimize(  # type: ignore[call-overload]
                self._value,
                y,
                jac=True,
                method="SLSQP",
                bounds=optimize.Bounds(low, high),
                constraints=constraints,
                options={"ftol": noise, "maxiter": 100},
            )
            end = self._minimum(self._restored(np.clip(found.x, low, high)))
            gain = 0.0
            if _better(end, best):
                gain, best = best.value - end.value, end
            failed = end.violation > FEASIBLE * _size(end.y)
            inner = (found.x > low) | (low <= self.low)
            inner &= (found.x < high) | (high >= self.high)
            if not failed and inner.all() and (found.success or gain <= 1e2 * noise):
                break
            if failed:
                cell = 0.1 * cell
        return best

    def _restored(self, y: Array) -> Array:
        """Return y after Newton steps onto what it violates by little, which the method allows."""
        for _ in range(2):
            if not self.model.inequalities:
                break
            g = -self._slack(y)
            rows = (g > 0.0) & (g <= SLIGHT)
            if not rows.any():
                break
            J = -self._slack_slope(y)[rows]
            y = np.clip(y - np.linalg.lstsq(J, g[rows], rcond=1e-10)[0], self.low, self.high)
        return y

    def _minimum(self, y: Array) -> Minimum:
        point = torch.from_numpy(np.array(y))
        with torch.no_grad():
            value = float(self.model.lower(self.x, point, None))
            g = self.model.constraints(self.x, point)
        violation = max(0.0, float(g.max())) if len(g) else 0.0
        return Minimum(value if math.isfinite(value) else math.inf, point, violation)

    def _value(self, y: Array) -> tuple[float, Array]:
        point = torch.from_numpy(y)
        # SciPy reads memory as if it were contiguous, and gradients of sums are not: copy them.
        slope = np.array(self.model.lower_gradient_y(self.x, point, None).numpy(), order="C")
        with torch.no_grad():
            return float(self.model.lower(self.x, point, None)), slope

    def _slack(self, y: Array) -> Array:
        with torch.no_grad():
            return np.array(-self.model.constraints(self.x, torch.from_numpy(y)).numpy(), order="C")

    def _slack_slope(self, y: Array) -> Array:
        if self.model.form == "linear":
            return self._linear_slope
        return self._jacobian(y)

    @cached_property
    def _linear_slope(self) -> Array:
        return self._jacobian(self.model.arrays["y0"])

    def _jacobian(self, y: Array) -> Array:
        """Return the derivatives of -g."""
        with torch.enable_grad():
            z = torch.tensor(y, requires_grad=True)
            g = self.model.constraints(self.x, z)
            rows = np.zeros((len(g), len(z)))
            for k, value in enumerate(g):
                if value.requires_grad:
                    (slope,) = torch.autograd.grad(
                        value, z, retain_graph=True, materialize_grads=True
                    )
                    rows[k] = -slope.numpy()
        return rows


def _each(function: Any, points: Tensor) -> Array:
    return np.asarray(torch.func.vmap(function)(points).numpy())


def _size(y: Tensor) -> float:
    return 1.0 + float(y.abs().max())


def _better(end: Minimum, best: Minimum) -> bool:
    """Return whether an end is feasible where the best is not, or lower."""
    allowed = FEASIBLE * _size(end.y)
    if max(end.violation, best.violation) > allowed:
        return end.violation < best.violation
    return end.value < best.value
