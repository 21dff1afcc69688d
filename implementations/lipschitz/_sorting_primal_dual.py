"""A primal-dual interior-point method for LipSDP that solves systems in the multipliers alone.

In z = (x, w) with slopes in [-1, 1] the LMI is S = rho I_x - C'C + sum_j t_j (e_j e_j' - a_j a_j'),
t = B theta. Helmberg, Rendl, Vanderbei & Wolkowicz (1996), doi:10.1137/0806020, with Mehrotra's
corrector; as each F_j = e_j e_j' - a_j a_j' has rank two, the Schur complement's entries
tr(F_j X F_k S^-1) are products of entries of a few N x N matrices. The multipliers stay strictly
feasible: only the matrix X that is dual to S starts from a wrong trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tiltyard.implementations.lipschitz._lipsdp_certificate import factor
from tiltyard.implementations.lipschitz._lipsdp_lure import Lure
from tiltyard.suites.lipschitz.layers import Array

SHORT = 1e-5
"""Steps below this make no progress any more."""

SHRINK = 0.95
"""The part of the way to the boundary that a step may go."""


@dataclass(eq=False)
class _Program:
    """min u_0 such that S(u) >= 0 and u[1:] >= 0, over u = (rho, theta)."""

    A: Array
    C: Array
    B: Array
    inputs: int

    def matrix(self, u: Array) -> Array:
        """Return the part of S that is linear in u."""
        t = self.B @ u[1:]
        S = -self.A.T @ (t[:, None] * self.A)
        own = np.arange(len(S))
        S[own, own] += np.concatenate([np.full(self.inputs, u[0]), t])
        return S

    def adjoint(self, X: Array) -> Array:
        """Return tr(F_k X) for every k."""
        n = self.inputs
        slopes = X.diagonal()[n:] - ((self.A @ X) * self.A).sum(axis=1)
        return np.concatenate([[np.trace(X[:n, :n])], self.B.T @ slopes])

    def schur(self, X: Array, P: Array) -> Array:
        """Return tr(F_j X F_k P) for all j, k."""
        n = self.inputs
        AX, AP = self.A @ X, self.A @ P
        cross = AX[:, n:] * AP[:, n:]
        inner = X[n:, n:] * P[n:, n:] - cross - cross.T + (AX @ self.A.T) * (AP @ self.A.T)
        mixed = (X[n:, :n] * P[n:, :n]).sum(axis=1) - (AX[:, :n] * AP[:, :n]).sum(axis=1)
        H = np.empty((self.B.shape[1] + 1,) * 2)
        H[0, 0] = (X[:n, :n] * P[:n, :n]).sum()
        H[0, 1:] = H[1:, 0] = self.B.T @ mixed
        H[1:, 1:] = self.B.T @ inner @ self.B
        return H


@dataclass(eq=False)
class _Iterate:
    """Multipliers u with S and its factor, and the dual X and x of S and theta."""

    u: Array
    S: Array
    lower: Array
    X: Array
    x: Array

    @property
    def order(self) -> int:
        """Rows of S and of theta."""
        return len(self.S) + len(self.x)

    @property
    def gap(self) -> float:
        """Duality gap, were X's traces right."""
        return float((self.X * self.S).sum() + self.x @ self.u[1:])


@dataclass(eq=False)
class _Step:
    u: Array
    S: Array
    X: Array
    x: Array


def primal_dual(form: Lure, basis: Array, theta: Array, tolerance: float) -> Iterator[Array]:
    """Yield better and better multipliers basis theta, (n,), all of them feasible.

    Args:
        form: ``compressed`` or not.
        basis: (n, k) columns of multipliers >= 0 of the form.
        theta: (k,) positive ones, strictly feasible.
        tolerance: the relative distance of rho from its least value at which to end.
    """
    A, C = form.looped()
    # y = middle v + reach w turns t (y - low v)(y - high v) into t reach^2 (w^2 - v^2).
    program = _Program(A, C, basis * form.reach[:, None] ** 2, form.inputs)
    current = _first(program, theta)
    for _ in range(100):
        moved = _advanced(program, current)
        if moved is None:
            return
        current = moved
        yield basis @ current.u[1:]
        wrong = np.abs(_residual(program, current))[0]
        if current.gap <= tolerance * current.u[0] and wrong <= tolerance:
            return


