"""The problem families of the cvar suite on real data.

A fraction of the rows is held out for the judge; features and responses are standardised with the
mean and deviation of the other rows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.dataset import Arrays
from tiltyard.datasets.returns import read_returns
from tiltyard.family import problem
from tiltyard.suites.cvar._checks import check, in_units, need_regularisation, with_intercept
from tiltyard.suites.cvar._tiers import TIERS
from tiltyard.suites.cvar.problem import Array, CVaRProblem, Loss

Rows = NDArray[np.intp]


def _diabetes(  # noqa: PLR0913 - a problem's parameters
    loss: Loss,
    rng: np.random.Generator,
    data: Arrays,
    *,
    beta: float = 0.95,
    mu: float = 1e-3,
    scale: float = 1.0,
    held_out: float = 0.2,
) -> CVaRProblem:
    """Progression of diabetes from ten measurements, standardised, with an intercept.

    ``scale`` is a change of units, see ``in_units``; the fraction ``held_out`` of the rows, drawn
    at random, is kept for the judge.
    """
    check(beta=beta, mu=mu, held_out=held_out, scale=scale)
    X, y = data["X"], data["y"]
    split = _split(rng, len(y), held_out)
    A = with_intercept(_standardise(X, split[0]))
    response = scale * _standardise(y, split[0])
    return _problem(A, response, split, loss=loss, beta=beta, mu=in_units(loss, mu, scale))


_LOSSES: tuple[tuple[str, Loss], ...] = (("diabetes-abs", "abs"), ("diabetes-sq", "sq"))
DIABETES = [
    problem(suite="cvar", name=name, tiers=TIERS[name], datasets=("diabetes",))(
        partial(_diabetes, loss)
    )
    for name, loss in _LOSSES
]


@problem(
    suite="cvar",
    name="breast-cancer-logistic",
    tiers=TIERS["breast-cancer-logistic"],
    datasets=("breast-cancer",),
)
def breast_cancer_logistic(
    rng: np.random.Generator,
    data: Arrays,
    *,
    beta: float = 0.95,
    mu: float = 1e-3,
    held_out: float = 0.2,
) -> CVaRProblem:
    """Benign or malignant from thirty features, standardised, with an intercept.

    The fraction ``held_out`` of the rows, drawn at random, is kept for the judge.
    """
    check(beta=beta, mu=mu, held_out=held_out)
    need_regularisation(mu)
    X, labels = data["X"], 2.0 * data["y"] - 1.0
    split = _split(rng, len(labels), held_out)
    A = with_intercept(_standardise(X, split[0]))
    return _problem(A, labels, split, loss="logistic", beta=beta, mu=mu)


@problem(suite="cvar", files=("csv",))
def portfolio_csv(
    rng: np.random.Generator,  # noqa: ARG001 - the contract's first argument
    *,
    csv: str = "",
    beta: float = 0.95,
    mu: float = 0.0,
    held_out: float = 0.2,
) -> CVaRProblem:
    """Portfolio of the assets in a CSV file of returns; the loss is minus the return.

    The last rows, the fraction ``held_out``, are kept for the judge.
    """
    check(beta=beta, mu=mu, held_out=held_out)
    _, returns = read_returns(csv)
    train = len(returns) - _test_size(len(returns), held_out)
    split = np.arange(train), np.arange(train, len(returns))
    y = np.zeros(len(returns))
    return _problem(-returns, y, split, loss="linear", beta=beta, mu=mu, domain="simplex")


def _test_size(n: int, fraction: float) -> int:
    """Return how many of n rows are held out; one row at least is not."""
    return min(int(fraction * n), n - 1)


def _split(rng: np.random.Generator, n: int, fraction: float) -> tuple[Rows, Rows]:
    """Return sorted row numbers: those of the problem, and those held out."""
    order = rng.permutation(n)
    test = _test_size(n, fraction)
    return np.sort(order[test:]), np.sort(order[:test])


def _standardise(values: Array, train: Rows) -> Array:
    """Return every column with mean 0 and deviation 1 over the rows of the problem."""
    part = values[train]
    standard: Array = (values - part.mean(axis=0)) / part.std(axis=0)
    return standard


def _problem(A: Array, y: Array, split: tuple[Rows, Rows], **rest: Any) -> CVaRProblem:
    train, test = split
    held_out = (A[test], y[test]) if len(test) else None
    return CVaRProblem(A=A[train], y=y[train], held_out=held_out, **rest)
