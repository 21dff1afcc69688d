"""Fast-Lip: interval arithmetic of the Jacobian over linear bounds of the activations' inputs.

Weng, Zhang, Chen, Song, Hsieh, Boning, Dhillon & Daniel (2018), arXiv:1804.09699: derivatives are
known where linear bounds settle a neuron's sign, else they lie in an interval, and bounds of the
Jacobian's entries are products of these. Activations' inputs are bounded by CROWN, intersected
with intervals; the product is taken from the outputs to the inputs.
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
    cites="arXiv:1804.09699",
    devices=("cpu", "cuda"),
    requires={"norm": ("linf", "l2", "partial"), **ELEMENTWISE},
)
def fast_lip(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method draws nothing
    *,
    dtype: str = "float64",
) -> Iterator[Answer]:
    """Multiply intervals through the backward pass, from linear bounds of the forward pass.

    Args:
        problem: any network of linear, elementwise and residual layers.
        rng: unused.
        dtype: ``float64``, or ``float32``, whose bounds are widened by 1e-4.

    Yields:
        Bounds, as batches of regions are done.
    """
    from tiltyard.implementations.lipschitz._jacobian_norms import Recipe, jacobian_bounds

    yield from jacobian_bounds(problem, Recipe(crown=True), dtype)
