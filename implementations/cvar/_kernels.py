"""Compiled inner loops of the cvar suite's stochastic methods.

Every loop keeps one contract: it reads scenarios through ``Rows``, visits the rows that the caller
drew, in order, and updates a ``Point`` in place.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tiltyard.implementations.cvar._state import (
    Array,
    Descent,
    Model,
    Picks,
    Point,
    Reference,
    Rows,
    SetPlayer,
)


@njit(cache=True, error_model="numpy")
def loss_and_slope(loss: int, z: float, y: float, over: float, under: float) -> tuple[float, float]:
    """Return one scenario's loss at the product z = a . w, and its derivative in z."""
    if loss == 0:
        return abs(z - y), float(np.sign(z - y))
    if loss == 1:
        return 0.5 * (z - y) ** 2, z - y
    if loss == 2:
        e = math.exp(-abs(y * z))
        slope = e / (1.0 + e) if y * z > 0.0 else 1.0 / (1.0 + e)
        return max(-y * z, 0.0) + math.log1p(e), -y * slope
    if loss == 3:
        return z, 1.0
    if z == y:
        return 0.0, 0.0
    return (over * (z - y), over) if z > y else (under * (y - z), -under)


# Reassociation lets the compiler vectorise the sum; NaN and infinity keep their meaning.
@njit(cache=True, fastmath={"reassoc", "contract"})
def _dot(A: Array, i: int, w: Array) -> float:
    total = 0.0
    for j in range(w.size):
        total += A[i, j] * w[j]
    return total


@njit(cache=True, fastmath={"reassoc", "contract"})
def _squared_norm(A: Array, i: int) -> float:
    total = 0.0
    for j in range(A.shape[1]):
        total += A[i, j] * A[i, j]
    return total


@njit(cache=True, error_model="numpy")
def project_simplex(w: Array) -> None:
    """Replace w, float64 (d,), by its Euclidean projection onto {w >= 0, sum w = 1}.

    Exact in finitely many passes: Michelot (1986), doi:10.1007/BF00938486.
    """
    # Relative to the largest entry nothing cancels: it is 0 and always above the threshold.
    largest = w.max()
    threshold = -np.inf
    count = w.size + 1
    while True:
        total, active = 0.0, 0
        for value in w:
            if value - largest > threshold:
                total += value - largest
                active += 1
        # Each pass drops entries; rounding may bring one back, and NaN leaves none.
        if active == 0 or active >= count:
            break
        count = active
        threshold = (total - 1.0) / active
    for j in range(w.size):
        w[j] = max(w[j] - largest - threshold, 0.0)


@njit(cache=True)
def _average(point: Point) -> None:
    w, mean, state = point
    state[2] += 1.0
    weight = 4.0 / (state[2] + 3.0)
    for j in range(w.size):
        mean[j] += weight * (w[j] - mean[j])
    state[1] += weight * (state[0] - state[1])


@njit(cache=True, error_model="numpy")
def prox_linear_eta(
    gap: float, along: float, square: float, steps: tuple[float, float], model: Model
) -> float:
    """Return the dual variable of the prox-linear step, in [0, c].

    The step minimises, over (w', a'), a' + c (l + g.(w' - w) - a')_+ + mu/2 ||w'||^2
    + ||w' - w||^2 / (2 lw) + (a' - a)^2 / (2 la). Writing c (x)_+ as the maximum of eta x over
    0 <= eta <= c leaves a concave quadratic in eta, so its maximiser is a clipped quotient.

    Args:
        gap: l - a.
        along: g . w.
        square: ||g||^2.
        steps: (lw, la) of this step.
        model: holds c and mu.
    """
    lw, la = steps
    shrink = 1.0 / (1.0 + lw * model.mu)
    eta = (gap + la - lw * model.mu * shrink * along) / (lw * shrink * square + la)
    return min(max(eta, 0.0), model.c)


@njit(cache=True, error_model="numpy")
def model_steps(rows: Rows, picks: Picks, point: Point, model: Model) -> None:
    """Take one step per pick on alpha + c (l_i(w) - alpha)_+ + mu/2 ||w||^2.

    The subgradient model takes eta = c where l_i > alpha, else 0; the prox-linear model takes
    ``prox_linear_eta``. Both then move w to (w - lw eta g) / (1 + lw mu) and alpha to
    alpha - la (1 - eta): the norm is handled proximally, which is stable for every lw.
    """
    w, _, state = point
    for i in picks:
        decay = 1.0 / math.sqrt(state[2] + 1.0)
        lw, la = model.lw * decay, model.la * decay
        z = _dot(rows.A, i, w)
        value, slope = loss_and_slope(rows.loss, z, rows.y[i], rows.over, rows.under)
        gap = value - state[0]
        eta = model.c if gap > 0.0 else 0.0
        if model.prox:
            square = slope * slope * _squared_norm(rows.A, i)
            eta = prox_linear_eta(gap, slope * z, square, (lw, la), model)
        shrink = 1.0 / (1.0 + lw * model.mu)
        for j in range(w.size):
            w[j] = shrink * (w[j] - lw * eta * slope * rows.A[i, j])
        if model.simplex:
            project_simplex(w)
        state[0] -= la * (1.0 - eta)
        _average(point)


@njit(cache=True)
def _largest(values: Array, rank: int) -> float:
    """Return the value that ``rank`` others precede in descending order; reorders ``values``."""
    # Hoare's quickselect: np.partition would do, but takes ten times as long to compile.
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] > pivot:
                i += 1
            while values[j] < pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if rank <= j:
            high = j
        elif rank >= i:
            low = i
        else:
            break
    return float(values[rank])


