"""The least-squares problem: it is what its docstring says, and its optimum is exact."""

import numpy as np
import pytest
import torch

from tests.suites.bilevel.agreement import assert_curvature, assert_derivatives
from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.bilevel._reference import computed
from tiltyard.suites.bilevel.least_squares import maid_quad


def test_levels_are_least_squares_without_their_constants():
    n, m = 30, 4
    model = maid_quad.build(np.random.default_rng(0), n=n, m=m).model.on("cpu")
    rng = np.random.default_rng(0)
    P, Q, R = rng.random((3, n, m))
    u, v, w = rng.random((3, m))
    noise = 0.01 * rng.standard_normal((2, n))
    p, q = P @ u + noise[0], Q @ v + R @ w + noise[1]
    x, y = rng.standard_normal((2, m))
    at = torch.from_numpy(x), torch.from_numpy(y), None
    upper = 0.5 * np.sum((P @ y - p) ** 2) - 0.5 * p @ p
    assert float(model.upper(*at)) == pytest.approx(upper, rel=1e-12)
    # f lacks what depends on x alone, which moves no solution.
    other = torch.from_numpy(x), torch.zeros(m).double(), None
    lower = 0.5 * np.sum((Q @ y + R @ x - q) ** 2) - 0.5 * np.sum((R @ x - q) ** 2)
    assert float(model.lower(*at)) - float(model.lower(*other)) == pytest.approx(lower, rel=1e-10)
    np.testing.assert_array_equal(model.x0, np.ones(m))
    np.testing.assert_array_equal(model.y0, v)
    assert_derivatives(model)
    assert_curvature(model)


def test_the_optimum_is_exact():
    problem = registry().build("bilevel", "maid-quad")
    found = computed(problem.model)
    assert found is not None
    A, C, a, E, e = (problem.model.arrays[f"mean_{name}"] for name in "ACaEe")

    def phi(x):
        y = -np.linalg.solve(A, C.T @ x + a)
        return y @ (0.5 * E @ y + e)

    assert phi(found.x) == pytest.approx(found.value, abs=1e-9)
    for step in np.random.default_rng(0).standard_normal((20, len(found.x))):
        assert phi(found.x + step) > found.value
    judge = registry().suite("bilevel").judge(problem)
    metrics = judge.score(judge.accept({"x": found.x})).metrics
    assert metrics["gradient"] <= 1e-8
    assert metrics["gap"] <= 1e-10


@pytest.mark.parametrize("name", ["maid-quad[m=0]", "maid-quad[n=5,m=6]"])
def test_sizes_that_make_no_problem_are_refused(name):
    with pytest.raises(TiltyardError, match="at least 1 and at most"):
        registry().build("bilevel", name)
