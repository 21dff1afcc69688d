"""A barrier method for LipSDP that solves systems in the multipliers alone.

Looped, the LMI is M = rho I_x - C'C + sum_j t_j (e_j e_j' - a_j a_j'). Each t_j comes with a matrix
of rank two, so that with P = M^-1 the Hessian of -log det M is, entry by entry,

    H_jk = P_jk^2 - (A P)_jk^2 - (A P)_kj^2 + (A P A')_jk^2.

A Newton step costs O(N^3) where a general conic solver factors matrices of side N^2 / 2. The method
follows the central path in the multipliers, as DSDP does (Benson, Ye & Zhang (2000),
doi:10.1137/S1052623497328008).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tiltyard.implementations.lipschitz._lipsdp_certificate import factor
from tiltyard.implementations.lipschitz._lipsdp_lure import Lure
from tiltyard.suites.lipschitz.layers import Array

GROWTH = 3.0
"""How many times closer to the optimum each next center is."""

EARLY = 3.0
"""How far along the path to begin, from where rho's gap is as large as the first rho."""

CENTERED = 0.5
"""The Newton decrement at which a center is near enough to go on."""

REACH = 0.7
"""The share of the way to the boundary that a step may go: nearer, Newton's steps are short.

Next to the boundary they but double the distance from it.
"""

SHORTEST = 1e-4
"""The length of a step below which rounding has taken over."""

STEPS = 50
"""The most steps to one center; rounding alone needs as many."""


@dataclass(eq=False)
class _Barrier:
    """weight rho - log det M(rho, B theta) - sum log theta, over u = (rho, theta)."""

    A: Array
    C: Array
    B: Array
    inputs: int

    def change(self, step: Array) -> Array:
        """Return how M changes along a step of u."""
        t = self.B @ step[1:]
        change = -self.A.T @ (t[:, None] * self.A)
        own = np.arange(len(change))
        change[own, own] += np.concatenate([np.full(self.inputs, step[0]), t])
        return np.asarray(change)

    def matrix(self, u: Array) -> Array:
        """Return M."""
        return np.asarray(self.change(u) - self.C.T @ self.C)

    def newton(self, u: Array, lower: Array, weight: float) -> tuple[Array, float]:
        """Return the Newton step and its decrement."""
        from scipy.linalg.lapack import dpotri

        P = dpotri(lower, lower=1)[0]
        P += np.tril(P, -1).T
        n = self.inputs
        AP = self.A @ P
        APA = AP @ self.A.T
        ap, p = AP[:, n:], P[n:, n:]
        slopes = p.diagonal() - APA.diagonal()
        inner = p**2 - ap**2 - ap.T**2 + APA**2
        mixed = (P[n:, :n] ** 2).sum(axis=1) - (AP[:, :n] ** 2).sum(axis=1)
        first = P[:n, :n]
        gradient = np.concatenate([[weight - np.trace(first)], -self.B.T @ slopes - 1.0 / u[1:]])
        H = np.empty((len(u), len(u)))
        H[0, 0] = (first**2).sum()
        H[0, 1:] = H[1:, 0] = self.B.T @ mixed
        H[1:, 1:] = self.B.T @ inner @ self.B + np.diag(1.0 / u[1:] ** 2)
        step = _solved(H, -gradient)
        return step, max(float(-(gradient * step).sum()), 0.0) ** 0.5


def _solved(H: Array, right: Array) -> Array:
    """Return H^-1 right, with as much of its diagonal added as a factorisation needs."""
    from scipy.linalg import cho_solve

    size = 1.0 / np.sqrt(H.diagonal())
    scaled = H * size * size[:, None]
    for ridge in 10.0 ** np.arange(-15.0, 1.0):
        lower = factor(scaled + ridge * np.eye(len(H)))
        if lower is not None:
            return size * np.asarray(cho_solve((lower, True), size * right, check_finite=False))
    return size**2 * right


def central_path(form: Lure, basis: Array, theta: Array, tolerance: float) -> Iterator[Array]:
    """Yield better and better multipliers basis theta, (n,), each near a point of the central path.

    Args:
        form: ``compressed`` or not.
        basis: (n, k) columns of multipliers >= 0 of the form.
        theta: (k,) positive ones, strictly feasible.
        tolerance: the relative distance of rho from its least value at which to end.
    """
    A, C = form.looped
    barrier = _Barrier(A, C, basis * form.reach[:, None] ** 2, form.inputs)
    n = form.inputs
    M = barrier.matrix(np.concatenate([[0.0], theta]))
    passed = M[:n, n:] @ np.linalg.solve(M[n:, n:], M[n:, :n])
    rho = float(np.linalg.eigvalsh(passed - M[:n, :n])[-1])
    u = np.concatenate([[1.5 * rho], theta])
    order = len(M) + len(theta)
    weight = EARLY * order / rho
    lower: Array | None = factor(barrier.matrix(u))
    while lower is not None:
        u, lower = _centered(barrier, u, lower, weight)
        yield basis @ u[1:]
        if order <= weight * tolerance * u[0]:
            return
        weight *= GROWTH


def _centered(barrier: _Barrier, u: Array, lower: Array, weight: float) -> tuple[Array, Array]:
    """Return the point of the path for a weight, nearly, and M's factor there."""
    M = barrier.matrix(u)
    for _ in range(STEPS):
        step, decrement = barrier.newton(u, lower, weight)
        change = barrier.change(step)
        length = 1.0
        while length > SHORTEST and not _inside(M, change, u, step, length / REACH):
            length *= REACH
        found = factor(M + length * change)
        if length <= SHORTEST or found is None:
            break
        u, M, lower = u + length * step, M + length * change, found
        if decrement < CENTERED:
            break
    return u, lower


def _inside(M: Array, change: Array, u: Array, step: Array, length: float) -> bool:
    return bool((u + length * step > 0).all()) and factor(M + length * change) is not None
