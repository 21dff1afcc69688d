"""The judge's CVaR, losses, conjugates and projection are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from tiltyard.suites.cvar._risk import Instance, cvar, project_simplex, tail_weights

ONE_TO_TEN = np.arange(1.0, 11.0)
UNIFORM = np.full(10, 0.1)
numbers = st.floats(-100, 100)


@pytest.mark.parametrize(("beta", "expected"), [(0.0, 5.5), (0.75, 9.2), (0.9, 10.0), (0.95, 10.0)])
def test_cvar_of_one_to_ten(beta, expected):
    assert cvar(ONE_TO_TEN, UNIFORM, beta) == pytest.approx(expected, abs=1e-13)


def test_weights_split_the_atom_at_the_value_at_risk():
    p = np.array([0.5, 0.3, 0.2])
    # The worst half: 0.2 of 3.0 and 0.3 of 2.0.
    assert cvar(np.array([1.0, 2.0, 3.0]), p, 0.5) == pytest.approx((0.2 * 3 + 0.3 * 2) / 0.5)
    assert cvar(np.array([3.0, 1.0, 2.0]), p, 0.75) == pytest.approx(3.0)


def test_scenario_without_probability_does_not_count():
    assert cvar(np.array([1.0, 2.0, 1e9]), np.array([0.5, 0.5, 0.0]), 0.9) == pytest.approx(2.0)


def test_ties_and_constants():
    assert cvar(np.array([1.0, 5.0, 5.0, 5.0]), np.full(4, 0.25), 0.6) == pytest.approx(5.0)
    assert cvar(np.full(7, -3.0), np.full(7, 1 / 7), 0.3) == pytest.approx(-3.0)


def test_not_finite_is_infinite():
    assert cvar(np.array([1.0, np.inf]), np.full(2, 0.5), 0.5) == np.inf
    assert cvar(np.array([np.nan, 1.0]), np.full(2, 0.5), 0.5) == np.inf


@settings(max_examples=50)
@given(st.data())
def test_cvar_is_the_linear_program(data):
    n = data.draw(st.integers(1, 12))
    losses = data.draw(arrays(float, n, elements=numbers))
    raw = data.draw(arrays(float, n, elements=st.floats(0, 1)))
    p = raw / raw.sum() if raw.sum() > 0.01 and data.draw(st.booleans()) else np.full(n, 1 / n)
    beta = data.draw(st.sampled_from([0.0, 0.3, 0.5, 0.9, 0.99]))
    cap = p / (1 - beta)
    # A tail of exactly everything is infeasible to the solver by rounding.
    bounds = np.column_stack((np.zeros(n), cap * (1 + 1e-12)))
    best = linprog(-losses, A_eq=np.ones((1, n)), b_eq=[1.0], bounds=bounds)
    assert cvar(losses, p, beta) == pytest.approx(-best.fun, rel=1e-7, abs=1e-7)
    q = tail_weights(losses, p, beta)
    assert q.min() >= 0
    assert (q <= cap * (1 + 1e-15)).all()
    assert q.sum() == pytest.approx(1.0, abs=1e-14)


def instance(loss, y, p):
    return Instance(np.ones((len(y), 1)), y, p, loss, 0.5, 0.0, "free", 1.0, 3.0)


@pytest.mark.parametrize("loss", ["abs", "sq", "logistic", "linear", "pinball"])
@settings(max_examples=30)
@given(data=st.data())
def test_fenchel_young(loss, data):
    """phi(z) + phi*(t) >= t z for every slope, with equality at the derivative."""
    y = data.draw(arrays(float, 4, elements=numbers))
    y = np.where(y >= 0, 1.0, -1.0) if loss == "logistic" else y
    z = data.draw(arrays(float, 4, elements=numbers))
    part = instance(loss, y, np.full(4, 0.25))
    t = part.clip_slopes(data.draw(arrays(float, 4, elements=st.floats(-5, 5))))
    size = 1e-12 * (1 + np.abs(y * t).max() + np.abs(z * t).max() + (y * y).max() + (z * z).max())
    assert (part.values(z) + part.conjugates(t) >= t * z - size).all()
    t = part.slopes(z)
    assert part.values(z) + part.conjugates(t) == pytest.approx(t * z, abs=size)


@pytest.mark.parametrize("loss", ["sq", "logistic"])
def test_derivatives(loss):
    y = np.array([1.0, -1.0, 1.0])
    z = np.array([0.3, 0.7, -2.0])
    part = instance(loss, y, np.full(3, 1 / 3))
    h = 1e-6
    slopes = (part.values(z + h) - part.values(z - h)) / (2 * h)
    curvatures = (part.slopes(z + h) - part.slopes(z - h)) / (2 * h)
    assert part.slopes(z) == pytest.approx(slopes, abs=1e-8)
    assert part.curvatures(z) == pytest.approx(curvatures, abs=1e-8)


@given(arrays(float, st.integers(1, 8), elements=st.floats(-1e6, 1e6)))
def test_projection_is_optimal(v):
    w = project_simplex(v)
    assert w.min() >= 0
    assert w.sum() == pytest.approx(1.0, abs=1e-14)
    # Variational inequality: (v - w) . (e_j - w) <= 0 for every corner e_j.
    assert ((v - w) - (v - w) @ w <= 1e-9 * (1 + np.abs(v).max())).all()


def test_projection_of_huge_entries():
    assert project_simplex(np.array([1e308, -1e308])) == pytest.approx([1.0, 0.0])
