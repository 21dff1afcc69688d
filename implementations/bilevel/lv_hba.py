"""LV-HBA: single-loop, Hessian-free, for a convex and constrained lower level."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import PROXIMAL_LAGRANGIAN
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2401.16164",
    tune={
        "step": (0.02, 0.4, "log"),
        "ratio": (0.1, 2.0, "log"),
        "gamma": (1.0, 100.0, "log"),
        "c": (1.0, 100.0, "log"),
        "p": (0.1, 0.49, "linear"),
    },
    requires=PROXIMAL_LAGRANGIAN,
    devices=("cpu", "cuda"),
)
def lv_hba(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.4,
    ratio: float = 1.0,
    gamma: float = 10.0,
    gamma_dual: float = 1.0,
    c: float = 10.0,
    p: float = 0.45,
    radius: float = 1000.0,
) -> Iterator[Answer]:
    """Proximal Lagrangian value-function method: one projected step of every variable a round.

    The lower level is replaced by f(x, y) <= v(x, y, z), where v is the saddle value of f's
    Lagrangian with proximal terms; see ``_lv_hba.step``. It is the method of the paper, with other
    units for constraints: linear equations are combined so that their derivatives in y are
    orthonormal (one g_product each at the start; on ``llsc`` their singular values differ by
    hundreds, and multipliers that lag keep x where it is), and inequalities are divided by the norm
    of theirs, found by the power method. Steps are in units of the largest curvature M of f, of
    F / c, and 1: eta = beta = step / M, alpha = ratio eta. On g as it is, primal-dual steps must be
    below mu over that norm squared, which those of ``lv_hba_released``, from the authors' script,
    are not.

    The paper leaves every constant to the user. gamma = 10 and p below 1/2 are its own; c, p and
    the steps were chosen on ``llc`` with n = 10 and n = 100 and on ``llsc``, for what holds on all
    three: twice the default ratio diverges on ``llc``. The bias is of order 1 / c_k.

    Args:
        problem: a convex lower level with an exact joint projection.
        rng: draws directions of the power method.
        step: eta times M.
        ratio: alpha over eta.
        gamma: proximal parameter of theta.
        gamma_dual: proximal parameter of the multipliers.
        c: first penalty.
        p: its exponent, in [0, 1/2).
        radius: largest multiplier of the scaled constraints.
    """
    import torch

    from tiltyard.implementations.bilevel._lv_hba import Settings, State, run, whitening
    from tiltyard.implementations.bilevel._penalty import answer, bend, constraint_norm

    x, y = problem.start()
    yield answer(x, y)
    x, y = problem.project_joint(x, y)
    n, point = len(x), torch.cat((x, y))
    lower = bend(lambda u: torch.cat(problem.lower_gradients(u[:n], u[n:])), point, rng)
    upper = bend(lambda u: torch.cat(problem.upper_gradients(u[:n], u[n:])), point, rng)
    eta = step / max(1.0, lower, upper / c)
    count = int(problem.facts["equations"]) + int(problem.facts["inequalities"])
    lam = x.new_zeros(count)
    settings = Settings(
        alpha=ratio * eta,
        beta=eta,
        eta=eta,
        gamma1=gamma,
        gamma2=gamma_dual,
        c=c,
        p=p,
        radius=radius,
        scaling=whitening(problem, x, y, constraint_norm(problem, x, y, rng)),
    )
    yield from run(problem, State(x, y, y, lam, lam), settings)
