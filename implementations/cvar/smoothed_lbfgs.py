"""L-BFGS on the chi-square smoothing of the CVaR, with continuation."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import implementation
from tiltyard.implementations.cvar._lbfgs import Pairs, lbfgs
from tiltyard.suites.cvar.problem import CVaRProblem, loss_slopes, loss_values

Array = NDArray[np.float64]


@implementation(
    suite="cvar",
    cites="doi:10.1007/s10107-004-0552-5",
    tune={"smoothing": (1e-3, 1e1, "log"), "shrink": (0.03, 0.1, 0.3), "memory": (5, 10, 20)},
    devices=("cpu", "cuda"),
    requires={"domain": ("free",)},
)
def smoothed_lbfgs(
    problem: CVaRProblem,
    rng: np.random.Generator,  # noqa: ARG001 - part of the contract
    *,
    smoothing: float = 0.1,
    shrink: float = 0.1,
    memory: int = 10,
) -> Iterator[tuple[Array, float]]:
    """Minimise the CVaR smoothed by a chi-square penalty with L-BFGS, and lower the smoothing.

    The CVaR is the maximum of sum_i q_i l_i over 0 <= q_i <= c p_i, sum q = 1, c = 1 / (1 - beta).
    Subtracting nu/2 sum_i (q_i - p_i)^2 / p_i makes it smooth in l (Nesterov 2005), lower by at
    most nu (c - 1) / 2, with gradient q_i = p_i clip((l_i - tau) / nu, 0, c), where tau makes q sum
    to one. Each stage starts where the last ended, with its curvature pairs, and ends once the
    predicted decrease is below a thousandth of nu c.

    nu = smoothing * shrink^stage * S / c, where S is the CVaR at the start: the parameters have no
    unit. It returns once smoothing * shrink^stage is below 1e-9. Stages, constants and defaults are
    ours. The loss itself is not smoothed: a kink of ``abs`` or ``pinball`` matters only inside the
    tail.

    A value with its gradient charges n samples. On the GPU the data stay there and d numbers
    travel. The answered alpha is tau, which tends to the VaR with the smoothing.

    Args:
        problem: a cvar problem on the free domain.
        rng: unused: the method is deterministic.
        smoothing: nu in the first stage, relative.
        shrink: factor of nu from stage to stage, in (0, 1).
        memory: number of curvature pairs.
    """
    w, _ = problem.start()
    oracle = SmoothedCVaR(problem)
    value = abs(oracle(w)[0])
    # A linear loss is zero at w = 0: what some processors leave of the penalty there is rounding.
    scale = value if value > 1e-6 * oracle.nu else 1.0
    pairs: Pairs = deque(maxlen=memory)
    while smoothing > 1e-9:
        oracle.nu = smoothing * scale / oracle.c
        for iterate in lbfgs(oracle, w, pairs, 1e-3 * oracle.nu * oracle.c):
            w = iterate
            yield w.copy(), oracle.tau
        smoothing *= shrink
    yield w.copy(), oracle.tau


class SmoothedCVaR:
    """Value and gradient of the smoothed objective, in NumPy or, on a GPU, in torch.

    Attributes:
        nu: weight of the chi-square penalty, > 0, in the units of the loss.
        c: 1 / (1 - beta).
        tau: the threshold of the latest call; the next one starts its search there.
    """

    def __init__(self, problem: CVaRProblem) -> None:
        """Take the problem's arrays where the run is to work."""
        self._problem = problem
        self._xp: ModuleType = np
        self._data: tuple[Any, Any, Any] = (problem.A, problem.y, problem.p)
        if problem.device != "cpu":
            import torch

            self._xp, self._data = torch, problem.tensors()
        self.c = 1.0 / (1.0 - problem.beta)
        self.nu, self.tau = 1e-9, 0.0

    @np.errstate(all="ignore")
    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return the value and the float64 (d,) gradient at w, float64 (d,); charges n samples."""
        problem, xp = self._problem, self._xp
        A, y, p = self._data
        problem.count("sample", problem.n)
        z = A @ xp.asarray(w, device=A.device)
        losses, slopes = loss_values(xp, problem, z, y), loss_slopes(xp, problem, z, y)
        u, self.tau = capped_weights(xp, losses, p, (self.nu, self.c), self.tau)
        pu = p * u
        value = float(pu @ losses) - 0.5 * self.nu * (float(pu @ u) - 1.0)
        gradient = A.T @ (pu * slopes)
        gradient = gradient if xp is np else gradient.cpu().numpy()
        return value + 0.5 * problem.mu * float(w @ w), gradient + problem.mu * w


def capped_weights(
    xp: ModuleType, losses: Any, p: Any, penalty: tuple[float, float], guess: float
) -> tuple[Any, float]:
    """Return u = clip((losses - tau) / nu, 0, c) with sum p u = 1, and tau.

    p u is the projection of p (1 + losses / nu) onto {q : 0 <= q <= c p, sum q = 1} in the norm
    weighted by 1 / p. Newton's method on the piecewise linear sum ends at the exact root once it
    reaches its piece; a bracket, halved where Newton leaves it, makes it end in any case.

    Args:
        xp: ``numpy`` or ``torch``.
        losses: (n,) float64.
        p: (n,) float64, sums to 1.
        penalty: (nu, c), both positive.
        guess: where the search starts.
    """
    nu, c = penalty
    low, high = float(losses.min()) - c * nu, float(losses.max())
    tau = min(max(guess, low), high)
    for _ in range(200):
        u = xp.clip((losses - tau) / nu, 0.0, c)
        excess = float(p @ u) - 1.0
        low, high = (tau, high) if excess > 0.0 else (low, tau)
        slope = float(p[(u > 0.0) & (u < c)].sum()) / nu
        newton = tau + excess / slope if slope > 0.0 else low
        following = newton if low < newton < high else 0.5 * (low + high)
        if abs(excess) <= 1e-14 or following in (low, high, tau):
            break
        tau = following
    return u, tau
