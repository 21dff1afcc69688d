"""The generated problem families of the cvar suite.

Regression and classification with three kinds of noise, portfolios and the newsvendor. Every
generated problem comes with as many held-out rows as it has scenarios, 10,000 at most.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from tiltyard.family import problem
from tiltyard.suites.cvar._checks import check, in_units, need_regularisation, with_intercept
from tiltyard.suites.cvar._tiers import TIERS
from tiltyard.suites.cvar.problem import Array, CVaRProblem, Loss

HELD_OUT_LIMIT = 10_000
TAIL_INDEX = 2.1


def _noise(kind: str, rng: np.random.Generator, n: int) -> Array:
    """Return (n,) noise, centred at its median: standard normal, lognormal(0, 1), or Lomax.

    The Lomax (Pareto II) noise has tail index 2.1, so its variance is barely finite.
    """
    match kind:
        case "normal":
            return rng.standard_normal(n)
        case "lognormal":
            return rng.lognormal(size=n) - 1.0
        case _:
            median = 2.0 ** (1.0 / TAIL_INDEX) - 1.0
            return np.asarray(rng.pareto(TAIL_INDEX, n) - median)


def _regression(  # noqa: PLR0913 - a problem's parameters
    noise: str,
    loss: Loss,
    rng: np.random.Generator,
    *,
    n: int = 1000,
    d: int = 10,
    beta: float = 0.95,
    mu: float = 1e-3,
    scale: float = 1.0,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> CVaRProblem:
    """Linear regression, y = X w + noise, with standard normal X and an intercept.

    The true w is normal with variance 1/d, so the signal has variance one. ``scale`` is a change
    of units: see ``in_units``.
    """
    check(n=n, d=d, beta=beta, mu=mu, scale=scale)
    w = rng.standard_normal(d) / np.sqrt(d)

    def draw(rows: int) -> tuple[Array, Array]:
        X = rng.standard_normal((rows, d))
        y = X @ w + _noise(noise, rng, rows)
        return with_intercept(X), scale * y

    A, y = draw(n)
    held_out = draw(min(n, HELD_OUT_LIMIT))
    mu = in_units(loss, mu, scale)
    return CVaRProblem(A=A, y=y, loss=loss, beta=beta, mu=mu, held_out=held_out)


def _classification(  # noqa: PLR0913 - a problem's parameters
    noise: str,
    rng: np.random.Generator,
    *,
    n: int = 1000,
    d: int = 10,
    beta: float = 0.95,
    mu: float = 1e-3,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> CVaRProblem:
    """Logistic regression on two balanced classes whose margins are noisy.

    With b = +-1 the label, x = g + b (s - noise) v for a standard normal g and a direction v of
    unit length, so that noise moves a point towards the other class. At w = 0 all losses tie at
    log 2, and w = 0 is the minimiser unless the worst margins have a positive mean; s is
    therefore 1.25 times the mean of the worst per cent, which serves every beta up to 0.99.
    """
    check(n=n, d=d, beta=beta, mu=mu)
    need_regularisation(mu)
    v = rng.standard_normal(d)
    v /= np.linalg.norm(v)

    def draw(rows: int) -> tuple[Array, Array, Array]:
        labels = rng.choice([-1.0, 1.0], rows)
        return rng.standard_normal((rows, d)), labels, _noise(noise, rng, rows)

    def place(X: Array, labels: Array, towards: Array) -> tuple[Array, Array]:
        X += (labels * (separation - towards))[:, None] * v
        return with_intercept(X), labels

    X, labels, towards = draw(n)
    worst = np.sort(towards - labels * (X @ v))[-max(1, n // 100) :]
    separation = 1.25 * worst.mean()
    A, y = place(X, labels, towards)
    held_out = place(*draw(min(n, HELD_OUT_LIMIT)))
    return CVaRProblem(A=A, y=y, loss="logistic", beta=beta, mu=mu, held_out=held_out)


SYNTHETIC = [
    problem(suite="cvar", name=name, tiers=TIERS[name])(build)
    for noise in ("normal", "lognormal", "pareto")
    for name, build in (
        (f"{noise}-abs", partial(_regression, noise, "abs")),
        (f"{noise}-sq", partial(_regression, noise, "sq")),
        (f"{noise}-logistic", partial(_classification, noise)),
    )
]


@problem(suite="cvar", tiers=TIERS["portfolio"])
def portfolio(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    n: int = 1000,
    d: int = 20,
    beta: float = 0.95,
    mu: float = 0.0,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> CVaRProblem:
    """Portfolio of d assets whose daily returns follow a factor model with fat tails.

    return = mean + exposure . factors + volatility * shock. The three factors and the shocks are
    Student t with four degrees of freedom and unit variance; exposures are normal around
    (1, 0, 0) with deviation 0.3, times one per cent; volatilities are uniform in 0.5 to 2.5 per
    cent; means grow with the volatility, 0.01 to 0.15 per cent a day. The loss is minus the return.
    """
    check(n=n, d=d, beta=beta, mu=mu)
    volatility = rng.uniform(0.005, 0.025, d)
    mean = 0.04 * volatility * rng.uniform(0.5, 1.5, d)
    exposure = 0.01 * (np.array([1.0, 0.0, 0.0]) + 0.3 * rng.standard_normal((d, 3)))

    def draw(rows: int) -> tuple[Array, Array]:
        unit = np.sqrt(0.5)  # the variance of Student t with four degrees of freedom is 2
        factors = unit * rng.standard_t(4, (rows, 3))
        shocks = unit * rng.standard_t(4, (rows, d))
        return -(mean + factors @ exposure.T + volatility * shocks), np.zeros(rows)

    A, y = draw(n)
    held_out = draw(min(n, HELD_OUT_LIMIT))
    return CVaRProblem(
        A=A, y=y, loss="linear", beta=beta, mu=mu, domain="simplex", held_out=held_out
    )


@problem(suite="cvar", tiers=TIERS["newsvendor"])
def newsvendor(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    n: int = 1000,
    beta: float = 0.95,
    over: float = 1.0,
    under: float = 4.0,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> CVaRProblem:
    """One order under n lognormal demands, 100 exp(N(0, 1/4)), with linear costs of being wrong.

    ``over`` and ``under`` are the costs of a unit too many and too few. Gotoh & Takano (2007),
    European Journal of Operational Research 179, 80-96, give the optimal order in closed form.
    """
    check(n=n, beta=beta, over=over, under=under)

    def draw(rows: int) -> tuple[Array, Array]:
        return np.ones((rows, 1)), 100.0 * rng.lognormal(0.0, 0.5, rows)

    A, y = draw(n)
    return CVaRProblem(
        A=A,
        y=y,
        loss="pinball",
        beta=beta,
        mu=0.0,
        pinball=(over, under),
        held_out=draw(min(n, HELD_OUT_LIMIT)),
    )
