"""ECLipsE: a Lipschitz bound by one small semidefinite program for each layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.lipschitz._eclipse import (
    Stage,
    after,
    constant,
    plain,
    silent,
    stages,
)
from tiltyard.implementations.lipschitz._lipsdp_barrier import central_path
from tiltyard.implementations.lipschitz._lipsdp_certificate import certified
from tiltyard.implementations.lipschitz._lipsdp_lure import Lure, compressed
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem


@implementation(
    suite="lipschitz",
    kind="certified",
    cites="arXiv:2404.04375",
    requires={"architecture": ("chain",), "norm": ("l2",), "region": ("global",)},
)
def eclipse(
    problem: LipschitzProblem,
    rng: np.random.Generator,  # noqa: ARG001 - the method is deterministic
    *,
    tolerance: float = 1e-8,
) -> Iterator[Answer]:
    """Choose each layer's multipliers so that the next weight loses the most it can.

    Xu & Sivaranjani (2024), section 3.2: max c such that X_next >= c V' V, V the next weight. With
    x measured by X that is LipSDP of a network of one hidden layer, x -> V s(W x), and c the
    inverse square of its constant. A layer whose program ends badly gets ECLipsE-Fast's multiplier.

    Args:
        problem: a chain of linear layers and elementwise nonlinearities.
        rng: not used.
        tolerance: relative distance from each program's optimum at which to end.

    Yields:
        ``upper``, (1,) float64: the least that ECLipsE-Fast gave behind the layers so far, at each
        step of a program.

    Raises:
        Unsupported: naming a nonlinearity that is not elementwise.
    """
    layers, last = stages(problem.chain)
    if silent(layers, last):
        yield {"upper": np.zeros(problem.shape)}
        return
    X: Array = np.eye(problem.network.inputs)
    best = _finished(X, layers, last)
    yield {"upper": np.full(problem.shape, best)}
    for index, layer in enumerate(layers):
        following = layers[index + 1].weight if index + 1 < len(layers) else last
        t = plain(X, layer)
        for better in _multipliers(X, layer, following, tolerance):
            t = better
            yield {"upper": np.full(problem.shape, best)}
        found = after(X, layer, t)
        if found is None:
            found = after(X, layer, plain(X, layer))
        if found is None:
            return
        X = found
        best = min(best, _finished(X, layers[index + 1 :], last))
        yield {"upper": np.full(problem.shape, best)}


def _finished(X: Array | None, layers: list[Stage], last: Array) -> float:
    """Return the constant with one multiplier for each of the layers that follow."""
    for layer in layers:
        X = None if X is None else after(X, layer, plain(X, layer))
    return np.inf if X is None else constant(X, last)


def _multipliers(X: Array, layer: Stage, following: Array, tolerance: float) -> Iterator[Array]:
    """Yield better and better multipliers of a layer's program, (n,)."""
    from scipy.linalg import solve_triangular

    lower = np.linalg.cholesky(X)
    rows = solve_triangular(lower, layer.weight.T, lower=True).T
    n, k = rows.shape
    # Inputs and outputs of the program are of size one.
    size, gain = float(np.linalg.norm(rows, 2)), float(np.linalg.norm(following, 2))
    form = Lure(
        A=np.hstack([rows / size, np.zeros((n, n))]),
        C=np.hstack([np.zeros((len(following), k)), following / gain]),
        low=np.full(n, layer.low),
        high=np.full(n, layer.high),
        layer=np.zeros(n, dtype=np.intp),
        inputs=k,
    )
    for t in central_path(compressed(form), np.eye(n), _feasible(layer, n), tolerance):
        yield t / (certified(form, t) * size) ** 2


def _feasible(layer: Stage, n: int) -> Array:
    """Return feasible multipliers, (n,), of a program whose weights are of norm one.

    ECLipsE-Fast's with a rho of (m + r)^2, and a little more.
    """
    return np.full(n, 1.05 * (abs(layer.middle) + layer.reach) / layer.reach)
