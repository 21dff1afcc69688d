"""Composition of weight norms over a transformer (Newhouse et al. 2025)."""

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
def weight_norm_composition(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
) -> Iterator[Answer]:
    """Multiply the layers' bounds, while the length of tokens is bounded beside them.

    The paper's bounds: linear layers by their norms between root mean squares, residual connections
    by the weighted sum, attention by the norms of query, key and value and the tokens' length.

    Args:
        problem: a network on tokens of bounded root mean square.
        rng: unused; nothing here is random.
    """
    from tiltyard.implementations.lipschitz._token_norms import Reach, TokenNorms

    norms = TokenNorms(problem.tokens, merged=False)
    found = norms.of(problem.network.layers, Reach(1.0, problem.radius))
    yield {"upper": np.array([found.stretch])}