@njit(cache=True, error_model="numpy")
def tail_weights(losses: Array, tail: float) -> tuple[Array, float]:
    """Return the (b,) weights whose dot product with the losses is their exact CVaR, and the VaR.

    Losses above the VaR weigh 1/tail each; what is left goes in equal parts to those at the VaR, so
    that a fractional tail and ties are exact.
    """
    var = _largest(losses.copy(), min(int(tail), losses.size - 1))
    above, tied = 0, 0
    for loss in losses:
        above += loss > var
        tied += loss == var
    weights = np.zeros(losses.size)
    for k in range(losses.size):
        if losses[k] > var:
            weights[k] = 1.0 / tail
        elif losses[k] == var:
            weights[k] = (1.0 - above / tail) / tied
    return weights, var


@njit(cache=True, error_model="numpy")
def minibatch_gradient(rows: Rows, batch: Picks, w: Array, tail: float) -> tuple[Array, float]:
    """Return a (d,) subgradient at w of the exact CVaR of the batch's losses, and their VaR."""
    losses, slopes = np.empty(batch.size), np.empty(batch.size)
    for k in range(batch.size):
        i = batch[k]
        z = _dot(rows.A, i, w)
        losses[k], slopes[k] = loss_and_slope(rows.loss, z, rows.y[i], rows.over, rows.under)
    weights, var = tail_weights(losses, tail)
    gradient = np.zeros(w.size)
    for k in range(batch.size):
        # A tail holds few of the batch's rows: skipping the others halves the work.
        if weights[k] > 0.0:
            for j in range(w.size):
                gradient[j] += weights[k] * slopes[k] * rows.A[batch[k], j]
    return gradient, var


@njit(cache=True, error_model="numpy")
def minibatch_steps(
    rows: Rows, batches: Picks, point: Point, velocity: Array, descent: Descent
) -> None:
    """Take one Nesterov step per batch: ``batches`` is int64 (m, b), ``velocity`` float64 (d,)."""
    w, _, state = point
    for batch in batches:
        gradient, state[0] = minibatch_gradient(rows, batch, w, descent.tail)
        for j in range(w.size):
            slope = gradient[j] + descent.mu * w[j]
            velocity[j] = descent.momentum * velocity[j] + slope
            w[j] -= descent.step * (slope + descent.momentum * velocity[j])
        _average(point)


@njit(cache=True, error_model="numpy")
def variance_reduced_steps(rows: Rows, picks: Picks, w: Array, at: Reference) -> None:
    """Move w, float64 (d,), one proximal step per pick along the variance-reduced gradient."""
    shrink = 1.0 / (1.0 + at.step * at.mu)
    for i in picks:
        z = _dot(rows.A, i, w)
        _, slope = loss_and_slope(rows.loss, z, rows.y[i], rows.over, rows.under)
        change = at.factors[i] * (slope - at.slopes[i])
        for j in range(w.size):
            w[j] = shrink * (w[j] - at.step * (change * rows.A[i, j] + at.gradient[j]))


@njit(cache=True, error_model="numpy")
def tree_draw(tree: Array, uniform: float) -> int:
    """Return the leaf at which the running sum of the leaves passes ``uniform`` of their total."""
    left, node = uniform * tree[1], 1
    while node < tree.size // 2:
        node *= 4
        a, b, c, d = tree[node], tree[node + 1], tree[node + 2], tree[node + 3]
        # Arithmetic instead of branches, which would be mispredicted half the time.
        second = (left >= a) & (b + c + d > 0.0)
        third = (left >= a + b) & (c + d > 0.0)
        fourth = (left >= a + b + c) & (d > 0.0)
        left -= second * a + third * b + fourth * c
        node += second + third + fourth
    return node - tree.size // 2


@njit(cache=True, error_model="numpy")
def set_player_steps(
    rows: Rows, uniforms: Array, point: Point, player: SetPlayer, learner: tuple[float, float]
) -> None:
    """Play one round per number in ``uniforms``, float64 (m,) in [0, 1).

    ``learner`` is (step size of w at the first step, mu).
    """
    w, _, state = point
    step, mu = learner
    logits, tree = player.logits, player.tree
    first, k, scale = tree.size // 2, player.share * player.logits.size, 1.0 / player.unit
    for uniform in uniforms:
        i = tree_draw(tree, uniform)
        decay = 1.0 / math.sqrt(state[2] + 1.0)
        z = _dot(rows.A, i, w)
        value, slope = loss_and_slope(rows.loss, z, rows.y[i], rows.over, rows.under)
        shrink = 1.0 / (1.0 + step * decay * mu)
        for j in range(w.size):
            w[j] = shrink * (w[j] - step * decay * slope * rows.A[i, j])
        _average(point)
        player.losses[i] = value
        cost = 1.0 - min(max(value * scale, 0.0), 1.0)
        # The marginal is k times the leaf's share of the root.
        logits[i] -= min(player.eta * decay, 1.0) * cost * tree[1] / (k * tree[first + i])
        chosen = 1.0 / (1.0 + math.exp(-(player.offset + logits[i])))
        node = first + i
        change = (1.0 - player.gamma) * chosen + player.gamma * player.share - tree[node]
        # Adding the change, unlike summing anew, makes no level wait for the one below.
        while node > 0:
            tree[node] += change
            node //= 4
