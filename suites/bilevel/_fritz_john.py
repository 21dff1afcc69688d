"""First way to a library problem's optimum: enumeration of the lower level's active constraints.

At every solution of the lower level the conditions of Fritz John hold for some set of active
constraints. For each set, F is minimised subject to them as equations by sequential least squares
from several starts. An end that is no global minimum of the lower level gets a rival: a better
stationary point, which is carried along with conditions of its own while f(x, y) may not exceed its
value.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy import optimize

from tiltyard.suites.bilevel._global import lower_minimum, minima
from tiltyard.suites.bilevel._library import LibraryModel
from tiltyard.suites.bilevel.model import Array

STEPS = 80
"""Steps of sequential least squares at most."""

ACTIVE = 1e-6
"""A constraint within this of its bound counts as active at a rival."""

GLOBAL = 1e-8
"""By how much f(x, y) may exceed the lower level's minimum, relatively."""

APART = 1e-3
"""A minimum of the lower level farther than this from y may be a rival."""

RIVALS = 3
"""Rivals at most."""

RESTORATIONS = 2

TIGHT = 1e-7
"""An inequality within this of its bound at the end is taken to hold with equality."""

FEASIBLE = 1e-9
"""The most by which conditions may be missed, relative to the size of the point."""

Rows = tuple[int, ...]
Function = Callable[[torch.Tensor], torch.Tensor]
Numeric = Callable[[Array], Array]


@dataclass(frozen=True)
class Candidate:
    """A point that both levels allow, up to rounding.

    Attributes:
        value: F.
        x: (dim_x,).
        y: (dim_y,).
    """

    value: float
    x: Array
    y: Array


