"""Composition of weight norms that bounds products of matrices as one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2507.13338",
    requires={"norm": ("max-rms",), "region": ("tokens",)},
)
def merged_norm_composition(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
) -> Iterator[Answer]:
    """Compose bounds as weight_norm_composition does, with an attention's matrices in pairs.

    Scores are bounded by the norm of query' key, what heads carry by that of output value: never
    larger than the products of four norms.

    Args:
        problem: a network on tokens of bounded root mean square.
        rng: unused; nothing here is random.
    """
    from tiltyard.implementations.lipschitz._token_norms import Reach, TokenNorms

    norms = TokenNorms(problem.tokens, merged=True)
    found = norms.of(problem.network.layers, Reach(1.0, problem.radius))
    yield {"upper": np.array([found.stretch])}
