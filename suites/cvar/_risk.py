"""The judge's own view of a CVaR problem: losses, conjugates and the exact CVaR, in float64.

Nothing here is shared with what methods see. Overflow gives infinity and no warning.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.cvar.problem import CVaRProblem, Domain, Loss

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Instance:
    """min over w in the domain of CVaR_beta(phi(A w)) + mu/2 ||w||^2.

    Attributes:
        A: (n, d) float64, one scenario a row.
        y: (n,) float64 responses, labels or demands.
        p: (n,) float64 probabilities, sum 1.
        over: slope of the absolute and the pinball loss above y.
        under: minus their slope below y.
    """

    A: Array
    y: Array
    p: Array
    loss: Loss
    beta: float
    mu: float
    domain: Domain
    over: float
    under: float

    @classmethod
    def of(cls, problem: CVaRProblem) -> Self:
        """Return the judge's view of a problem; arrays are shared, not copied."""
        over, under = problem.pinball if problem.loss == "pinball" else (1.0, 1.0)
        return cls(
            problem.A,
            problem.y,
            problem.p,
            problem.loss,
            problem.beta,
            problem.mu,
            problem.domain,
            over,
            under,
        )

    @property
    def smooth(self) -> bool:
        """Tell whether the loss is curved, not piecewise linear."""
        return self.loss in ("sq", "logistic")

    @cached_property
    def cap(self) -> Array:
        """The (n,) largest weights p / (1 - beta) that the risk envelope allows."""
        return self.p / (1.0 - self.beta)

    def start(self) -> Array:
        """Return the start that all methods share: 0, or uniform on the simplex."""
        d = self.A.shape[1]
        return np.full(d, 1.0 / d) if self.domain == "simplex" else np.zeros(d)

    def products(self, w: Array) -> Array:
        """Return the (n,) products A w."""
        with np.errstate(all="ignore"):
            z: Array = self.A @ w
        return z

    def values(self, z: Array) -> Array:
        """Return the losses at products z, elementwise."""
        with np.errstate(all="ignore"):
            match self.loss:
                case "sq":
                    return 0.5 * np.square(z - self.y)
                case "logistic":
                    return np.logaddexp(0.0, -self.y * z)
                case "linear":
                    return z
                case _:
                    return np.maximum(self.over * (z - self.y), self.under * (self.y - z))

    def slopes(self, z: Array) -> Array:
        """Return a derivative of each loss at products z; at a kink, the slope above it."""
        match self.loss:
            case "sq":
                return z - self.y
            case "logistic":
                slopes: Array = -self.y * np.exp(-np.logaddexp(0.0, self.y * z))
                return slopes
            case "linear":
                return np.ones_like(z)
            case _:
                return np.where(z >= self.y, self.over, -self.under)

    def curvatures(self, z: Array) -> Array:
        """Return the second derivative of each loss at products z."""
        if self.loss == "sq":
            return np.ones_like(z)
        if self.loss == "logistic":
            return np.asarray(np.exp(-np.logaddexp(0.0, z) - np.logaddexp(0.0, -z)))
        return np.zeros_like(z)

    def conjugates(self, t: Array) -> Array:
        """Return sup over z of t z - phi(z) for slopes t that ``clip_slopes`` allows."""
        match self.loss:
            case "sq":
                return t * self.y + 0.5 * t * t
            case "logistic":
                s = -self.y * t
                return _x_log_x(s) + _x_log_x(1.0 - s)
            case "linear":
                return np.zeros_like(t)
            case _:
                return t * self.y

    def clip_slopes(self, t: Array) -> Array:
        """Return slopes t moved into the domain of the conjugate, where it is finite."""
        match self.loss:
            case "sq":
                return t
            case "logistic":
                clipped: Array = -self.y * np.clip(-self.y * t, 0.0, 1.0)
                return clipped
            case "linear":
                return np.ones_like(t)
            case _:
                return np.clip(t, -self.under, self.over)

    def objective(self, w: Array) -> float:
        """Return CVaR_beta(phi(A w)) + mu/2 ||w||^2; infinity where it overflows."""
        return self.risk(self.values(self.products(w))) + self.penalty(w)

    def risk(self, losses: Array) -> float:
        """Return the exact CVaR of the (n,) losses."""
        return cvar(losses, self.p, self.beta)

    def penalty(self, w: Array) -> float:
        """Return mu/2 ||w||^2."""
        with np.errstate(all="ignore"):
            return 0.5 * self.mu * float(w @ w) if self.mu else 0.0

    def rows(self, index: Rows) -> Self:
        """Return the instance of some rows, with their probabilities as they are."""
        return replace(self, A=self.A[index], y=self.y[index], p=self.p[index])


def _x_log_x(x: Array) -> Array:
    positive = x > 0
    return x * np.log(np.where(positive, x, 1.0))


def cvar(losses: Array, p: Array, beta: float) -> float:
    """Return CVaR_beta of losses with probabilities p: the mean of the worst 1 - beta.

    The scenario at the value at risk counts with the fraction of its probability that fills the
    tail (Rockafellar & Uryasev 2002, doi:10.1016/S0378-4266(02)00271-6, proposition 8). Where a
    loss is infinite or NaN the result is infinite.
    """
    if not np.isfinite(losses).all():
        return np.inf
    q = tail_weights(losses, p, beta)
    inside = np.flatnonzero(q)
    with np.errstate(all="ignore"):
        return float(q[inside] @ losses[inside])


def tail_weights(losses: Array, p: Array, beta: float) -> Array:
    """Return the (n,) weights q, 0 <= q <= p / (1 - beta), sum 1, that maximise q . losses.

    Args:
        losses: (n,) finite losses.
        p: (n,) probabilities, sum 1.
        beta: level in [0, 1).
    """
    n = len(losses)
    cap = p / (1.0 - beta)
    # With equal probabilities the tail lies within the ceil(n (1 - beta)) + 1 largest losses.
    most = min(n, int(np.ceil(n * (1.0 - beta))) + 1) if np.ptp(p) == 0.0 else n
    largest = np.argpartition(losses, n - most)[n - most :] if most < n else np.arange(n)
    largest = largest[np.argsort(-losses[largest], kind="stable")]
    # A million roundings would show beside gaps of 1e-12.
    filled = np.cumsum(cap[largest], dtype=np.longdouble)
    room = (1.0 - (filled - cap[largest])).astype(np.float64)
    q = np.zeros(n)
    q[largest] = np.clip(room, 0.0, cap[largest])
    return q


def value_at_risk(losses: Array, q: Array) -> float:
    """Return the smallest loss that carries tail weight."""
    return float(losses[q > 0].min())


def project_simplex(v: Array) -> Array:
    """Return the point of {w >= 0, sum w = 1} nearest to v, exact up to rounding.

    By sorting (Held, Wolfe & Crowder 1974, doi:10.1007/BF01580223).
    """
    # Equal shifts do not move the projection; this one keeps large entries from cancelling.
    with np.errstate(all="ignore"):
        shifted = v - v.max()
        descending = np.sort(shifted)[::-1]
        thresholds = (np.cumsum(descending) - 1.0) / np.arange(1, len(v) + 1)
    support = np.flatnonzero(descending > thresholds)[-1]
    w: Array = np.maximum(shifted - thresholds[support], 0.0)
    w /= w.sum()
    return w