@dataclass(frozen=True)
class Branch:
    """Active rows at y and at each rival."""

    model: LibraryModel
    rows: tuple[Rows, ...]

    def split(
        self, z: torch.Tensor
    ) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
        """Return x and for y and each rival its place and its multipliers, f's first."""
        n, m = self.model.dim_x, self.model.dim_y
        blocks, at = [], n
        for rows in self.rows:
            end = at + m + 1 + len(rows)
            blocks.append((z[at : at + m], z[at + m : end]))
            at = end
        return z[:n], blocks

    def equations(self, z: torch.Tensor) -> torch.Tensor:
        """Return what vanishes: stationarity, active constraints, the multipliers' sum less 1."""
        x, blocks = self.split(z)
        parts = []
        for (y, weights), rows in zip(blocks, self.rows, strict=True):
            slope = torch.func.grad(lambda y: self.model.lower(x, y, None))(y) * weights[0]
            c = self._constraints(x, y)
            if rows:
                J = torch.func.jacrev(lambda y: self._constraints(x, y))(y)
                slope = slope + weights[1:] @ J[list(rows)]
            parts += [slope, c[list(rows)], weights.sum()[None] - 1.0]
        return torch.cat(parts)

    def inequalities(self, z: torch.Tensor) -> torch.Tensor:
        """Return what may not be negative: slacks, multipliers, and what f is below rivals."""
        x, blocks = self.split(z)
        y = blocks[0][0]
        parts = [-self.model.upper_constraints(x, y)]
        value = self.model.lower(x, y, None)
        for k, (one, weights) in enumerate(blocks):
            c = self._constraints(x, one)
            # Equations among the inequalities, too, would stall sequential least squares.
            rest = [row for row in range(len(c)) if row not in self.rows[k]]
            parts += [-c[rest], weights]
            if k:
                parts.append((self.model.lower(x, one, None) - value)[None])
        return torch.cat(parts)

    def objective(self, z: torch.Tensor) -> torch.Tensor:
        """Return F."""
        x, blocks = self.split(z)
        return self.model.upper(x, blocks[0][0], None)

    def _constraints(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return constraints(self.model, x, y)

    def solve(self, start: Array) -> Array | None:
        """Return where sequential least squares ends; None where that is not feasible."""
        F, dF = _with_slope(self.objective)
        h, dh = _with_slope(self.equations)
        c, dc = _with_slope(self.inequalities)
        n = self.model.dim_x
        bounds = [
            *zip(self.model.arrays["x_lower"], self.model.arrays["x_upper"], strict=True),
            *[(-math.inf, math.inf)] * (len(start) - n),
        ]
        found = optimize.minimize(  # type: ignore[call-overload]
            F,
            start,
            jac=dF,
            method="SLSQP",
            bounds=bounds,
            constraints=[
                {"type": "eq", "fun": h, "jac": dh},
                {"type": "ineq", "fun": c, "jac": dc},
            ],
            options={"ftol": 1e-15, "maxiter": STEPS},
        )
        z = np.array(found.x)
        if not np.isfinite(z).all():
            return None
        for _ in range(RESTORATIONS):
            # Least squares restores what holds with equality, beyond that method's tolerance.
            low, high = np.array(bounds).T
            z = np.where(z <= low + TIGHT, low, np.where(z >= high - TIGHT, high, z))
            free, tight = (z > low) & (z < high), c(z) <= TIGHT
            rows, miss = np.vstack((dh(z), dc(z)[tight])), np.append(h(z), c(z)[tight])
            if not np.isfinite(rows).all():
                return None
            z[free] -= np.linalg.lstsq(rows[:, free], miss, rcond=1e-10)[0]
        worst = max(np.abs(h(z)).max(initial=0.0), -c(z).min(initial=0.0))
        return z if worst <= FEASIBLE * (1.0 + np.abs(z).max()) else None


def _with_slope(function: Function) -> tuple[Numeric, Numeric]:
    """Return a function and its derivatives for NumPy arrays."""
    slope = torch.func.jacrev(function)

    def value(z: Array) -> Array:
        return np.array(function(torch.from_numpy(z)).numpy(), order="C")

    def derivatives(z: Array) -> Array:
        return np.array(slope(torch.from_numpy(z)).numpy(), order="C")

    return value, derivatives


def constraints(model: LibraryModel, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return g and the finite bounds of y, all <= 0 where feasible."""
    low, high = model.arrays["y_lower"], model.arrays["y_upper"]
    below, above = np.flatnonzero(np.isfinite(low)), np.flatnonzero(np.isfinite(high))
    bounds = [model.y_lower[below] - y[below], y[above] - model.y_upper[above]]
    return torch.cat([model.constraints(x, y), *bounds])


def enumerate_active(model: LibraryModel, starts: list[tuple[Array, Array]]) -> Candidate | None:
    """Return the best point of all sets of active constraints and starts; None without any.

    Args:
        model: on the CPU.
        starts: pairs of x and y.
    """
    x, y = (torch.from_numpy(part.copy()) for part in starts[0])
    count = len(constraints(model, x, y))
    found = [
        end
        for size in range(model.dim_y + 1)
        for rows in itertools.combinations(range(count), size)
        for start in starts
        for rivals in _rivals(model, start)
        if (end := _branch(model, rows, start, rivals)) is not None
    ]
    return min(found, key=lambda one: one.value, default=None)


def _rivals(model: LibraryModel, start: tuple[Array, Array]) -> list[list[torch.Tensor]]:
    """Return the sets of rivals to begin with: none, and the lowest minimum far from y."""
    if model.convexity != "nonconvex":
        return [[]]
    x, y = (torch.from_numpy(part.copy()) for part in start)
    ends = [one for one in minima(model, x) if float((one.y - y).abs().max()) > APART]
    return [[], [min(ends, key=lambda one: one.value).y]] if ends else [[]]


def _branch(
    model: LibraryModel, rows: Rows, start: tuple[Array, Array], rivals: list[torch.Tensor]
) -> Candidate | None:
    """Return the best bilevel-feasible point of a set of active constraints from one start."""
    branch, z = Branch(model, (rows,)), np.concatenate((*start, _weights(rows)))
    for y in rivals:
        branch, z = _joined(branch, z, y)
    for _ in range(RIVALS + 1):
        end = branch.solve(z)
        if end is None:
            return None
        x, blocks = branch.split(torch.from_numpy(end))
        y = blocks[0][0]
        best = lower_minimum(model, x)
        value = float(model.lower(x, y, None))
        if value <= best.value + GLOBAL * max(1.0, abs(best.value)):
            return Candidate(float(model.upper(x, y, None)), x.numpy(), y.numpy())
        branch, z = _joined(branch, end, best.y)
    return None


def _joined(branch: Branch, z: Array, rival: torch.Tensor) -> tuple[Branch, Array]:
    """Return a branch and its variables with one rival more."""
    x = torch.from_numpy(z[: branch.model.dim_x].copy())
    near = constraints(branch.model, x, rival).numpy() >= -ACTIVE
    active = tuple(np.flatnonzero(near)[: branch.model.dim_y].tolist())
    more = Branch(branch.model, (*branch.rows, active))
    return more, np.concatenate((z, rival.numpy(), _weights(active)))


def _weights(rows: Rows) -> Array:
    return np.full(1 + len(rows), 1.0 / (1 + len(rows)))
