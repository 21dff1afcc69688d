"""Exact projection onto a polyhedron of few dimensions."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from tiltyard.suites.bilevel.model import Array

_ROUNDS = 50


def project(p: Array, A: Array, b: Array) -> Array:
    """Return the nearest z to p with A z <= b; exact to rounding, NaN where p is not finite.

    Least distance programming (C. L. Lawson and R. J. Hanson, Solving Least Squares Problems,
    1974, chapter 23): nonnegative least squares tells the active rows. The projection onto those is
    a least-squares solution; as far points blur the active rows, it starts anew from there until
    nothing is violated.

    Args:
        p: (n,).
        A: (m, n), rows of norm 1.
        b: (m,).
    """
    if not np.isfinite(p).all():
        return np.full(len(p), np.nan)
    noise = 1e-14 * (1.0 + float(np.abs(b).max(initial=0.0)))
    z = p
    for _ in range(_ROUNDS):
        slack = b - A @ p
        if slack.min(initial=0.0) >= -noise:
            return p
        scale = float(-slack.min())
        E = np.vstack((-A.T, -slack / scale))
        weights, _ = nnls(E, np.append(np.zeros(len(p)), 1.0))
        rows = weights > 0.0
        z = p + np.linalg.lstsq(A[rows], slack[rows], rcond=1e-12)[0]
        if (A @ z - b).max() <= noise:
            return np.asarray(z)
        p = z
    return np.asarray(z)
