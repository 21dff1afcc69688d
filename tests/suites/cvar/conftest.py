"""Fixtures for the cvar suite."""

import numpy as np
import pytest

from tiltyard.registry import discover
from tiltyard.suites.cvar._risk import Instance
from tiltyard.suites.cvar.problem import CVaRProblem


@pytest.fixture(scope="session")
def found():
    """Return a registry of the built-in plug-ins alone."""
    return discover(())


@pytest.fixture(scope="session")
def build(found):
    """Return a function that builds a problem of the cvar suite by its name."""
    return lambda name: found.build("cvar", name)


@pytest.fixture(scope="session")
def solve_with_cvxpy():
    """Return a function that solves an instance by CVXPY, independently of the reference."""
    return _solve_with_cvxpy


@pytest.fixture(scope="session")
def small():
    """Return a function that makes a small random problem."""
    return _small


def _small(loss, *, domain="free", mu=0.1, beta=0.9, weighted=False, n=40, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n)
    p = rng.exponential(size=n)
    return CVaRProblem(
        A=rng.standard_normal((n, 3)),
        y=np.sign(y) if loss == "logistic" else y,
        loss=loss,
        beta=beta,
        mu=mu,
        p=p / p.sum() if weighted else np.empty(0),
        domain=domain,
        pinball=(1.0, 3.0) if loss == "pinball" else (1.0, 1.0),
    )


def _solve_with_cvxpy(problem):
    import cvxpy

    w, alpha = cvxpy.Variable(problem.d), cvxpy.Variable()
    z, y = problem.A @ w, problem.y
    over, under = problem.pinball
    losses = {
        "abs": lambda: cvxpy.abs(z - y),
        "sq": lambda: 0.5 * cvxpy.square(z - y),
        "logistic": lambda: cvxpy.logistic(-cvxpy.multiply(y, z)),
        "linear": lambda: z,
        "pinball": lambda: cvxpy.maximum(over * (z - y), under * (y - z)),
    }[problem.loss]()
    tail = Instance.of(problem).cap @ cvxpy.pos(losses - alpha)
    objective = alpha + tail + 0.5 * problem.mu * cvxpy.sum_squares(w)
    domain = [w >= 0, cvxpy.sum(w) == 1] if problem.domain == "simplex" else []
    value = cvxpy.Problem(cvxpy.Minimize(objective), domain).solve(solver="CLARABEL")
    return float(value)
