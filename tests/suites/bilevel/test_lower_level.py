"""The judge's own solutions of lower levels without constraints."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.bilevel.small import Ridge, quadratic
from tiltyard.suites.bilevel._conjugate_gradients import conjugate_gradients
from tiltyard.suites.bilevel._lower_level import TOLERANCE, Local, LowerLevel
from tiltyard.suites.bilevel.model import Model

sizes = st.integers(1, 8)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), dim_x=sizes, dim_y=sizes)
def test_quadratic_is_solved_to_rounding(seed, dim_x, dim_y):
    model = quadratic(seed, dim_x, dim_y)
    A, C, a = (model.arrays[f"mean_{name}"] for name in "ACa")
    x = np.random.default_rng(seed).standard_normal(dim_x)
    found = LowerLevel(model).solve(torch.from_numpy(x))
    assert np.allclose(found.y, -np.linalg.solve(A, x @ C + a), rtol=1e-11, atol=1e-11)
    assert found.residual <= TOLERANCE


@pytest.mark.parametrize("x", [-30.0, -6.0, 0.0, 10.0])
def test_ridge_is_solved_to_the_tolerance(x):
    model = Ridge()
    found = LowerLevel(model).solve(torch.tensor([x], dtype=torch.float64))
    slope = model.on("cpu").lower_gradient_y(found.x, found.y, None)
    assert float(slope.norm()) <= 1e-10
    assert found.residual <= TOLERANCE


def test_the_last_solution_is_the_start():
    level = LowerLevel(Ridge())
    x = torch.zeros(1, dtype=torch.float64)
    first = level.solve(x)
    assert torch.equal(level.solve(x).y, first.y)


class Wells(Model):
    """f = (y^2 - 1)^2 / 4 + y / 10: a lower minimum near -1, and one near 1."""

    convexity = "nonconvex"

    def __init__(self):
        super().__init__(np.zeros(1), np.array([0.9]))

    def upper(self, x, y, rows):
        return y.sum()

    def lower(self, x, y, rows):
        return 0.25 * (y.square() - 1.0).square().sum() + 0.1 * y.sum() + 0.0 * x.sum()


def test_a_start_decides_where_there_are_two_minima():
    level, x = LowerLevel(Wells()), torch.zeros(1, dtype=torch.float64)
    near = level.solve(x)
    far = level.solve(x, torch.tensor([-0.2], dtype=torch.float64))
    assert near.residual <= TOLERANCE
    assert far.residual <= TOLERANCE
    assert near.value > far.value
    assert float(far.y) < -1.0 < 0.9 < float(near.y)


def test_what_is_not_finite_is_told():
    found = LowerLevel(quadratic()).solve(torch.full((3,), 1e300, dtype=torch.float64) * 1e10)
    assert not math.isfinite(found.residual)


def test_hessian_equals_the_model_s():
    model = Ridge().on("cpu")
    x, y = torch.tensor([0.3], dtype=torch.float64), torch.linspace(-1, 1, 4, dtype=torch.float64)
    local = Local(lambda z: model.lower(x, z, None), y, model.n_lower)
    unit = torch.eye(4, dtype=torch.float64)
    columns = [model.hessian_product(x, y, column, None) for column in unit]
    assert torch.allclose(local.hessian(), torch.stack(columns), rtol=1e-13)
    assert torch.allclose(local.product(unit[1]), columns[1], rtol=1e-13)


def test_a_slow_system_is_factorised():
    model = quadratic(dim_y=40)
    A = model.arrays["mean_A"]
    vectors = np.linalg.eigh(A)[1]
    data = {name: model.arrays[name] for name in ("A", "C", "a", "E", "H", "K", "e", "h")}
    data["A"] = ((vectors * np.logspace(-6, 0, 40)) @ vectors.T)[None]
    data["A"] = 0.5 * (data["A"] + data["A"].transpose(0, 2, 1))
    level = LowerLevel(type(model)(data, model.arrays["x0"], np.zeros(40)))
    found = level.solve(level.model.x0)
    solved = level.linear(found.local, torch.ones(40, dtype=torch.float64), 1e-12)
    assert found.residual <= TOLERANCE
    assert solved.residual <= 1e-9
    assert level._inverse is not None


def test_conjugate_gradients_stop_at_negative_curvature():
    H = torch.diag(torch.tensor([1.0, -1.0], dtype=torch.float64))
    b = torch.tensor([0.1, 1.0], dtype=torch.float64)
    found = conjugate_gradients(lambda v: H @ v, b, tolerance=1e-12, limit=10)
    assert not found.convex
    assert torch.equal(found.q, b)


def test_conjugate_gradients_of_nothing():
    found = conjugate_gradients(
        lambda v: v, torch.zeros(2, dtype=torch.float64), tolerance=1e-12, limit=10
    )
    assert found.residual == 0.0
    assert not found.q.any()
