"""Optuna's tree-structured Parzen estimator over x (Optuna: MIT).

Bergstra, Bardenet, Bengio and Kegl (2011), Algorithms for hyper-parameter optimization, NeurIPS;
Akiba et al. (2019), Optuna.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.errors import Unsupported
from tiltyard.implementations.bilevel._traits import OPTIMISE
from tiltyard.suites.bilevel.problem import Answer, BilevelProblem

MOST = 50
"""Variables: beyond, the densities that it fits, one for each, say little."""


@implementation(
    suite="bilevel",
    cites="doi:10.1145/3292500.3330701",
    tune={"radius": (0.1, 100.0, "log"), "startup": (5, 10, 20, 40)},
    needs={"optuna": "tiltyard[optuna]"},
    devices=("cpu", "cuda"),
    requires=OPTIMISE,
)
def optuna_tpe(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    tolerance: float = 1e-8,
    radius: float = 10.0,
    startup: int = 10,
) -> Iterator[Answer]:
    """Let Optuna's TPE sampler choose x, and solve the lower level there.

    The start is its first trial. Upper-level constraints are given to the sampler as such; a point
    without a lower-level solution is a failed trial. The rest is Optuna's default.

    Args:
        problem: of up to 50 upper-level variables, of any track but ``hypergradient``.
        rng: seeds the sampler, and draws starts of lower levels that are not convex.
        tolerance: the lower level's projected gradient, relative to that at its start.
        radius: the box reaches this far from the start where X has no bound.
        startup: random trials before the first that is chosen.
    """
    import optuna

    from tiltyard.implementations.bilevel._search import Search

    if problem.dim_x > MOST:
        raise Unsupported(f"needs dim_x <= {MOST}; this problem has {problem.dim_x}")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    constrained = int(problem.facts["upper_constraints"]) > 0
    sampler = optuna.samplers.TPESampler(seed=int(rng.integers(2**31)), n_startup_trials=startup)
    study = optuna.create_study(sampler=sampler)
    search = Search(problem, rng, tolerance=tolerance, radius=radius)
    box: dict[str, optuna.distributions.BaseDistribution] = {
        f"x{i}": optuna.distributions.FloatDistribution(float(low), float(high))
        for i, (low, high) in enumerate(zip(search.low, search.high, strict=True))
    }
    study.enqueue_trial(dict(zip(box, search.start.tolist(), strict=True)))
    while True:
        yield search.answer
        trial = study.ask(box)
        found = search.look(np.array([trial.params[key] for key in box]))
        if math.isfinite(found.value):
            if constrained:
                trial.set_constraint("upper", found.rank[0])
            study.tell(trial, found.value)
        else:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
