"""MAID: adaptively inexact first-order method for bilevel optimisation."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import STRONGLY_CONVEX

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2308.10098",
    tune={"accuracy": (1e-4, 1.0, "log"), "step": (1e-4, 1e2, "log"), "tighten": (0.1, 0.25, 0.5)},
    requires={**STRONGLY_CONVEX, "curvature": (True,)},
    devices=("cpu", "cuda"),
)
def maid(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    adaptive: bool = True,
    accuracy: float = 0.1,
    step: float = 0.01,
    backtracks: int = 10,
    shrink: float = 0.5,
    grow: float = 10.0 / 9.0,
    tighten: float = 0.5,
    loosen: float = 1.05,
    decrease: float = 1e-4,
    cap: int = 2000,
) -> Generator[Answer, None, str]:
    """Descend along hypergradients of proven accuracy, with a line search on bounds of Phi.

    FISTA solves the lower level until |f_y| / mu <= eps proves |y - y*(x)| <= eps, CG the adjoint
    to a residual of delta. A bound omega of the hypergradient's error follows (see
    ``_certified.error_bound``), and omega <= (1 - decrease) |z| makes -z a descent direction; else
    eps and delta shrink by ``tighten``. Backtracking takes the first step a whose upper bound of
    Phi is below the lower bound at x by ``decrease`` * a |z|^2. If none of the ``backtracks`` is
    taken, accuracies tighten and there is one trial more; if one is, it grows by ``grow`` for the
    next x, and accuracies by ``loosen``. Failed trials cost what they cost.

    Defaults are those of the authors' experiments. mu and L are the problem's own. The constants
    of J, H^-1 and F_y in the bound are estimates by probes, as in the authors' script, and so the
    bound is one only where they are exact. Ours: eps is the proven distance where FISTA ends, not
    the asked one; |z| is that of the projected step over its length, for X; and where a decrease
    is below what rounding leaves of F, hypergradients at both ends, their bounds included, tell it
    instead of values. Without ``adaptive`` eps and delta stay as they are, there is no test of
    omega, and the first failed line search ends the run.

    Args:
        problem: strongly convex lower level of stated curvature, without constraints.
        rng: unused, the method is deterministic.
        adaptive: whether accuracies change.
        accuracy: eps and delta at the start.
        step: the first step tried.
        backtracks: trials of the first line search.
        shrink: factor from trial to trial.
        grow: factor of a step that was taken.
        tighten: factor of the accuracies where they do not suffice.
        loosen: factor of the accuracies after a step.
        decrease: eta, share of the decrease that the slope promises.
        cap: of lower-level iterations and of CG iterations a call.
    """
    del rng
    from tiltyard.implementations.bilevel._certified import Certified
    from tiltyard.implementations.bilevel._maid import LineSearch, stationary, steepness

    x, y = problem.start()
    yield {"x": x, "y": y}
    certified, eps = Certified(problem, cap), accuracy
    search = LineSearch(problem, certified, shrink=shrink, decrease=decrease)
    point, failed = certified.point(x, y, eps), 0
    while True:
        certified.differentiate(point, eps)
        while adaptive and not point.omega <= (1.0 - decrease) * steepness(problem, point, step):
            if stationary(point, eps):
                return f"accuracy {eps:.1e} is the limit of float64 at a hypergradient of no size"
            eps *= tighten
            point = certified.refine(point, eps)
            certified.differentiate(point, eps)
        found = search(point, step, backtracks + failed, eps)
        if found is None:
            if not adaptive or stationary(point, eps):
                return f"no sufficient decrease from step {step:.1e} at accuracy {eps:.1e}"
            eps, failed = eps * tighten, failed + 1
            point = certified.refine(point, eps)
            continue
        (point, taken), failed = found, 0
        step = taken * grow
        if adaptive:
            eps *= loosen
        yield {"x": point.x, "y": point.y}
