"""The judge's gradient of Phi against finite differences and closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.bilevel.small import Coupled, Program, Ridge, Squeezed, quadratic
from tiltyard.suites.bilevel._constrained_level import ConstrainedLevel
from tiltyard.suites.bilevel._hypergradient import (
    constrained_hypergradient,
    hypergradient,
    projected_norm,
    self_test,
    upper,
)
from tiltyard.suites.bilevel._lower_level import LowerLevel
from tiltyard.suites.bilevel._reference import computed

sizes = st.integers(1, 8)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), dim_x=sizes, dim_y=sizes)
def test_quadratic_s_gradient_is_exact(seed, dim_x, dim_y):
    model = quadratic(seed, dim_x, dim_y)
    A, C, a, E, H, K, e, h = (model.arrays[f"mean_{name}"] for name in "ACaEHKeh")
    x = np.random.default_rng(seed).standard_normal(dim_x)
    y = -np.linalg.solve(A, x @ C + a)
    exact = H @ x + K @ y + h - C @ np.linalg.solve(A, E @ y + x @ K + e)
    level = LowerLevel(model)
    found = hypergradient(level, level.solve(torch.from_numpy(x)))
    assert np.allclose(found.gradient, exact, rtol=1e-10, atol=1e-10 * np.linalg.norm(exact))
    assert found.residual <= 1e-12


@pytest.mark.parametrize("model", [quadratic(), Ridge()])
def test_finite_differences_agree(model):
    level = LowerLevel(model)
    x = level.model.x0
    gradient = hypergradient(level, level.solve(x)).gradient
    assert self_test(lambda z: _phi(level, z), gradient, x) < 1e-6
    assert self_test(lambda z: _phi(level, z), 1.001 * gradient, x) > 1e-4


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_finite_differences_agree_with_constraints(seed, bent):
    level = ConstrainedLevel(Program(seed, bent=bent))
    x = level.model.x0
    found = constrained_hypergradient(level.solve(x))
    assert found is not None
    assert found.residual <= 1e-12
    assert self_test(lambda z: _phi(level, z), found.gradient, x) < 1e-6


def test_no_gradient_where_solutions_are_many():
    level = ConstrainedLevel(Coupled())
    assert constrained_hypergradient(level.solve(level.model.x0)) is None


def test_no_gradient_without_strict_complementarity():
    # At x = 1 both bounds meet: y = 1 is all there is, and its multipliers are not unique.
    level = ConstrainedLevel(Squeezed())
    assert constrained_hypergradient(level.solve(torch.ones(1, dtype=torch.float64))) is None


def test_projected_norm_counts_what_the_bounds_leave():
    model = Ridge(box=(0.0, 1.0)).on("cpu")
    zero = torch.zeros(1, dtype=torch.float64)
    assert projected_norm(model, zero, torch.ones(1, dtype=torch.float64)) == 0.0
    assert projected_norm(model, zero, -0.5 * torch.ones(1, dtype=torch.float64)) == 0.5


def test_gradient_vanishes_at_the_computed():
    model = quadratic(3)
    best = computed(model)
    level = LowerLevel(model)
    gradient = hypergradient(level, level.solve(torch.from_numpy(best.x))).gradient
    assert float(gradient.norm()) < 1e-10


def _phi(level, x):
    return upper(level.model, x, level.solve(x).y)
