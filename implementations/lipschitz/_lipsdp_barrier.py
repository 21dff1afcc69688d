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

from tiltyard.implementations.lipschitz._lipsdp_certificate import factor, looped_matrix
from tiltyard.implementations.lipschitz._lipsdp_lure import Lure
from tiltyard.suites.lipschitz.layers import Array

GROWTH = 5.0
"""How many times closer to the optimum each next center is."""

CENTERED = 1.0
"""The Newton decrement at which a center is near enough to go on."""

REACH = 0.7
"""The share of the way to the boundary that a step may go: nearer, Newton's steps are short."""

STEPS = 50
"""The most steps to one center; rounding alone needs as many."""


@dataclass(eq=False)
class _Barrier:
    """weight rho - log det M(rho, B theta) - sum log theta, over u = (rho, theta)."""

    A: Array
    C: Array
    B: Array
    inputs: int

    def matrix(self, u: Array) -> Array:
        """Return M."""
        M = looped_matrix(self.A, self.C, self.B @ u[1:])
        first = np.arange(self.inputs)
        M[first, first] += u[0]
        return M

    def length(self, u: Array, lower: Array, step: Array, weight: float) -> float:
        """Return the length along a step at which the barrier function is least, or ``REACH``.

        With the eigenvalues of the step seen from M the function is a sum of logarithms.
        """
        from scipy.linalg.lapack import dsygst

        change = self.matrix(step) - self.matrix(np.zeros_like(step))
        seen = dsygst(change, lower, lower=1)[0]
        rates = np.concatenate([np.linalg.eigvalsh(seen), step[1:] / u[1:]])
        low, high = 0.0, REACH / max(-float(rates.min()), 1e-3)
        for _ in range(40):
            middle = (low + high) / 2
            if weight * step[0] < (rates / (1.0 + middle * rates)).sum():
                low = middle
            else:
                high = middle
        return low

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
        return step, float(max(-gradient @ step, 0.0)) ** 0.5


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
    A, C = form.looped()
    barrier = _Barrier(A, C, basis * form.reach[:, None] ** 2, form.inputs)
    n = form.inputs
    M = barrier.matrix(np.concatenate([[0.0], theta]))
    passed = M[:n, n:] @ np.linalg.solve(M[n:, n:], M[n:, :n])
    rho = float(np.linalg.eigvalsh(passed - M[:n, :n])[-1])
    u = np.concatenate([[1.5 * rho], theta])
    order = len(M) + len(theta)
    weight = order / rho
    lower = factor(barrier.matrix(u))
    while lower is not None:
        u, lower = _centered(barrier, u, lower, weight)
        yield basis @ u[1:]
        if order <= weight * tolerance * u[0]:
            return
        weight *= GROWTH


def _centered(barrier: _Barrier, u: Array, lower: Array, weight: float) -> tuple[Array, Array]:
    """Return the point of the path for a weight, nearly, and M's factor there."""
    for _ in range(STEPS):
        step, decrement = barrier.newton(u, lower, weight)
        length = barrier.length(u, lower, step, weight)
        while (found := factor(barrier.matrix(u + length * step))) is None:
            # Rounding: the eigenvalues put this point inside.
            length /= 2.0
        u, lower = u + length * step, found
        if decrement < CENTERED:
            break
    return u, lower
