"""What a method of the cvar suite sees.

Minimise F(w) = CVaR_beta(l(w)) + mu/2 ||w||^2 over w in the domain, where the scenario
l_i(w) = loss(a_i . w, y_i) has probability p_i. By
Rockafellar & Uryasev (2000), doi:10.21314/JOR.2000.038,
F(w) = min over alpha of alpha + 1/(1-beta) sum_i p_i (l_i(w) - alpha)_+ + mu/2 ||w||^2.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from tiltyard.names import Value
from tiltyard.suite import Problem

Array = NDArray[np.float64]
Loss = Literal["abs", "sq", "logistic", "linear", "pinball"]
Domain = Literal["free", "simplex"]


@dataclass(eq=False, kw_only=True)
class CVaRProblem(Problem):
    """One CVaR problem with finitely many scenarios.

    An answer is a pair ``(w, alpha)``: w a float64 array of shape (d,), alpha a finite float, the
    method's estimate of the value at risk.

    The losses of z = a . w: ``abs`` |z - y|; ``sq`` (z - y)^2 / 2; ``logistic`` log(1 + exp(-y z))
    with y in {-1, 1}; ``linear`` z (y is unused); ``pinball`` over * (z - y)_+ + under * (y - z)_+.

    Attributes:
        A: (n, d) float64, row-major, read-only; a regression's intercept is its last column.
        y: (n,) float64, read-only.
        p: (n,) float64 probabilities that sum to 1, read-only; all 1/n where none are given.
        beta: the CVaR's level, in [0, 1).
        mu: weight of the squared Euclidean norm, >= 0.
        domain: ``free`` is R^d; ``simplex`` is {w >= 0, sum w = 1}.
        pinball: (over, under), both positive; (1, 1) but for the pinball loss.
        held_out: (A, y) of rows for the judge alone; None on what a method sees.
    """

    A: Array
    y: Array
    loss: Loss
    beta: float
    mu: float
    p: Array = field(default_factory=lambda: np.empty(0))
    domain: Domain = "free"
    pinball: tuple[float, float] = (1.0, 1.0)
    held_out: tuple[Array, Array] | None = None
    _tensors: dict[str, tuple[Any, Any, Any]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        n, d = self.A.shape
        self.A = np.ascontiguousarray(self.A, dtype=np.float64)
        uniform = not self.p.size
        if uniform:
            self.p = np.full(n, 1.0 / n)
        for array in (self.A, self.y, self.p):
            array.setflags(write=False)
        self.facts: dict[str, Value] = {
            "loss": self.loss,
            "domain": self.domain,
            "n": n,
            "d": d,
            "beta": self.beta,
            "mu": self.mu,
            "weighted": not uniform,
        }

    @property
    def n(self) -> int:
        """Number of scenarios."""
        return len(self.A)

    @property
    def d(self) -> int:
        """Number of variables, a regression's intercept included."""
        return int(self.A.shape[1])

    def start(self) -> tuple[Array, float]:
        """Return the start every method shares: w = 0, or uniform on the simplex, and alpha = 0."""
        w = np.full(self.d, 1.0 / self.d) if self.domain == "simplex" else np.zeros(self.d)
        return w, 0.0

    def losses(self, w: Array) -> Array:
        """Return the (n,) losses at w; charges n samples."""
        self.count("sample", self.n)
        values: Array = loss_values(np, self, self.A @ w, self.y)
        return values

    def losses_and_slopes(self, w: Array) -> tuple[Array, Array]:
        """Return the (n,) losses and slopes s, grad l_i = s_i a_i; charges n samples."""
        self.count("sample", self.n)
        z = self.A @ w
        return loss_values(np, self, z, self.y), loss_slopes(np, self, z, self.y)

    def tensors(self) -> tuple[Any, Any, Any]:
        """Return A, y, p as float64 torch tensors on the run's device (shared on the CPU)."""
        if self.device not in self._tensors:
            import torch

            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message=".*not writable.*")
                a, y, p = (torch.from_numpy(x).to(self.device) for x in (self.A, self.y, self.p))
            self._tensors[self.device] = a, y, p
        return self._tensors[self.device]

    def on(self, device: str) -> Self:
        """Return this problem for one run, without its held-out rows."""
        fresh = super().on(device)
        fresh.held_out = None
        if device != "cpu":
            fresh.tensors()
        return fresh


def loss_values(xp: ModuleType, problem: CVaRProblem, z: Any, y: Any) -> Any:
    """Return the losses at products z, elementwise; xp is ``numpy`` or ``torch``."""
    match problem.loss:
        case "abs":
            return xp.abs(z - y)
        case "sq":
            return 0.5 * (z - y) ** 2
        case "logistic":
            t = -y * z
            return xp.where(t > 0, t, 0.0 * t) + xp.log1p(xp.exp(-xp.abs(t)))
        case "linear":
            return z
        case "pinball":
            over, under = problem.pinball
            return xp.where(z > y, over * (z - y), under * (y - z))


def loss_slopes(xp: ModuleType, problem: CVaRProblem, z: Any, y: Any) -> Any:
    """Return a derivative (at a kink: a subderivative) of each loss in z; xp as in loss_values."""
    match problem.loss:
        case "abs":
            return xp.sign(z - y)
        case "sq":
            return z - y
        case "logistic":
            e = xp.exp(-xp.abs(y * z))
            return -y * xp.where(y * z > 0, e / (1 + e), 1 / (1 + e))
        case "linear":
            return xp.ones_like(z)
        case "pinball":
            over, under = problem.pinball
            slope = xp.where(z > y, over + 0 * z, -under + 0 * z)
            return xp.where(z == y, 0 * z, slope)
