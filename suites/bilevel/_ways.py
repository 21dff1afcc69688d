"""Ways to find the best x: optimisers of Phi with the judge's own values and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize

from tiltyard.suites.bilevel._constrained_level import ConstrainedLevel
from tiltyard.suites.bilevel._hypergradient import (
    constrained_hypergradient,
    hypergradient,
    projected_norm,
    upper,
)
from tiltyard.suites.bilevel._lower_level import LowerLevel
from tiltyard.suites.bilevel.model import Array, Model

SCAN = 4001
"""Points of a scan in one dimension."""

FLAT = 1e-9
"""A projected gradient of at most this needs no more polish."""

_BAD = 1e30
_STEP = 1e-5


@dataclass(frozen=True)
class End:
    """Where one way ended.

    Attributes:
        way: its name.
        z: (k,) in the landscape's coordinates.
        value: Phi.
        gradient: norm of the projected gradient; NaN where Phi has none.
    """

    way: str
    z: Array
    value: float
    gradient: float


class Landscape:
    """Phi over coordinates z of X: x itself, or an orthonormal basis where X is affine.

    Attributes:
        z0: (k,) the start.
        lower: (k,) bounds of z; infinite where X is affine.
        upper: (k,) see ``lower``.
        evaluations: of Phi so far.
    """

    def __init__(self, model: Model) -> None:
        self.model = model.on("cpu")
        constrained = model.equations + model.inequalities > 0
        self.level = ConstrainedLevel(model) if constrained else LowerLevel(model)
        x0 = self.model.project_x(self.model.x0.clone()).numpy()
        self._basis, self._offset = np.eye(len(x0)), np.zeros(len(x0))
        self.lower, self.upper = model.arrays["x_lower"], model.arrays["x_upper"]
        if model.affine:
            self._offset = self._project(np.zeros(len(x0)))
            images = [self._project(row) - self._offset for row in np.eye(len(x0))]
            values, vectors = np.linalg.eigh(np.array(images))
            self._basis = vectors[:, values > 0.5]
            self.lower = np.full(self._basis.shape[1], -math.inf)
            self.upper = -self.lower
        self.z0: Array = self._basis.T @ (x0 - self._offset)
        self.evaluations = 0

    def x(self, z: Array) -> Array:
        """Return the point of X with coordinates z."""
        return np.asarray(self._offset + self._basis @ z)

    def y(self, z: Array) -> Array:
        """Return the lower level's solution at coordinates z."""
        return self.level.solve(torch.from_numpy(self.x(z))).y.numpy()

    def value(self, z: Array) -> float:
        """Return Phi; a huge number where it is not finite."""
        self.evaluations += 1
        x = torch.from_numpy(self.x(z))
        solution = self.level.solve(x)
        value = upper(self.model, x, solution.y) if solution.residual < 1e-6 else _BAD
        return value if math.isfinite(value) else _BAD

    def slope(self, z: Array) -> Array:
        """Return the gradient of Phi in z; NaN where there is none."""
        x = torch.from_numpy(self.x(z))
        if isinstance(self.level, LowerLevel):
            found = hypergradient(self.level, self.level.solve(x)).gradient.numpy()
        else:
            made = constrained_hypergradient(self.level.solve(x))
            found = np.full(len(x), math.nan) if made is None else made.gradient.numpy()
        return np.asarray(self._basis.T @ found)

    def both(self, z: Array) -> tuple[float, Array]:
        """Return Phi and its gradient, zero where there is none, for optimisers."""
        return self.value(z), np.nan_to_num(self.slope(z))

    def stationary(self, z: Array) -> float:
        """Return the judge's projected gradient norm at the point."""
        x = torch.from_numpy(self.x(z))
        return projected_norm(self.model, x, torch.from_numpy(self._basis @ self.slope(z)))

    def clip(self, z: Array) -> Array:
        """Return the nearest coordinates within the bounds."""
        return np.clip(z, self.lower, self.upper)

    def end(self, way: str, z: Array) -> End:
        """Return where a way ended, within the bounds."""
        z = self.clip(np.asarray(z, dtype=np.float64))
        return End(way, z, self.value(z), self.stationary(z))

    def _project(self, x: Array) -> Array:
        return self.model.project_x(torch.from_numpy(x.copy())).numpy()


