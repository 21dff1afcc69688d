"""ADA-CVaR: adaptive sampling for stochastic risk-averse learning (Curi et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tiltyard import implementation
from tiltyard.implementations.cvar._state import Array, SetPlayer
from tiltyard.implementations.cvar._stochastic import (
    answer,
    chunk,
    rows_of,
    start_point,
    tail_distribution,
)
from tiltyard.suites.cvar.problem import CVaRProblem


@implementation(
    suite="cvar",
    cites="arXiv:1910.12511",
    tune={
        "step": (1e-4, 1e2, "log"),
        "eta": (1e-2, 1e2, "log"),
        "gamma": (0.0, 0.01, 0.1),
        "average": (True, False),
    },
    requires={
        "domain": ("free",),
        "weighted": (False,),
        "loss": ("abs", "sq", "logistic", "pinball"),
    },
)
def ada_cvar(
    problem: CVaRProblem,
    rng: np.random.Generator,
    *,
    step: float = 0.1,
    eta: float = 1.0,
    gamma: float = 0.0,
    average: bool = True,
) -> Iterator[tuple[Array, float]]:
    """ADA-CVaR: a sampler that learns the tail with k.EXP3 plays against a gradient learner.

    The sampler keeps a weight u_i for each scenario and stands for the k-DPP, P(S) proportional to
    the product of u_i over i in S, on sets of k = ceil(n (1 - beta)) scenarios. In round t

        i drawn with probability P(i) / k, where P(i) is the marginal of i,
        w <- (w - step_t grad l_i(w)) / (1 + step_t mu),
        u_i <- u_i exp(-eta_t (1 - r_i) / P(i)),  r_i = min(max(l_i(w) / unit, 0), 1).

    The paper's: the game, the two players, the estimate that divides by the marginal, the marginals
    P(i) = u_i e^nu / (1 + u_i e^nu) with nu such that they sum to k (an approximation of the
    k-DPP's with error O(1/k)), and draws and updates in O(log n) in a sum tree. The authors'
    published code: eta_t = eta sqrt(log(1/a) / a) / sqrt(t + 1), at most 1, with a = 1 - beta;
    gamma = 0; losses clipped to [0, 1]. Ours: the unit, which is the CVaR at the start and makes
    eta free of units, in one charged data pass; nu is solved for anew once in n steps, or sooner
    once the marginals' sum is off by a tenth, and they are normalised in between; step_t = step /
    sqrt(t + 1), its default, the averaging, and the proximal treatment of mu.

    It minimises the mean of the k largest losses, which is the CVaR where n (1 - beta) is whole.
    The answered alpha is the k-th largest of the losses last seen, one of each scenario.

    Args:
        problem: a cvar problem on the free domain whose scenarios weigh the same and whose loss is
            not negative, which the clipped reward assumes.
        rng: draws the scenarios.
        step: lambda, in the units of the data.
        eta: multiplies the sampler's learning rate.
        gamma: share of uniform exploration in the marginals.
        average: answer with the polynomial-decay average of the iterates, else with the last one.
    """
    from tiltyard.implementations.cvar._kernels import set_player_steps

    n, tail = problem.n, 1.0 - problem.beta
    k = math.ceil(n * tail - 1e-9)
    point, rows, size = start_point(problem), rows_of(problem), chunk(problem)
    losses = problem.losses(point.w)
    q, _ = tail_distribution(problem, losses)
    rate = eta * math.sqrt(max(-math.log(tail), 0.0) / tail)
    leaves = 4 ** math.ceil(math.log(n, 4) - 1e-9)
    sampler = SetPlayer(np.zeros(n), np.zeros(2 * leaves), losses, 0.0, k / n, gamma, rate, 1.0)
    sampler = sampler._replace(unit=float(q @ losses) or 1.0)
    since = n
    while True:
        if since >= n or abs(sampler.tree[1] / k - 1.0) > 0.1:
            sampler, since = refreshed(sampler), 0
            point.state[0] = np.partition(losses, n - k)[n - k]
        set_player_steps(rows, rng.random(size), point, sampler, (float(step), float(problem.mu)))
        problem.count("sample", size)
        since += size
        yield answer(point, average=average)


def refreshed(sampler: SetPlayer) -> SetPlayer:
    """Return the sampler with nu solved for its weights, and its tree refilled in place."""
    offset = solve_offset(sampler.logits, sampler.share, sampler.offset)
    chosen = marginals(sampler.logits, offset)
    leaves, n = len(sampler.tree) // 2, len(chosen)
    sampler.tree[leaves : leaves + n] = (1.0 - sampler.gamma) * chosen
    sampler.tree[leaves : leaves + n] += sampler.gamma * sampler.share
    while leaves > 1:
        level = sampler.tree[leaves : 2 * leaves]
        leaves //= 4
        sampler.tree[leaves : 2 * leaves] = level.reshape(-1, 4).sum(axis=1)
    return sampler._replace(offset=offset)


def marginals(logits: Array, offset: float) -> Array:
    """Return the (n,) approximate marginals u e^nu / (1 + u e^nu), where u = exp(logits)."""
    from scipy.special import expit

    chosen: Array = expit(logits + offset)
    return chosen


def solve_offset(logits: Array, share: float, guess: float) -> float:
    """Return nu at which the marginals' mean is ``share``, by Newton's method in a bracket."""
    share = min(share, 1.0 - 1e-12)
    level = math.log(share / (1.0 - share))
    low, high = level - float(logits.max()), level - float(logits.min())
    offset = min(max(guess, low), high)
    for _ in range(100):
        chosen = marginals(logits, offset)
        error = float(chosen.mean()) - share
        if abs(error) <= 1e-13 * share:
            break
        low, high = (low, offset) if error > 0 else (offset, high)
        slope = float((chosen * (1.0 - chosen)).mean())
        newton = offset - error / slope if slope > 0 else low
        offset = newton if low < newton < high else 0.5 * (low + high)
    return offset
