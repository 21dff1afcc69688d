"""ECLipsE-Fast: a Lipschitz bound in closed form, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._eclipse import after, constant, plain, silent, stages
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2404.04375",
    requires={"architecture": ("chain",), "norm": ("l2",), "region": ("global",)},
)
def eclipse_fast(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
) -> Iterator[Answer]:
    """Give each layer the one multiplier that keeps the most of the quadratic form behind it.

    Xu & Sivaranjani (2024), section 3.3. Where slopes exclude zero (leaky ReLU) we keep the
    product of the least and the largest, which the paper drops: the bound is smaller.

    Args:
        problem: a chain of linear layers and elementwise nonlinearities.
        rng: not used.

    Yields:
        ``upper``, (1,) float64, once.

    Raises:
        Unsupported: naming a nonlinearity that is not elementwise.
    """
    layers, last = stages(problem.chain)
    if silent(layers, last):
        yield {"upper": np.zeros(problem.shape)}
        return
    X = np.eye(problem.network.inputs)
    for layer in layers:
        found = after(X, layer, plain(X, layer))
        if found is None:
            return
        X = found
    yield {"upper": np.full(problem.shape, constant(X, last))}
