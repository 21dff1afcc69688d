"""Step lengths of the stochastic bilevel methods, in units that a problem's curvature sets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tiltyard.suites.bilevel.problem import BilevelProblem, Level

ROWS = 256
"""Samples of each level that the curvature is measured on, or all of fewer."""

DIRECTIONS = 20
"""Products with the lower level's Hessian that its extreme eigenvalues are found with."""

DESCENT = 20
"""Accelerated gradient steps on y, and on the linear system, for a rough hypergradient."""

DIFFERENCE = 1e-6
"""Length of a finite difference of gradients, relative to 1 + |y|."""


class Steps:
    """Step lengths: ``lower`` of y and of linear systems, ``upper`` of x.

    Args:
        lower: at the start.
        upper: at the start.
        problem: where steps follow its curvature; None keeps them.
        largest: the largest eigenvalue of d2f/dy2 at the start.
    """

    def __init__(
        self,
        lower: float,
        upper: float,
        problem: BilevelProblem | None = None,
        largest: float = 1.0,
    ) -> None:
        self.lower, self.upper = self._first = lower, upper
        self._largest = largest
        self._problem = problem if problem is not None and problem.facts["curvature"] else None
        if self._problem is not None:
            self._bound = self._problem.curvature(self._problem.start()[0])[1]

    def follow(self, x: Tensor) -> None:
        """Shorten both steps where the bound of L at x is above that at the start.

        L is taken to have grown by as much as its bound has. Hyperparameters that are exponents
        else make any fixed step too long in the end.
        """
        if self._problem is not None:
            growth = max(0.0, self._problem.curvature(x)[1] - self._bound)
            share = self._largest / (self._largest + growth)
            self.lower, self.upper = (step * share for step in self._first)


@dataclass(frozen=True, slots=True)
class Probe:
    """A fixed part of the samples and the extreme eigenvalues of its d2f/dy2 at the start."""

    problem: BilevelProblem
    lower: Tensor
    upper: Tensor
    smallest: float
    largest: float

    def descend(self, slope: Callable[[Tensor], Tensor], point: Tensor, bend: float) -> Tensor:
        """Return the point after DESCENT steps of Nesterov's method; bend is the largest one."""
        root = math.sqrt(self.smallest / bend)
        momentum, ahead = (1.0 - root) / (1.0 + root), point
        for _ in range(DESCENT):
            last, point = point, ahead - slope(ahead) / bend
            ahead = point + momentum * (point - last)
        return point


Estimate = Callable[[Probe, Tensor], Tensor]
"""A rough hypergradient at x from the samples of the probe."""


def implicit(probe: Probe, x: Tensor) -> Tensor:
    """Return F_x + f_xy v with H v = -F_y, both levels solved roughly from the start."""
    problem, rows = probe.problem, probe.lower
    _, y = problem.start()
    y = probe.descend(lambda z: problem.lower_gradient_y(x, z, rows), y, probe.largest)
    slope_x, slope_y = problem.upper_gradients(x, y, probe.upper)
    v = probe.descend(
        lambda z: problem.hessian_product(x, y, z, rows) + slope_y,
        y.new_zeros(len(y)),
        probe.largest,
    )
    return slope_x + problem.cross_product(x, y, v, rows)


def penalised(probe: Probe, x: Tensor, *, multiplier: float) -> Tensor:
    """Return F_x + lambda (f_x(x, y) - f_x(x, z)), y and z rough minima of F + lambda f and f."""
    problem, rows = probe.problem, probe.lower
    _, start = problem.start()
    z = probe.descend(lambda u: problem.lower_gradient_y(x, u, rows), start, probe.largest)

    def slope(u: Tensor) -> Tensor:
        upper = problem.upper_gradient_y(x, u, probe.upper)
        return upper.add(problem.lower_gradient_y(x, u, rows), alpha=multiplier)

    # The published steps of y, too, leave room for as much curvature in F as in lambda f.
    y = probe.descend(slope, start, 2.0 * multiplier * probe.largest)
    excess = problem.lower_gradient_x(x, y, rows) - problem.lower_gradient_x(x, z, rows)
    return problem.upper_gradient_x(x, y, probe.upper).add(excess, alpha=multiplier)