def _first(program: _Program, theta: Array) -> _Iterate:
    n = program.inputs
    S = program.matrix(np.concatenate([[0.0], theta])) - program.C.T @ program.C
    passed = np.linalg.solve(S[n:, n:], S[n:, :n])
    rho = 1.5 * float(np.linalg.eigvalsh(S[:n, n:] @ passed - S[:n, :n])[-1])
    S[np.arange(n), np.arange(n)] += rho
    lower = np.linalg.cholesky(S)
    P = _inverse(lower)
    # The trace over the inputs that X must have is one.
    scale = 1.0 / float(np.trace(P[:n, :n]))
    return _Iterate(np.concatenate([[rho], theta]), S, lower, scale * P, scale / theta)


def _inverse(lower: Array) -> Array:
    from scipy.linalg.lapack import dpotri

    P = np.asarray(dpotri(lower, lower=1)[0])
    P = np.tril(P)
    return P + np.tril(P, -1).T


def _residual(program: _Program, at: _Iterate) -> Array:
    """Return what the traces of X lack."""
    right = np.zeros(len(at.u))
    right[0] = 1.0
    right[1:] -= at.x
    return right - program.adjoint(at.X)


def _advanced(program: _Program, at: _Iterate) -> _Iterate | None:
    """Return the next iterate; None where rounding lets none be found."""
    P = _inverse(at.lower)
    H = program.schur(at.X, P)
    own = np.arange(1, len(at.u))
    H[own, own] += at.x / at.u[1:]
    inverse = _solver(H)
    if inverse is None:
        return None
    mu = at.gap / at.order
    guess = _step(program, at, P, inverse, 0.0, None)
    primal, dual = _lengths(at, guess)
    ahead = float(((at.X + primal * guess.X) * (at.S + dual * guess.S)).sum())
    ahead += float((at.x + primal * guess.x) @ (at.u[1:] + dual * guess.u[1:]))
    centering = min(1.0, max(ahead / at.gap, 0.0)) ** 2
    step = _step(program, at, P, inverse, max(centering, 1e-6) * mu, guess)
    primal, dual = (min(1.0, SHRINK * length) for length in _lengths(at, step))
    while dual > SHORT:
        u = at.u + dual * step.u
        S = program.matrix(u) - program.C.T @ program.C
        lower = factor(S)
        if lower is not None and (u > 0.0).all():
            return _Iterate(u, S, lower, at.X + primal * step.X, at.x + primal * step.x)
        dual /= 2.0
    return None


def _solver(H: Array) -> Array | None:
    """Return the inverse of a symmetric matrix, in which no row is much larger than another."""
    size = 1.0 / np.sqrt(H.diagonal())
    if not np.isfinite(size).all():
        return None
    lower = factor(H * size * size[:, None] + 1e-15 * np.eye(len(H)))
    return None if lower is None else _inverse(lower) * size * size[:, None]


def _step(
    program: _Program, at: _Iterate, P: Array, inverse: Array, mu: float, guess: _Step | None
) -> _Step:
    """Return the direction to X S = mu I, with the second-order term of a guess."""
    theta = at.u[1:]
    X = mu * P - at.X
    x = mu / theta - at.x
    if guess is not None:
        X -= _symmetric(guess.X @ guess.S @ P)
        x -= guess.x * guess.u[1:] / theta
    right = program.adjoint(X) - _residual(program, at)
    right[1:] += x
    u = inverse @ right
    S = program.matrix(u)
    X -= _symmetric(at.X @ S @ P)
    return _Step(u, S, X, x - at.x * u[1:] / theta)


def _symmetric(M: Array) -> Array:
    return np.asarray((M + M.T) / 2.0)


def _lengths(at: _Iterate, step: _Step) -> tuple[float, float]:
    """Return how far X and S may go along a step, at most 1 / SHRINK."""
    found = []
    for lower, change, value, rate in (
        (factor(at.X), step.X, at.x, step.x),
        (at.lower, step.S, at.u[1:], step.u[1:]),
    ):
        least = float((rate / value).min(initial=0.0))
        if lower is not None:
            least = min(least, _least(lower, change))
        found.append(1.0 / SHRINK if -least <= SHRINK else -1.0 / least)
    return found[0], found[1]


def _least(lower: Array, change: Array) -> float:
    """Return the least eigenvalue of L^-1 D L^-T."""
    from scipy.linalg import eigvalsh
    from scipy.linalg.lapack import dsygst

    seen = dsygst(change, lower, lower=1)[0]
    return float(eigvalsh(seen, lower=True, subset_by_index=[0, 0], check_finite=False)[0])
