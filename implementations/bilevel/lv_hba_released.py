"""LV-HBA with the constants of its authors' script, which diverge on the toy they are for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.bilevel._traits import PROXIMAL_LAGRANGIAN
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:2401.16164",
    requires=PROXIMAL_LAGRANGIAN,
    devices=("cpu", "cuda"),
)
def lv_hba_released(
    problem: BilevelProblem,
    rng: np.random.Generator,  # noqa: ARG001 - part of the contract
    *,
    alpha: float = 0.008,
    beta: float = 0.02,
    eta: float = 0.01,
    gamma: float = 10.0,
    c: float = 0.025,
    p: float = 0.3,
) -> Iterator[Answer]:
    """LV-HBA with the constants of the authors' script for ``llc``, on unscaled constraints.

    alpha = 0.008, beta = 0.02, eta = 0.01, gamma1 = gamma2 = 10, c_k = 0.025 (k + 1)^0.3,
    multipliers within 1000, theta = 1, lambda = 1 and z = -1 at first. The iteration is the
    paper's, with the projections that the script leaves out. On ``llc`` with n = 100 the norm of
    dg/dy is 14, and x ends further from the optimum than it began.

    Args:
        problem: a convex lower level with an exact joint projection.
        rng: unused: the method is deterministic.
        alpha: step of (x, y).
        beta: step of z.
        eta: step of theta and lambda.
        gamma: both proximal parameters.
        c: first penalty.
        p: its exponent.
    """
    import torch

    from tiltyard.implementations.bilevel._lv_hba import Scaling, Settings, State, run, within
    from tiltyard.implementations.bilevel._penalty import answer

    x, y = problem.start()
    yield answer(x, y)
    x, y = problem.project_joint(x, y)
    equations, radius = int(problem.facts["equations"]), 1000.0
    lam = x.new_ones(equations + int(problem.facts["inequalities"]))
    settings = Settings(
        alpha=alpha,
        beta=beta,
        eta=eta,
        gamma1=gamma,
        gamma2=gamma,
        c=c,
        p=p,
        radius=radius,
        scaling=Scaling(),
    )
    theta, z = problem.project_y(torch.ones_like(y)), within(-lam, equations, radius)
    yield from run(problem, State(x, y, theta, lam, z), settings)
