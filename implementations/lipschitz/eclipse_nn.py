"""Adapter of eclipse-nn: ECLipsE and ECLipsE-Fast, and their local form, by the authors.

Xu & Sivaranjani (2024), arXiv:2404.04375. In version 0.1.7 a local radius is one of a Euclidean
ball; copies before it multiply the radius by the square root of the number of inputs.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import Unsupported, implementation
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Array = NDArray[np.float64]

VERSION = "0.1.7"
SLOPES = {"relu": (0.0, 1.0), "tanh": (0.0, 1.0), "sigmoid": (0.0, 0.25), "softplus": (0.0, 1.0)}


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2404.04375",
    needs={"eclipse_nn": f"eclipse-nn=={VERSION}"},
    requires={
        "norm": ("l2",),
        "region": ("global", "ball"),
        "architecture": ("chain",),
        "activation": tuple(SLOPES),
    },
)
def eclipse_nn(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    local: str = "Fast",
) -> Iterator[dict[str, Array]]:
    """Run ECLipsE-Fast, then ECLipsE on R^n; on balls ECLipsE-Gen-Local.

    Args:
        problem: one of R^n or Euclidean balls.
        rng: not used.
        local: the algorithm for balls: ``Fast``, ``CF`` or ``Acc``.

    Yields:
        ``upper``, (k,) float64, after each algorithm and each ball.

    Raises:
        Unsupported: the version is another one.
    """
    estimator, kind = _estimator(problem)
    upper = np.full(problem.shape, np.inf)
    if problem.region == "global":
        for method in ("ECLipsE_Fast", "ECLipsE"):
            with contextlib.redirect_stdout(io.StringIO()):
                bound = estimator.estimate(method)
            upper[:] = np.fmin(upper, float(bound))
            yield {"upper": upper.copy()}
        return
    for i, center in enumerate(problem.centers):
        with contextlib.redirect_stdout(io.StringIO()):
            bound, _, code = estimator.estimate_gen_local(center, problem.radius, kind, local)
        if code == 0:
            upper[i] = bound
        yield {"upper": upper.copy()}


def _estimator(problem: LipschitzProblem) -> tuple[Any, str]:
    """Return the library's estimator of the chain, and the name of its activation."""
    from importlib.metadata import version

    import torch
    from eclipse_nn import LipConstEstimator

    if version("eclipse-nn") != VERSION:
        raise Unsupported(f"takes eclipse-nn {VERSION}; installed is {version('eclipse-nn')}")
    chain = problem.chain
    kind = problem.network.activation
    low, high = SLOPES[kind]
    estimator = LipConstEstimator(
        weights=[torch.tensor(W) for W in chain.weights],
        biases=[torch.tensor(b) for b in chain.biases],
        alphas=[low] * len(chain.activations),
        betas=[high] * len(chain.activations),
    )
    return estimator, kind
