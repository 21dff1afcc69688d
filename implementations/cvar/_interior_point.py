"""A primal-dual interior-point method for CVaR over given pieces, with d + 1 linear algebra.

It minimises alpha + sum_j cap_j u_j + mu/2 ||w||^2 subject to s_j = u_j + alpha - f_j(w) >= 0 and
u_j >= 0, with multipliers cap_j q_j and cap_j l_j, q_j + l_j = 1 (Rockafellar & Uryasev 2000).
Eliminating s, u, q and l leaves a positive definite system in x = (w, alpha). Predictor and
corrector: Mehrotra (1992), doi:10.1137/0802028; further correctors that keep the products of
complementary pairs together: Gondzio (1996), doi:10.1007/BF00249643.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.implementations.cvar._pieces import Pieces

Array = NDArray[np.float64]
Index = NDArray[np.intp]

CORRECTORS = 2
"""The most of Gondzio's correctors in a step."""

BOUNDARY = 0.99
"""The part of the way to the boundary that a step may go."""

GROWTH = 1.2
HALVINGS = 10
"""A step is halved, this often at most, until complementarity grows by no more than this."""


def centre(excess: Array, barrier: float) -> tuple[Array, Array, Array, Array]:
    """Return the central s, u, q, l, (m,) each: s - u = excess, q + l = 1, s q = u l = barrier."""
    root = np.hypot(excess, 2 * barrier)
    large = (np.abs(excess) + 2 * barrier + root) / 2
    small = barrier / (1.0 - barrier / large)
    s = np.where(excess >= 0, large, small)
    u = np.where(excess >= 0, small, large)
    return s, u, barrier / s, barrier / u


@dataclass(slots=True)
class Iterate:
    """x = (w, alpha), (d + 1,); the rows' z = X w, s, u, q, l, (m,); bounds' and sum's multipliers.

    ``zeta`` belongs to the entries of x that must be positive, ``eta`` to the simplex's sum.
    """

    x: Array
    z: Array
    s: Array
    u: Array
    q: Array
    l: Array  # noqa: E741 - the complement of q
    zeta: Array
    eta: float = 0.0


@dataclass(slots=True)
class Terms:
    """What a direction aims at: a barrier, and corrections of the products s q, u l, x zeta."""

    barrier: float
    sq: Array | float = 0.0
    ul: Array | float = 0.0
    bound: Array | float = 0.0


