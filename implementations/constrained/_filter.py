"""The filter of pairs (violation, objective) that no later point may be dominated by."""

from __future__ import annotations

GAMMA_THETA, GAMMA_PHI = 1e-5, 1e-8
"""Margins of sufficient decrease: of the violation, and of the objective by the violation."""


class Filter:
    """Pairs at which a trial point must be better in one of the two.

    Wächter & Biegler (2006), section 2.3, doi:10.1007/s10107-004-0559-y.

    Args:
        highest: violations above it are never acceptable.
    """

    def __init__(self, highest: float) -> None:
        self._highest = highest
        self._pairs: list[tuple[float, float]] = []

    def accepts(self, theta: float, phi: float) -> bool:
        """Return whether no pair of the filter dominates this one; NaN is never accepted."""
        if not (theta <= self._highest and phi < float("inf")):
            return False
        return all(theta < t or phi < p for t, p in self._pairs)

    def add(self, theta: float, phi: float) -> None:
        """Take a pair in, with its margins; pairs that it dominates go."""
        new_theta, new_phi = (1.0 - GAMMA_THETA) * theta, phi - GAMMA_PHI * theta
        self._pairs = [(t, p) for t, p in self._pairs if t < new_theta or p < new_phi]
        self._pairs.append((new_theta, new_phi))

    def clear(self) -> None:
        """Forget all pairs."""
        self._pairs.clear()


def improves(theta: float, phi: float, old_theta: float, old_phi: float) -> bool:
    """Return whether a pair is better than an old one by the margins, rounding allowed for."""
    rounding = 1e-14 * abs(old_phi)
    return (
        theta <= (1.0 - GAMMA_THETA) * old_theta
        or phi - rounding <= old_phi - GAMMA_PHI * old_theta
    )
