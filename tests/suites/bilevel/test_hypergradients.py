"""The hypergradient track: models at their starts, not optimal; the judge knows the answer."""

import numpy as np
import pytest
import torch

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry


def build(name):
    return registry().build("bilevel", name)


@pytest.mark.parametrize(
    "name", ["hypergradient-quad", "hypergradient-tv2[size=8]", "hypergradient-mlr-digits"]
)
def test_the_judge_scores_a_hypergradient(name):
    problem = build(name)
    assert problem.facts["track"] == "hypergradient"
    assert problem.held_out is None
    judge = registry().suite("bilevel").judge(problem)
    zero = judge.score(judge.accept({"hypergradient": np.zeros(problem.dim_x)}))
    assert zero.metrics["gap"] == pytest.approx(1.0)
    # Not optimal: the gradient is no rounding.
    assert zero.metrics["gradient"] > 1e-3


def test_a_quadratics_hypergradient_is_known():
    problem = build("hypergradient-quad[dim_x=4,dim_y=9,conditioning=100]")
    A, C, a, E, H, K, e, h = (problem.model.arrays[f"mean_{name}"] for name in "ACaEHKeh")
    x = problem.model.arrays["x0"]
    y = -np.linalg.solve(A, C.T @ x + a)
    q = np.linalg.solve(A, E @ y + K.T @ x + e)
    exact = H @ x + K @ y + h - C @ q
    judge = registry().suite("bilevel").judge(problem)
    found = judge.score(judge.accept({"hypergradient": exact}))
    assert found.metrics["gap"] <= 1e-10


def test_total_variation_is_as_ill_conditioned_as_it_says():
    problem = build("hypergradient-tv2").on("cpu")
    x, y = problem.start()
    assert problem.curvature(x)[1] == pytest.approx(1.0 + 8.0 * np.exp(3.0))
    assert torch.equal(y, torch.zeros_like(y))
    with pytest.raises(TiltyardError, match="is not in"):
        build("hypergradient-tv2[weight=1]")