class InteriorPoint:
    """The method's state and its step.

    Args:
        pieces: the pieces it works on.
        mu: weight of half the squares of w.
        simplex: whether w >= 0 and sum w = 1.
        positive: the entries of x = (w, alpha) that must be positive.
    """

    def __init__(self, pieces: Pieces, mu: float, *, simplex: bool, positive: Index) -> None:
        self.mu = mu
        self.simplex = simplex
        self.positive = positive
        self.passes = 0
        self._load(pieces)

    def _load(self, pieces: Pieces) -> None:
        self.pieces = pieces
        self.weight = 2 * float(pieces.cap.sum()) + len(self.positive)

    def start(self, x: Array, z: Array, barrier: float) -> None:
        """Start centred at x with products z = X w, (m,); bounded entries of x are positive."""
        s, u, q, l = centre(x[-1] - self.pieces.curve(z)[0], barrier)  # noqa: E741
        self.at = Iterate(x.copy(), z, s, u, q, l, barrier / x[self.positive])

    def replace(self, pieces: Pieces, z: Array, kept: Array, source: Index) -> None:
        """Change the pieces: those where ``kept``, (m,) bool, keep the state of row ``source``.

        The others start centred at the present barrier.
        """
        at = self.at
        fresh = centre(at.x[-1] - pieces.curve(z)[0], self.barrier())
        at.s, at.u, at.q, at.l = (
            np.where(kept, old[source], new)
            for old, new in zip((at.s, at.u, at.q, at.l), fresh, strict=True)
        )
        self._load(pieces)
        self.refresh(z)

    def refresh(self, z: Array) -> None:
        """Take exact products z = X w, (m,), and keep s - u = alpha - f exact by enlarging one."""
        at = self.at
        at.z = z
        excess = at.x[-1] - self.pieces.curve(z)[0] - (at.s - at.u)
        at.s = at.s + np.maximum(excess, 0.0)
        at.u = at.u + np.maximum(-excess, 0.0)

    def complementarity(self) -> float:
        """Return the sum of all complementary products, each row's times its cap."""
        at = self.at
        rows = self.pieces.cap @ (at.s * at.q + at.u * at.l)
        return float(rows + at.x[self.positive] @ at.zeta)

    def barrier(self) -> float:
        """Return the mean complementary product."""
        return self.complementarity() / self.weight

    def dual(self) -> tuple[float, Array]:
        """Return sum_j q_j f_j(w) + mu/2 ||w||^2 and its gradient in w, (d,), for a feasible q.

        A sum above 1 divides q; one below 1, unless alpha >= 0, is filled up to 1 within the caps.
        """
        at, pieces = self.at, self.pieces
        f, slope, _ = pieces.curve(at.z)
        q = pieces.cap * at.q
        total = float(q.sum())
        if total > 1.0:
            q /= total
        elif len(at.x) - 1 not in self.positive:
            q += (pieces.cap - q) * ((1.0 - total) / (pieces.cap.sum() - total))
        w = at.x[:-1]
        value = float(q @ f + self.mu / 2 * (w @ w))
        return value, self.mu * w + pieces.X.T @ (q * slope)

    def step(self) -> None:
        """Take one step: predictor, corrector, and further correctors that lengthen it."""
        system = System(self)
        predictor = system.direction(Terms(0.0))
        length = self._length(predictor, 1.0)
        now = self.complementarity()
        sigma = max((self._moved(predictor, length) / now) ** 3, 1e-6)
        barrier = min(sigma, 1.0) * now / self.weight
        terms = Terms(
            barrier,
            predictor.s * predictor.q,
            predictor.u * predictor.l,
            predictor.x[self.positive] * predictor.zeta,
        )
        direction = system.direction(terms)
        length = self._length(direction, BOUNDARY)
        for _ in range(CORRECTORS):
            if length > 0.9:
                break
            terms = self._recentred(terms, direction, min(1.0, length + 0.3))
            trial = system.direction(terms)
            longer = self._length(trial, BOUNDARY)
            if longer < length + 0.03:
                break
            direction, length = trial, longer
        self._move(direction, length)

    def _recentred(self, terms: Terms, direction: Iterate, length: float) -> Terms:
        """Return the terms that draw the products at a longer step into [0.1, 10] barriers."""
        at, barrier, positive = self.at, terms.barrier, self.positive

        def excess(a: Array, da: Array, b: Array, db: Array) -> Array:
            product = (a + length * da) * (b + length * db)
            return np.minimum(product - np.clip(product, 0.1 * barrier, 10 * barrier), 10 * barrier)

        return Terms(
            barrier,
            terms.sq + excess(at.s, direction.s, at.q, direction.q),
            terms.ul + excess(at.u, direction.u, at.l, direction.l),
            terms.bound + excess(at.x[positive], direction.x[positive], at.zeta, direction.zeta),
        )

    def _length(self, direction: Iterate, fraction: float) -> float:
        """Return the step, at most 1, that goes ``fraction`` of the way to the boundary."""
        at, positive = self.at, self.positive
        rate = fraction
        for value, change in (
            (at.s, direction.s),
            (at.u, direction.u),
            (at.q, direction.q),
            (at.l, direction.l),
            (at.x[positive], direction.x[positive]),
            (at.zeta, direction.zeta),
        ):
            if len(value):
                rate = max(rate, -float(np.min(change / value)))
        return fraction / rate

    def _moved(self, direction: Iterate, length: float) -> float:
        """Return the complementarity after a step."""
        at, positive = self.at, self.positive
        rows = (at.s + length * direction.s) * (at.q + length * direction.q)
        rows += (at.u + length * direction.u) * (at.l + length * direction.l)
        x = at.x[positive] + length * direction.x[positive]
        return max(float(self.pieces.cap @ rows + x @ (at.zeta + length * direction.zeta)), 0.0)

    def _move(self, direction: Iterate, length: float) -> None:
        """Step, halved until curvature does not undo it: s and u then grow to stay consistent."""
        at, now = self.at, self.complementarity()
        for _ in range(HALVINGS):
            self.at = Iterate(
                at.x + length * direction.x,
                at.z + length * direction.z,
                at.s + length * direction.s,
                at.u + length * direction.u,
                at.q + length * direction.q,
                at.l + length * direction.l,
                at.zeta + length * direction.zeta,
                at.eta + length * direction.eta,
            )
            expected = max(self.complementarity(), now)
            self.refresh(self.at.z)
            if self.complementarity() <= GROWTH * expected:
                return
            length /= 2


