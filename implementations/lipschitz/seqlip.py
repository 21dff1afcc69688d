"""SeqLip: the product of norms, but each activation with the slopes that are worst for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._eclipse import Stage, stages
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="estimate",
    cites="arXiv:1805.10965",
    requires={"architecture": ("chain",), "norm": ("l2",), "region": ("global",)},
)
def seqlip(
    problem: LipschitzProblem,
    rng: np.random.Generator,
    *,
    starts: int = 50,
    exact: int = 10,
) -> Iterator[Answer]:
    """Multiply the largest norms of S_i+1 V_i+1' diag(s) U_i S_i over slopes s.

    Scaman & Virmaux (2018), section 5: with W_i = U_i S_i V_i' a singular value is shared between
    the two activations it lies between, by its root. The exact maximum would be a bound; over many
    neurons it is searched for from random starts, so that this is an estimate, from below the
    bound.

    Args:
        problem: a chain of linear layers and elementwise nonlinearities.
        rng: draws the starts.
        starts: of each search.
        exact: up to so many neurons all slopes are tried.

    Yields:
        ``estimate``, (1,) float64, larger and larger.

    Raises:
        Unsupported: naming a nonlinearity that is not elementwise.
    """
    layers, last = stages(problem.chain)
    if not layers:
        yield {"estimate": np.full(problem.shape, np.linalg.norm(last, 2))}
        return
    pairs = _pairs([*(layer.weight for layer in layers), last])
    ends = list(zip(pairs, layers, strict=True))
    best = [_enumerated(*pair, layer) if len(pair[1]) <= exact else 0.0 for pair, layer in ends]
    for turn in range(starts):
        for index, ((left, right), layer) in enumerate(ends):
            if len(right) > exact:
                ones = turn == 0
                first = np.ones(len(right)) if ones else rng.uniform(size=len(right))
                best[index] = max(best[index], _climbed(left, right, layer, first))
        yield {"estimate": np.full(problem.shape, np.prod(best))}
        if max(len(right) for _, right in pairs) <= exact:
            return


def _pairs(weights: list[Array]) -> list[tuple[Array, Array]]:
    """Return, for each activation, S V' of the weight behind it and U S of the one before it."""
    decomposed = [np.linalg.svd(weight, full_matrices=False) for weight in weights]
    final = len(weights) - 1

    def shared(index: int, values: Array) -> Array:
        return values if index in (0, final) else np.sqrt(values)

    return [
        (
            shared(i + 1, decomposed[i + 1][1])[:, None] * decomposed[i + 1][2],
            decomposed[i][0] * shared(i, decomposed[i][1]),
        )
        for i in range(final)
    ]


def _enumerated(left: Array, right: Array, layer: Stage) -> float:
    n = len(right)
    choices = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    slopes = np.where(choices, layer.high, layer.low)
    return float(np.linalg.norm(np.einsum("pn,kn,nq->kpq", left, slopes, right), 2, (1, 2)).max())


def _climbed(left: Array, right: Array, layer: Stage, first: Array) -> float:
    """Return a local maximum of |left diag(s) right|, by the best s for u and v in turn."""
    slopes, value = layer.low + (layer.high - layer.low) * first, -np.inf
    while True:
        u, values, v = np.linalg.svd((left * slopes) @ right, full_matrices=False)
        if values[0] <= value * (1.0 + 1e-12):
            return float(values[0])
        value = float(values[0])
        slopes = np.where((u[:, 0] @ left) * (right @ v[0]) > 0.0, layer.high, layer.low)
