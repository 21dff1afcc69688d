"""Interval arithmetic of the Jacobian over interval bound propagation.

Intervals of the activations' inputs are propagated from the inputs to the outputs (interval bound
propagation: Gowal et al. 2018, arXiv:1810.12715), give intervals of the derivatives, and the
backward pass is computed with these.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._requirements import ELEMENTWISE
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:1810.12715",
    devices=("cpu", "cuda"),
    requires={"norm": ("linf", "l2", "partial"), **ELEMENTWISE},
)
def ibp_jacobian(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method draws nothing
    *,
    dtype: str = "float64",
) -> Iterator[Answer]:
    """Multiply intervals through the backward pass, from intervals of the forward pass.

    Args:
        problem: any network of linear, elementwise and residual layers.
        rng: unused.
        dtype: ``float64``, or ``float32``, whose bounds are widened by 1e-4.

    Yields:
        Bounds, as batches of regions are done.
    """
    from tiltyard.implementations.lipschitz._jacobian_norms import Recipe, jacobian_bounds

    yield from jacobian_bounds(problem, Recipe(crown=False), dtype)