def measured_steps(
    problem: BilevelProblem,
    rng: np.random.Generator,
    step: float,
    outer_ratio: float,
    *,
    scaled: bool,
    inner: int = 1,
    estimate: Estimate = implicit,
) -> Steps:
    """Return step / L for y and (step / outer_ratio) min(1, inner mu / L) / L_Phi for x.

    mu and L are the extreme eigenvalues of d2f/dy2 at the start, by Lanczos's method; L_Phi is the
    change of a rough hypergradient between x0 and a point a tenth away from it in each coordinate
    (root mean square), over their distance, but no less than what makes a step 1 / L_Phi at x0 move
    x by one in each coordinate. The factor mu / L keeps x slower than y follows, ``inner`` steps of
    y to a step of x. All of it is charged; of more than ROWS samples it takes so many. Where bounds
    of the curvature are known, steps shorten as ``Steps.follow`` says.

    Args:
        problem: with a strongly convex lower level.
        rng: draws the samples and a direction.
        step: of y, in units of 1 / L.
        outer_ratio: that of y over that of x, each in its unit.
        scaled: False for ``step`` and ``step / outer_ratio`` as they are, in the problem's units.
        inner: steps of y for each step of x.
        estimate: the hypergradient that the method itself would take.
    """
    if not scaled:
        return Steps(step, step / outer_ratio)
    x, y = problem.start()
    rows = {level: _some(problem, level, rng) for level in ("lower", "upper")}
    smallest, largest = _extremes(problem, x, y, rows["lower"], rng)
    probe = Probe(problem, rows["lower"], rows["upper"], smallest, largest)
    slope = estimate(probe, x)
    size, root = float(slope.norm()), math.sqrt(len(x))
    bend = size / root
    moved = problem.project_x(x - slope * (0.1 * root / size)) if size else x
    if (distance := float((moved - x).norm())) > 0.0:
        bend = max(bend, float((estimate(probe, moved) - slope).norm()) / distance)
    pace = min(1.0, inner * smallest / largest) / (bend or 1.0)
    return Steps(step / largest, step / outer_ratio * pace, problem, largest)


def _some(problem: BilevelProblem, level: Level, rng: np.random.Generator) -> Tensor:
    return next(problem.batches(level, ROWS, rng))


def _extremes(
    problem: BilevelProblem, x: Tensor, y: Tensor, rows: Tensor, rng: np.random.Generator
) -> tuple[float, float]:
    """Return positive estimates of the smallest and largest eigenvalue of d2f/dy2 at (x, y).

    They are Ritz values of a Krylov space, so within the spectrum, from differences of gradients.
    """
    length = DIFFERENCE * (1.0 + float(y.norm()))
    slope = problem.lower_gradient_y(x, y, rows)
    start = torch.from_numpy(rng.standard_normal(len(y))).to(y.device)
    basis = [start / start.norm()]
    products: list[Tensor] = []
    for _ in range(min(DIRECTIONS, len(y))):
        ahead = problem.lower_gradient_y(x, y + length * basis[-1], rows)
        products.append((ahead - slope) / length)
        rest = products[-1]
        for _ in range(2):
            for known in basis:
                rest = rest - (known @ rest) * known
        if not float(rest.norm()) > 1e-6 * float(products[-1].norm()):
            break
        basis.append(rest / rest.norm())
    Q, P = torch.stack(basis[: len(products)]), torch.stack(products)
    inside = Q @ P.T
    if not bool(inside.isfinite().all()):
        return 1.0, 1.0
    values = torch.linalg.eigvalsh(0.5 * (inside + inside.T))
    largest = float(values[-1])
    if not largest > 0.0:
        return 1.0, 1.0
    return max(float(values[0]), 1e-6 * largest), largest
