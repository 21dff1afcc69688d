"""Exact projection onto the points whose slacks make up for missing margins."""

from __future__ import annotations

import torch
from torch import Tensor

from tiltyard.suites.bilevel.model import Pair

MOST = 200
"""Newton steps; a projection takes about ten."""

EPS = 1e-16


def project_slacks(A: Tensor, p: Tensor, slacks: Tensor) -> Pair:
    """Return the nearest (q, s) to (p, slacks) with A q + s >= 1; exact to rounding.

    The best slacks for q are max(slacks, 1 - A q), so that q minimises the piecewise quadratic
    |q - p|^2 / 2 + |max(0, 1 - slacks - A q)|^2 / 2. Newton's method with exact line search finds
    it in finitely many steps: a full step that leaves the set of active rows alone is exact.

    Args:
        A: (n, d) rows of margins.
        p: (d,).
        slacks: (n,).

    Returns:
        q (d,), and s (n,), equal to ``slacks`` where a row is not active.
    """
    if not bool(torch.isfinite(p).all() & torch.isfinite(slacks).all()):
        return torch.full_like(p, torch.nan), torch.full_like(slacks, torch.nan)
    q, missing = p, 1.0 - slacks
    eye = torch.eye(len(p), dtype=p.dtype, device=p.device)
    short = missing - A @ q
    for _ in range(MOST):
        active = short > 0.0
        rows = A[active]
        slope = q - p - rows.T @ short[active]
        step = torch.linalg.solve(eye + rows.T @ rows, -slope)
        along = A @ step
        # Ties may flip for ever; a step of the size of rounding changes nothing.
        if torch.equal(short - along > 0.0, active) or float(step.norm()) <= EPS * float(q.norm()):
            q = q + step
            break
        length = _length(short, along, q - p, step)
        q = q + length * step
        short = missing - A @ q
    return q, torch.maximum(slacks, 1.0 - A @ q)


def _length(short: Tensor, along: Tensor, offset: Tensor, step: Tensor) -> Tensor:
    """Return t > 0 that minimises |offset + t step|^2 + |max(0, short - t along)|^2.

    Half its derivative is t b - a, with a and b that change where an entry of short - t along
    changes its sign: at ``breaks``, in their order.
    """
    active = (short > 0.0) | ((short == 0.0) & (along < 0.0))
    a = along[active] @ short[active] - step @ offset
    b = along[active].square().sum() + step @ step
    breaks = short / along
    crossing = torch.isfinite(breaks) & (breaks > 0.0)
    breaks, order = breaks[crossing].sort()
    along, short = along[crossing][order], short[crossing][order]
    # An entry enters where along < 0, and leaves where it is positive.
    constants = torch.cat((a[None], a - (along.abs() * short).cumsum(dim=0)))
    slopes = torch.cat((b[None], b - (along.abs() * along).cumsum(dim=0)))
    negative = breaks * slopes[:-1] < constants[:-1]
    piece = int(negative.sum())
    return constants[piece] / slopes[piece]