class System:
    """The linear system of one iterate, factored once, solved for several right-hand sides."""

    def __init__(self, method: InteriorPoint) -> None:
        self.method = method
        at, pieces = method.at, method.pieces
        f, self.slope, second = pieces.curve(at.z)
        self.excess = at.x[-1] - f
        self.rate = 1.0 / (at.s / at.q + at.u / at.l)
        self.D = pieces.cap * self.rate
        q = pieces.cap * at.q
        d = pieces.X.shape[1]
        matrix = np.zeros((d + 1, d + 1))
        matrix[:d, :d] = gram(pieces.X, self.D * self.slope**2 + q * second)
        matrix[:d, d] = matrix[d, :d] = -(self.D * self.slope) @ pieces.X
        matrix[d, d] = self.D.sum()
        diagonal = np.append(np.full(d, method.mu), 0.0)
        diagonal[method.positive] += at.zeta / at.x[method.positive]
        matrix[np.arange(d + 1), np.arange(d + 1)] += diagonal
        self.gradient = np.append(
            method.mu * at.x[:-1] + (q * self.slope) @ pieces.X, 1.0 - q.sum()
        )
        self.gradient[:d] += at.eta if method.simplex else 0.0
        self.factor = factor(matrix)
        method.passes += 2
        if method.simplex:
            self.ones = np.append(np.ones(d), 0.0)
            self.sum = self.solve(self.ones)

    def solve(self, right: Array) -> Array:
        """Return the solution of the factored system."""
        from scipy.linalg import cho_solve

        return np.asarray(cho_solve((self.factor, True), right, check_finite=False))

    def direction(self, terms: Terms) -> Iterate:
        """Return the Newton direction for the terms, as an ``Iterate`` of changes."""
        method, at = self.method, self.method.at
        X, positive = method.pieces.X, method.positive
        barrier = terms.barrier
        to_s = (barrier - terms.sq) / at.q
        to_u = (barrier - terms.ul) / at.l
        shift = to_s - to_u - self.excess
        right = -self.gradient
        right[:-1] -= (self.D * self.slope * shift) @ X
        right[-1] += self.D @ shift
        x = at.x[positive]
        to_x = (barrier - terms.bound) / x
        right[positive] += to_x
        step = self.solve(right)
        eta = 0.0
        if method.simplex:
            eta = float((self.ones @ step - (1.0 - self.ones @ at.x)) / (self.ones @ self.sum))
            step = step - eta * self.sum
        z = X @ step[:-1]
        q = self.rate * (shift - step[-1] + self.slope * z)
        s = to_s - at.s * (1.0 + q / at.q)
        u = to_u - at.u * (1.0 - q / at.l)
        zeta = to_x - at.zeta * (1.0 + step[positive] / x)
        method.passes += 1
        return Iterate(step, z, s, u, q, -q, zeta, eta)


def gram(X: Array, weight: Array, rows: int = 2048) -> Array:
    """Return X' diag(weight) X, (d, d), by blocks of rows that stay in the cache."""
    total = np.zeros((X.shape[1], X.shape[1]))
    root = np.sqrt(weight)[:, None]
    for i in range(0, len(X), rows):
        block = X[i : i + rows] * root[i : i + rows]
        total += block.T @ block
    return total


def factor(matrix: Array) -> Array:
    """Return the lower Cholesky factor, with as little added to the diagonal as it takes."""
    from scipy.linalg import LinAlgError, cholesky

    diagonal = np.diag(matrix).copy()
    floor = 1e-20 * float(diagonal.max()) + 1e-300
    every = np.arange(len(diagonal))
    for relative in (1e-15, 1e-13, 1e-11, 1e-9, 1e-7):
        matrix[every, every] = diagonal * (1.0 + relative) + floor
        try:
            return np.asarray(cholesky(matrix, lower=True, check_finite=False))
        except LinAlgError:
            continue
    raise FloatingPointError("the interior-point system is not positive definite")
