"""Gradient approximation for a constrained lower level (Xu & Zhu 2023)."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import OPTIMISE
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2302.01970",
    tune={"radius": (1e-4, 1e-1, "log"), "shrink": (0.1, 0.3, 0.5), "tolerance": (1e-8, 1e-5)},
    requires={
        **OPTIMISE,
        "lower_convexity": ("strong", "convex"),
        "lower_unique": (True,),
        "constraints": ("none", "linear"),
        "upper_constraints": (0,),
    },
    devices=("cpu", "cuda"),
)
def gam(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    radius: float = 1e-3,
    shrink: float = 0.5,
    tolerance: float = 1e-8,
) -> Generator[Answer, None, str]:
    """Descend along the shortest of the gradients that nearby active sets of the lower level have.

    At each x the lower level is solved; its constraints are active for sure, inactive, or undecided
    within a radius eps. Each choice among the undecided gives, by differentiating the KKT system, a
    representative gradient of Phi(x) = F(x, y*(x)), which has no gradient where the active set
    changes. The direction d is the least-norm element of their convex hull. Backtracking ends at
    Phi(x - t d) <= Phi(x) - 1e-4 t |d|^2; where |d| is below nu or no step does, eps and nu shrink.

    Of the paper its first pages were at hand; the scheme follows its description there, constants
    are ours. Undecided are the constraints with a value above -eps and a multiplier below eps
    (relative to the largest), not those of a ball of x, whose Lipschitz constants no problem tells.
    It returns once eps is below 1e-12. The curvature of g would enter where g is not linear.

    Args:
        problem: a convex lower level with one solution and linear constraints.
        rng: unused by convex lower levels.
        radius: the first eps, and nu.
        shrink: their factor.
        tolerance: of the lower level's solutions.
    """
    from tiltyard.implementations.bilevel import _active_set as sets
    from tiltyard.implementations.bilevel._lower_solver import LowerSolver
    from tiltyard.implementations.bilevel._penalty import answer

    x, y = problem.start()
    yield answer(x, y)
    solver = LowerSolver(problem, rng, tolerance=tolerance)
    y = solver.solve(x).y
    value, length = problem.upper(x, y), 0.0
    while radius > 1e-12:
        yield answer(x, y)
        rows, slope = sets.rows_at(problem, x, y), problem.lower_gradient_y(x, y)
        sure, maybe = sets.undecided(rows, slope, radius)
        found = [
            sets.gradient(problem, (x, y), rows, sorted(sure + some))
            for some in sets.subsets(maybe)
        ]
        direction = sets.shortest(found)
        size = float(direction.norm())
        if not size < float("inf"):
            return "the active constraints' system is singular"
        length = 2.0 * length or 1.0 / max(size, 1e-12)
        best = None
        while size > radius and length * size > 1e-14:
            trial = problem.project_x(x - length * direction)
            end = solver.solve(trial)
            new = problem.upper(trial, end.y) if end.value < float("inf") else float("inf")
            if new <= value - 1e-4 * float((trial - x) @ (trial - x)) / length:
                best = trial, end.y, new
                break
            length *= 0.5
        if best is None:
            radius, length = shrink * radius, 0.0
        else:
            x, y, value = best
    return "no representative gradient is left"
