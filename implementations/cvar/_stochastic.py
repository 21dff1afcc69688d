"""What the cvar suite's stochastic methods share: draws, chunks, averaging and scales."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tiltyard.implementations.cvar._state import CODES, Array, Model, Picks, Point, Rows
from tiltyard.suites.cvar.problem import CVaRProblem


def chunk(problem: CVaRProblem) -> int:
    """Return the number of samples between two answers: a tenth of the data, at least 128.

    A tenth shows the first pass in detail; 128 keep the cost of an answer below that of its steps.
    """
    return max(128, problem.n // 10)


def rows_of(problem: CVaRProblem) -> Rows:
    """Return the problem's scenarios as the compiled loops read them."""
    over, under = problem.pinball
    return Rows(problem.A, problem.y, CODES[problem.loss], float(over), float(under))


def draws(problem: CVaRProblem, rng: np.random.Generator) -> Callable[[int], Picks]:
    """Return a function of a size that draws so many scenarios from p, independently."""
    n = problem.n
    if not problem.facts["weighted"]:
        return lambda size: rng.integers(n, size=size)
    return weighted_draws(problem.p, rng)


def weighted_draws(p: Array, rng: np.random.Generator) -> Callable[[int], Picks]:
    """Return a function of a size that draws so many indices from the (n,) probabilities p."""
    support = np.flatnonzero(p)
    edges = np.cumsum(p[support])
    # Only the inner edges decide; the last bin takes what rounding leaves.
    inner = edges[:-1] / edges[-1]
    return lambda size: support[np.searchsorted(inner, rng.random(size), side="right")]


def scales(problem: CVaRProblem) -> tuple[float, float]:
    """Return a loss scale L and a squared-gradient scale G2, from one charged pass at the start.

    They are the medians of |l_i| and ||grad l_i||^2 under p: a minority of wild scenarios does not
    move them, and L -> sL, G2 -> t^2 G2 when losses scale by s and gradients by t. Where a median
    is zero the mean stands in, and 1 where that is zero too.
    """
    w, _ = problem.start()
    losses, slopes = problem.losses_and_slopes(w)
    squares = slopes**2 * np.einsum("ij,ij->i", problem.A, problem.A)
    p = problem.p
    return _central(np.abs(losses), p), _central(squares, p)


def _central(values: Array, p: Array) -> float:
    order = np.argsort(values)
    median = values[order[np.searchsorted(np.cumsum(p[order]), 0.5)]]
    return float(median) or float(p @ values) or 1.0


def tail_distribution(problem: CVaRProblem, losses: Array) -> tuple[Array, float]:
    """Return the (n,) weights q whose dot product with the losses is their CVaR, and the VaR.

    q_i = p_i / (1 - beta) for the largest losses, as far as they fit into a sum of 1; the next
    loss, the VaR, has the remainder. So a fractional tail and unequal p are exact.
    """
    p, tail = problem.p, 1.0 - problem.beta
    top = np.arange(problem.n)
    if not problem.facts["weighted"]:
        # Only the tail and the loss below it need to be in order.
        size = min(int(problem.n * tail) + 1, problem.n)
        top = np.argpartition(losses, problem.n - size)[problem.n - size :]
    top = top[np.argsort(-losses[top])]
    mass = p[top]
    before = np.cumsum(mass) - mass
    q = np.zeros(problem.n)
    q[top] = np.clip(tail - before, 0.0, mass) / tail
    at_var = np.searchsorted(before, tail * (1.0 - 1e-12)) - 1
    return q, float(losses[top[at_var]])


def scaled_steps(problem: CVaRProblem, step: float) -> tuple[float, float]:
    """Return (step L / G2, step L), the step sizes of w and alpha for a unit-free step."""
    loss_scale, square_scale = scales(problem)
    return step * loss_scale / square_scale, step * loss_scale


def start_point(problem: CVaRProblem) -> Point:
    """Return the start as the compiled loops update it."""
    w, alpha = problem.start()
    return Point(w, w.copy(), np.array([alpha, alpha, 0.0]))


def answer(point: Point, *, average: bool) -> tuple[Array, float]:
    """Return a copy of the point as (w, alpha): its average, or its last iterate."""
    if average:
        return point.mean.copy(), float(point.state[1])
    return point.w.copy(), float(point.state[0])


def model_based(
    problem: CVaRProblem,
    rng: np.random.Generator,
    steps: tuple[float, float],
    *,
    prox: bool,
    average: bool,
) -> Iterator[tuple[Array, float]]:
    """Run the stochastic subgradient or prox-linear method and yield (w, alpha) after each chunk.

    Args:
        problem: any cvar problem; the prox-linear model needs the free domain.
        rng: draws the scenarios.
        steps: step sizes of w and alpha; step t divides both by sqrt(t + 1).
        prox: the prox-linear model, else the subgradient model.
        average: yield the averaged iterate instead of the last one.
    """
    from tiltyard.implementations.cvar._kernels import model_steps

    lw, la = steps
    c, simplex = 1.0 / (1.0 - problem.beta), problem.domain == "simplex"
    # Floats throughout: an integer would compile the loop once more.
    model = Model(float(lw), float(la), c, float(problem.mu), prox, simplex)
    point = start_point(problem)
    rows, draw, size = rows_of(problem), draws(problem, rng), chunk(problem)
    while True:
        model_steps(rows, draw(size), point, model)
        problem.count("sample", size)
        yield answer(point, average=average)
