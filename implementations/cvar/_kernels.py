"""Compiled inner loops of the cvar suite's stochastic methods.

Every loop keeps one contract: it reads scenarios through ``Rows``, visits the rows that the caller
drew, in order, and updates a ``Point`` in place.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Picks = NDArray[np.int64]

CODES = {"abs": 0, "sq": 1, "logistic": 2, "linear": 3, "pinball": 4}
"""The integer by which a loop knows each loss."""


class Rows(NamedTuple):
    """The scenarios as a loop reads them.

    Attributes:
        A: (n, d) float64, row-major.
        y: (n,) float64.
        loss: a value of ``CODES``.
        over: slope of the pinball loss above y.
        under: its slope below y, as a positive number.
    """

    A: Array
    y: Array
    loss: int
    over: float
    under: float


class Point(NamedTuple):
    """An iterate and its running average.

    The average is the polynomial-decay one of Shamir & Zhang (2013), arXiv:1212.1824, with eta = 3:
    weights grow as t^3, so that the start is soon forgotten and no horizon is needed.

    Attributes:
        w: (d,) float64.
        mean: (d,) float64, the average of w.
        state: (3,) float64: alpha, the average of alpha, the number of steps done.
    """

    w: Array
    mean: Array
    state: Array


class Model(NamedTuple):
    """What a stochastic step minimises.

    Attributes:
        lw: step size of w at the first step; it decays as 1/sqrt(t + 1).
        la: the same of alpha.
        c: 1 / (1 - beta).
        mu: weight of the squared norm.
        prox: the prox-linear model, else the subgradient model.
        simplex: project every w onto the simplex.
    """

    lw: float
    la: float
    c: float
    mu: float
    prox: bool
    simplex: bool


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
    threshold = -np.inf
    count = 0
    while True:
        total, active = 0.0, 0
        for value in w:
            if value > threshold:
                total += value
                active += 1
        if active == count:
            break
        count = active
        threshold = (total - 1.0) / active
    for j in range(w.size):
        w[j] = max(w[j] - threshold, 0.0)


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
