"""Networks that sort or reflect, as a linear map and one-Lipschitz groups in feedback.

A sorted group keeps its sum and a Householder pair its part along the mirror; what is left is
w = s(t) with |dw| <= |dt|, t an orthonormal basis of the rest. Writing the kept part as linear in
the input eliminates the multipliers gamma, nu and tau of the quadratic constraints of Pauli et al.
(2024), arXiv:2401.14033: by Finsler's lemma what remains for lambda holds if and only if the whole
holds for some of them, T = lambda I, S = P = nu 11' with a large nu. The LMI shrinks by one
coordinate for every group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import Unsupported
from tiltyard.implementations.lipschitz._lipsdp_barrier import central_path
from tiltyard.implementations.lipschitz._lipsdp_certificate import certified, start
from tiltyard.implementations.lipschitz._lipsdp_lure import Lure, compressed
from tiltyard.suites.lipschitz.layers import Array, GroupSort, Householder
from tiltyard.suites.lipschitz.network import Chain, Nonlinear

LARGEST = 4500
"""Columns of the LMI: a step of the solver holds about ten matrices of that side."""

SLACK = 1.05
"""By how much the first multipliers exceed what they need."""


@dataclass(frozen=True, eq=False)
class Feedback:
    """One nonlinearity z = keep v + made y of v, where y_j = s_j (take v)_j.

    Attributes:
        take: (k, n).
        keep: (n, n).
        made: (n, k).
        low: least slope of every s_j; the largest is 1.
        group: (k,) neurons of a group share a multiplier: their slopes are one matrix.
    """

    take: Array
    keep: Array
    made: Array
    low: float
    group: NDArray[np.intp]


def sorting(layer: Nonlinear, size: int) -> Feedback:
    """Return the one-Lipschitz feedback of a sorting or reflecting layer.

    Raises:
        Unsupported: for any other layer.
    """
    from scipy.linalg import block_diag, helmert

    if isinstance(layer, GroupSort):
        groups = size // layer.group
        take: Array = np.kron(np.eye(groups), helmert(layer.group)).astype(np.float64)
        group = np.repeat(np.arange(groups), layer.group - 1)
    elif isinstance(layer, Householder):
        take = np.asarray(block_diag(*layer.vectors[:, None, :]))
        group = np.arange(len(take))
    else:
        raise Unsupported(f"takes sorting and reflecting layers, not {layer.kind}")
    return Feedback(take, np.eye(size) - take.T @ take, take.T, -1.0, group)


def residual_relu(layer: Nonlinear, size: int) -> Feedback:
    """Return MaxMin by two ReLUs a pair, each with a multiplier of its own.

    (min, max) = (b - relu(b - a), b + relu(a - b)) for a pair (a, b).

    Raises:
        Unsupported: for any other layer.
    """
    if not (isinstance(layer, GroupSort) and layer.group == 2):
        raise Unsupported("the rewriting by ReLUs takes MaxMin layers alone")

    def pairs(block: list[list[float]]) -> Array:
        return np.kron(np.eye(size // 2), block).astype(np.float64)

    return Feedback(
        take=pairs([[-1.0, 1.0], [1.0, -1.0]]),
        keep=pairs([[0.0, 1.0], [0.0, 1.0]]),
        made=pairs([[-1.0, 0.0], [0.0, 1.0]]),
        low=0.0,
        group=np.arange(size),
    )


class _Trace:
    """Follows differences through a chain as rows over z = (x, y)."""

    def __init__(self, inputs: int) -> None:
        self.total = inputs
        self.groups = 0
        self.rows: list[Array] = []
        self.low: list[Array] = []
        self.group: list[NDArray[np.intp]] = []

    def neurons(self, rows: Array, feedback: Feedback) -> Array:
        """Return the rows behind a nonlinearity."""
        count = len(feedback.take)
        self.rows.append(feedback.take @ rows)
        self.low.append(np.full(count, feedback.low))
        self.group.append(self.groups + feedback.group)
        self.groups += int(feedback.group.max(initial=-1)) + 1
        made = np.zeros((len(feedback.keep), self.total + count))
        made[:, : self.total] = feedback.keep @ rows
        made[:, self.total :] += feedback.made
        self.total += count
        return made


@dataclass(frozen=True, eq=False)
class Program:
    """One semidefinite program.

    Attributes:
        form: of n neurons.
        basis: (n, k) of zeros and ones: which neurons share a multiplier.
        first: (n,) feasible multipliers, one for each layer.
    """

    form: Lure
    basis: Array
    first: Array


def programs(
    chain: Chain, norm: str, feedback: Callable[[Nonlinear, int], Feedback]
) -> list[Program]:
    """Return the programs whose largest constant is the network's; none where that is zero.

    One for ``l2``, one for every output for ``linf``. There the input is x_i = s_i x_0 of a scalar
    x_0 with slopes s_i in [-1, 1]: then |dx|_inf <= |dx_0|, and the multipliers q_i of these
    neurons are the diagonal whose sum theorem 2 of Pauli et al. (2024) minimises.

    Args:
        chain: of sorting layers.
        norm: ``l2`` or ``linf``.
        feedback: what replaces a nonlinearity of a size.

    Raises:
        Unsupported: the LMI would have more than ``LARGEST`` columns.
    """
    if not all(weight.any() for weight in chain.weights):
        return []
    n = chain.weights[0].shape[1]
    if norm == "linf":
        trace, current = _Trace(1), np.ones((1, 1))
        spread = Feedback(np.ones((n, 1)), np.zeros((n, 1)), np.eye(n), -1.0, np.arange(n))
        current = trace.neurons(current, spread)
    else:
        trace, current = _Trace(n), np.eye(n)
    unit, sizes = 1.0, []
    for weight, layer in zip(chain.weights[:-1], chain.activations, strict=True):
        power = _power(_size(weight))
        unit *= power
        sizes.append(_size(weight) / power)
        current = trace.neurons(weight / power @ current, feedback(layer, len(weight)))
    if trace.total > LARGEST:
        raise Unsupported(f"takes LMIs of order {LARGEST}; this network's is {trace.total}")
    last = chain.weights[-1]
    form, basis = _assembled(trace)
    rows = [last] if norm == "l2" else list(last[:, None, :])
    return [_program(form, basis, row @ current, unit, [*sizes, _size(row)]) for row in rows]


def _size(weight: Array) -> float:
    return float(np.linalg.norm(weight, 2))


def _power(size: float) -> float:
    """Return the power of two near a size: to divide by it rounds nothing."""
    return float(2.0 ** np.round(np.log2(size))) if size > 0.0 else 1.0


def _assembled(trace: _Trace) -> tuple[Lure, Array]:
    """Return the form without outputs, and which of its neurons share a multiplier."""
    inputs = trace.total - sum(len(rows) for rows in trace.rows)
    A = np.zeros((trace.total - inputs, trace.total))
    at = 0
    for rows in trace.rows:
        A[at : at + len(rows), : rows.shape[1]] = rows
        at += len(rows)
    form = Lure(
        A=A,
        C=np.empty((0, trace.total)),
        low=np.concatenate([np.empty(0), *trace.low]),
        high=np.ones(len(A)),
        layer=np.repeat(np.arange(len(trace.rows)), [len(rows) for rows in trace.rows]),
        inputs=inputs,
    )
    group = np.concatenate([np.empty(0, dtype=np.intp), *trace.group])
    return form, np.asarray(group[:, None] == np.arange(trace.groups), dtype=np.float64)


def _program(form: Lure, basis: Array, outputs: Array, unit: float, sizes: list[float]) -> Program:
    power = _power(sizes[-1])
    form = replace(form, C=outputs / power, unit=unit * power)
    one = len(form.A) == 0 or form.low.max() < 0.0
    sizes = [*sizes[:-1], sizes[-1] / power]
    return Program(form, basis, _first(form, sizes) if one else start(compressed(form)))


def _first(form: Lure, sizes: list[float]) -> Array:
    """Return strictly feasible multipliers of one-Lipschitz layers.

    For a layer z = keep v + made y with t = take v it holds that |z|^2 = |v|^2 - |t|^2 + |y|^2:
    what later layers ask of z, at most s^2 |z|^2, they ask of v once s^2 (|t|^2 - |y|^2) is added.
    """
    t = np.empty(len(form.A))
    asked = 1.0
    for index in reversed(range(int(form.layer.max(initial=-1)) + 1)):
        asked *= SLACK * sizes.pop() ** 2
        t[form.layer == index] = SLACK * asked
    return t


def bounds(programs: list[Program], tolerance: float) -> Iterator[float]:
    """Yield better and better bounds on the largest constant, always working on the worst program.

    Args:
        programs: of ``programs``.
        tolerance: the relative distance from the optimum at which to leave one.
    """
    if not programs:
        yield 0.0
        return
    paths = [_path(program, tolerance) for program in programs]
    best = [next(path) for path in paths]
    yield max(best)
    while True:
        worst = int(np.argmax(best))
        found = next(paths[worst], None)
        if found is None:
            return
        if found < best[worst]:
            best[worst] = found
            yield max(best)


def _path(program: Program, tolerance: float) -> Iterator[float]:
    """Yield certified constants of one program, the first by its feasible multipliers."""
    form, basis = program.form, program.basis
    yield certified(form, program.first)
    if form.C.any() and len(form.A):
        theta = (basis.T @ program.first) / basis.sum(axis=0)
        for t in central_path(compressed(form), basis, theta, tolerance):
            yield certified(form, t)
