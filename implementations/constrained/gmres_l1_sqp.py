"""Inexact SQP with GMRES and an l1 merit function (Byrd, Curtis and Nocedal 2008)."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.constrained._gmres_sqp import Gmres, Rules, inexact_sqp
from tiltyard.implementations.constrained._newton_lagrangian import Array, Point
from tiltyard.suites.constrained.problem import ConstrainedProblem


@implementation(
    suite="constrained",
    cites="doi:10.1137/060674004",
    tune={"kappa": (1e-3, 1e0, "log"), "kappa1": (1e-3, 1e0, "log"), "pi": (1e-1, 1e2, "log")},
    requires={"track": ("equality",), "hessian": (True,)},
)
def gmres_l1_sqp(
    problem: ConstrainedProblem,
    rng: np.random.Generator,
    *,
    pi: float = 1.0,
    kappa: float = 1.0,
    kappa1: float = 0.1,
    epsilon: float = 0.1,
    tau: float = 0.1,
    eta: float = 1e-8,
    xi_b: float = 0.1,
    released: bool = False,
    max_cycles: int = 100_000,
    max_iterations: int = 10_000,
    tolerance: float = 1e-10,
) -> Generator[dict[str, Array], None, str | None]:
    """Inexact SQP with GMRES and an l1 merit: the baseline of AdaSketch-Newton's paper.

    GMRES(2) runs until a step reduces the model of the merit f + pi |c|_1 (first test) or reduces
    infeasibility, whereupon pi grows (second test). Defaults are those of the scripts of
    arXiv:2305.18379.

    Args:
        problem: an equality-constrained problem with Hessian.
        rng: draws the first vector of Lanczos iterations, on sparse problems.
        pi: first penalty of |c|_1.
        kappa: first test: |r|_1 <= kappa |b|_1.
        kappa1: first test: |r_c|_1 <= max(kappa1 |grad f + J'y|_1, beta |c|_1), with beta the
            larger of 1 and |grad f + J'y|_1 / (|c|_1 + 1) at the start.
        epsilon: second test: |r_c|_1 <= epsilon |c|_1 and |r_x|_1 <= beta |c|_1.
        tau: share of infeasibility that the model loses.
        eta: Armijo's constant.
        xi_b: least curvature that a shift of the Hessian leaves.
        released: test as the released script does: its second test has the two parts interchanged,
            |r_x|_1 <= epsilon |c|_1 and |r_c|_1 <= beta |c|_1, and its first looks at one entry of
            r_c alone. This makes the method much slower; the authors' results have it.
        max_cycles: cap of GMRES(2) cycles a solve.
        max_iterations: cap of outer iterations.
        tolerance: two-norm of (grad f + J'y, c) to stop at. Published: 1e-4.
    """
    penalty, beta = pi, 0.0

    def inner(gmres: Gmres, point: Point) -> Generator[None, None, float]:
        from tiltyard.implementations.constrained._gmres_kernels import Tests

        nonlocal penalty, beta
        missed = _one(point.c)
        beta = beta or max(1.0, _one(point.slope) / (missed + 1.0))  # of the first point
        seconds = (epsilon * missed, beta * missed)
        tests = Tests(
            gradient=point.g,
            c=point.c,
            pi=penalty,
            sigma=tau * (1.0 - epsilon),
            residual=kappa * _one(gmres.system.b),
            primal=max(kappa1 * _one(point.slope), beta * missed),
            entries=1 if released else problem.m,
            second_dual=seconds[not released],
            second_primal=seconds[released],
            model=True,
        )
        yield from gmres.until(tests)
        lost, wanted = gmres.reduction(tests)
        if lost < wanted:
            gain = missed - _one(gmres.system.r[problem.n :])
            # What the model loses without its penalty, over what the penalty is a multiple of.
            needed = (penalty * gain - lost) / ((1.0 - tau) * gain) if gain else 0.0
            penalty = max(penalty, needed) + 1e-4
        return penalty

    rules = Rules(
        eta=eta,
        xi_b=xi_b,
        tolerance=tolerance,
        max_iterations=max_iterations,
        max_cycles=max_cycles,
    )
    return (yield from inexact_sqp(problem, rng, rules, inner))


def _one(v: Array) -> float:
    return float(np.abs(v).sum())
