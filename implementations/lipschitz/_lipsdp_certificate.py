"""The LMI of LipSDP, feasible multipliers to start from, and bounds proved in float64.

Fazlyab et al. (2019), arXiv:1906.04893, with diagonal multipliers. For t >= 0

    M(rho, t) = rho I_x - C'C + sum_j t_j (y_j - low_j v_j)(y_j - high_j v_j),  v = A z,

as a quadratic form in z = (x, y) that is nowhere negative proves |C z|^2 <= rho |x|^2. (The paper's
multipliers that couple neurons are not valid: Pauli et al. (2021), arXiv:2005.02929.) With slopes
in [-1, 1] (``Lure.looped``) the same form in z = (x, w) is

    M(rho, t) = rho I_x - C'C + T - A'TA,  T = diag(t_j reach_j^2) on w,

which neurons of nearly one slope leave well conditioned.
"""

from __future__ import annotations

import numpy as np

from tiltyard.implementations.lipschitz._lipsdp_lure import Lure
from tiltyard.suites.lipschitz.layers import Array


def matrix(form: Lure, t: Array) -> Array:
    """Return M(0, t), (N, N), in z = (x, y): as sparse as the network."""
    cross = (form.middle * t)[:, None] * form.A
    M = form.A.T @ ((form.low * form.high * t)[:, None] * form.A) - form.C.T @ form.C
    M[form.inputs :] -= cross
    M[:, form.inputs :] -= cross.T
    own = np.arange(form.inputs, len(M))
    M[own, own] += t
    return np.asarray(M)


def looped_matrix(A: Array, C: Array, t: Array) -> Array:
    """Return M(0, t), (N, N), in z = (x, w) for looped A and C and t times reach squared."""
    M = -C.T @ C - A.T @ (t[:, None] * A)
    own = np.arange(len(M) - len(t), len(M))
    M[own, own] += t
    return np.asarray(M)


def certified(form: Lure, t: Array, small: Lure | None = None) -> float:
    """Return a Lipschitz constant that multipliers t, (n,), prove, or infinity if they prove none.

    rho is the largest eigenvalue of a Schur complement, raised until the Cholesky factorisation of
    M less a multiple of its diagonal ends: if that does, M is positive definite, whatever was
    rounded on the way (Rump (2006), doi:10.1007/s10543-006-0056-1). What looping rounds is no more
    than weights rounded to float64.

    Args:
        form: of the network itself.
        t: the multipliers.
        small: ``compressed(form)``, to find rho on; it is proved on ``form``.
    """
    if not form.C.any():
        return 0.0
    if not (np.isfinite(t).all() and (t > 0).all()):
        return np.inf
    M, shift = _lowered(form, t)
    rho = _schur(_lowered(small, t)[0] if small else M, (small or form).inputs)
    first = np.arange(form.inputs)
    slack = shift
    while slack < 0.1 and np.isfinite(rho):
        trial = M.copy()
        trial[first, first] += rho * (1.0 + slack)
        if factor(trial) is not None:
            # The shift of rho's own part of the diagonal, and the root's rounding.
            return form.unit * float(np.sqrt(rho * (1.0 + slack) * (1.0 + 2.0 * shift)))
        slack *= 10.0
    return np.inf


def _lowered(form: Lure, t: Array) -> tuple[Array, float]:
    """Return M(0, t) less a multiple of its diagonal that covers rounding, and the multiple."""
    A, C = form.looped
    t = t * form.reach**2
    M = looped_matrix(A, C, t)
    size = (A**2).T @ t + (C**2).sum(axis=0)
    size[form.inputs :] += t
    # N (N + 5) ulp covers the factorisation and the sums in M; twice that leaves room.
    shift = 2.0 * (len(M) + 5) ** 2 * float(np.finfo(float).eps)
    own = np.arange(len(M))
    M[own, own] -= shift * size
    return M, shift


def _schur(M: Array, inputs: int) -> float:
    """Return the least rho with M + rho I_x >= 0 up to rounding; infinity if there is none."""
    from scipy.linalg import solve_triangular

    lower = factor(M[inputs:, inputs:])
    if lower is None:
        return np.inf
    half = solve_triangular(lower, M[inputs:, :inputs], lower=True, check_finite=False)
    return max(float(np.linalg.eigvalsh(half.T @ half - M[:inputs, :inputs])[-1]), 0.0)


def factor(M: Array) -> Array | None:
    """Return the lower Cholesky factor, or None if there is none."""
    try:
        lower: Array = np.asarray(np.linalg.cholesky(M), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return lower if np.isfinite(lower).all() else None


def start(form: Lure) -> Array:
    """Return strictly feasible multipliers, (n,).

    From the last layer back, neuron j's is 1 + middle_j / reach_j times the largest eigenvalue of
    what later layers ask of its own. A chain's bound is then at most the product of its layers'
    norms and largest slopes, as ECLipsE-Fast's is (Xu & Sivaranjani (2024), arXiv:2404.04375).
    """
    A, C = form.looped
    reach = form.reach
    Q = C.T @ C
    t = np.empty(len(A))
    for index in np.unique(form.layer)[::-1]:
        mine = np.flatnonzero(form.layer == index)
        own = form.inputs + mine
        asked = Q[np.ix_(own, own)]
        most = np.linalg.eigvalsh(asked / np.outer(reach[mine], reach[mine]))[-1]
        t[mine] = most * (1.0 + np.maximum(np.abs(form.middle[mine]) / reach[mine], 1e-2))
        rest = slice(0, own[0])
        room = np.diag(t[mine] * reach[mine] ** 2) - asked
        passed = Q[rest, own] @ np.linalg.solve(room, Q[own, rest])
        weighted = (t * reach**2)[mine, None] * A[mine, rest]
        Q = Q[rest, rest] + passed + A[mine, rest].T @ weighted
    return t