Way = Callable[[Landscape, Array], End]
Method = Literal["L-BFGS-B", "TNC"]


def lbfgs(landscape: Landscape, z: Array) -> End:
    """L-BFGS-B with a long memory, until it can no longer improve."""
    options = {"maxiter": 3000, "maxfun": 4000, "maxcor": 30, "ftol": 0.0, "gtol": 1e-11}
    return landscape.end("scipy L-BFGS-B", _minimize(landscape, z, "L-BFGS-B", options))


def truncated_newton(landscape: Landscape, z: Array) -> End:
    """Truncated Newton, TNC."""
    options = {"maxfun": 6000, "ftol": 1e-16, "gtol": 1e-12, "xtol": 0.0}
    return landscape.end("scipy TNC", _minimize(landscape, z, "TNC", options))


def simplex(landscape: Landscape, z: Array) -> End:
    """Nelder and Mead's simplex, which sees no gradient."""
    found = optimize.minimize(
        landscape.value,
        z,
        method="Nelder-Mead",
        bounds=optimize.Bounds(landscape.lower, landscape.upper),
        options={"xatol": 1e-9, "fatol": 1e-15, "maxfev": 2000},
    )
    return landscape.end("scipy Nelder-Mead", found.x)


def scan(landscape: Landscape, z: Array) -> End:
    """A scan of the whole interval and a bounded search around its best points; one dimension."""
    del z
    grid = np.linspace(landscape.lower[0], landscape.upper[0], SCAN)
    values = np.array([landscape.value(point) for point in grid[:, None]])
    best = (math.inf, grid[0])
    for k in np.argsort(values)[:5]:
        best = min(best, (float(values[k]), float(grid[k])))
        found = optimize.minimize_scalar(
            lambda t: landscape.value(np.array([t])),
            bounds=(grid[max(k - 1, 0)], grid[min(k + 1, SCAN - 1)]),
            method="bounded",
            options={"xatol": 1e-12},
        )
        best = min(best, (float(found.fun), float(found.x)))
    return landscape.end(f"scan of {SCAN} points and golden section", np.array([best[1]]))


def polish(landscape: Landscape, end: End, rounds: int = 8) -> End:
    """Return where Newton's method on the free coordinates leads, if that is better.

    Its Hessian is made of central differences of exact gradients; directions of negative curvature
    are turned round.
    """
    for _ in range(rounds):
        if not end.gradient > FLAT:
            break
        slope = landscape.slope(end.z)
        low, high = end.z <= landscape.lower, end.z >= landscape.upper
        free = np.flatnonzero(~((low & (slope > 0.0)) | (high & (slope < 0.0))))
        values, vectors = np.linalg.eigh(_hessian(landscape, end.z, free))
        bend = np.maximum(np.abs(values), 1e-12 * float(np.abs(values).max()))
        step = np.zeros(len(end.z))
        step[free] = -vectors @ ((vectors.T @ slope[free]) / bend)
        better = _shorter(landscape, end, step)
        if better is None:
            break
        end = better
    return end


def _shorter(landscape: Landscape, end: End, step: Array) -> End | None:
    """Return the first of the halved steps that flattens the gradient and does not climb."""
    noise = 1e-13 * max(1.0, abs(end.value))
    for halvings in range(12):
        new = landscape.end(end.way, end.z + 0.5**halvings * step)
        if new.value <= end.value + noise and (
            new.gradient < 0.9 * end.gradient or new.value < end.value - noise
        ):
            return new
    return None


def _hessian(landscape: Landscape, z: Array, free: NDArray[np.intp]) -> Array:
    """Return the (f, f) second derivatives of Phi in the free coordinates."""
    rows = []
    for k in free:
        step = np.zeros(len(z))
        step[k] = _STEP * max(1.0, abs(z[k]))
        change = landscape.slope(z + step) - landscape.slope(z - step)
        rows.append(change[free] / (2.0 * step[k]))
    H = np.array(rows).reshape(len(free), len(free))
    return np.asarray(0.5 * (H + H.T))


def _minimize(landscape: Landscape, z: Array, method: Method, options: Any) -> Array:
    found = optimize.minimize(
        landscape.both,
        landscape.clip(z),
        jac=True,
        method=method,
        bounds=optimize.Bounds(landscape.lower, landscape.upper),
        options=options,
    )
    return np.asarray(found.x)
