"""What the compiled loops of the cvar suite's stochastic methods read and update."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
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


class Descent(NamedTuple):
    """How a minibatch step moves.

    Attributes:
        step: constant step size.
        momentum: Nesterov momentum in [0, 1).
        tail: size of the batch's tail, b (1 - beta), not rounded.
        mu: weight of the squared norm.
    """

    step: float
    momentum: float
    tail: float
    mu: float


class Reference(NamedTuple):
    """What variance reduction holds of its checkpoint.

    Attributes:
        slopes: (n,) float64, derivative of each loss at the checkpoint.
        factors: (n,) float64, tail weight over sampling probability.
        gradient: (d,) float64, gradient of the CVaR at the checkpoint, without the norm.
        step: constant step size.
        mu: weight of the squared norm.
    """

    slopes: Array
    factors: Array
    gradient: Array
    step: float
    mu: float


class SetPlayer(NamedTuple):
    """The player who chooses sets of k scenarios.

    Attributes:
        logits: (n,) float64, logarithms of the k-DPP's weights.
        tree: (2 m,) float64, m >= n a power of 4: node v sums nodes 4v to 4v + 3, from the root 1
            on; leaf m + i is marginal i.
        losses: (n,) float64, the last loss seen of each scenario.
        offset: nu, which makes the marginals sum to k.
        share: k / n, where k is the size of the sets.
        gamma: share of uniform exploration.
        eta: learning rate at the first step; it decays as 1/sqrt(t + 1) and is at most 1.
        unit: the loss that counts as 1 when rewards are clipped to [0, 1].
    """

    logits: Array
    tree: Array
    losses: Array
    offset: float
    share: float
    gamma: float
    eta: float
    unit: float
