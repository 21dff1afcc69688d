"""Least-squares multipliers: against SciPy's bounded least squares, dense and sparse alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear
from scipy.sparse import csr_array, diags_array, hstack, vstack

from tiltyard.suites.constrained import _multipliers
from tiltyard.suites.constrained._multipliers import (
    Slack,
    bound_multipliers,
    least_squares_multipliers,
)


def random_slack(rng, size):
    """Return slacks of every kind: none, zero, some, on both sides."""
    sides = [rng.choice([0.0, np.inf, 1.0, 3.0], size, p=[0.3, 0.4, 0.15, 0.15]) for _ in range(2)]
    equal = rng.random(size) < 0.3
    return Slack(*(np.where(equal, 0.0, side) for side in sides))


def value(g, J, x, c, y):
    """Return the function that the multipliers minimise, z eliminated."""
    pull = g + J.T @ y
    down, up = (1.0 - 1.0 / (1.0 + np.minimum(s, 1e100) ** 2) for s in (x.lower, x.upper))
    low, high = (np.where(np.isinf(s), 1.0, s) for s in (c.lower, c.upper))
    of_x = np.where(pull > 0, down, up) * pull**2
    return float(of_x.sum() + (np.where(y > 0, high, low) ** 2 * y**2).sum())


def by_scipy(g, J, x, c):
    """Return the least value by lsq_linear in the positive and negative parts of y and z."""
    n, m = len(g), len(J)
    matrix = [np.hstack([J.T, -J.T, np.eye(n), -np.eye(n)])]
    target = [-g]
    sides = (c.upper, c.lower, x.upper, x.lower)
    weight = np.concatenate(
        [np.where(np.isinf(s), 1.0 if i < 2 else 0.0, s) for i, s in enumerate(sides)]
    )
    absent = np.concatenate([np.zeros(2 * m, bool), np.isinf(x.upper), np.isinf(x.lower)])
    matrix.append(np.diag(weight))
    target.append(np.zeros(2 * (m + n)))
    upper = np.where(absent, 1e-300, np.inf)
    found = lsq_linear(
        np.vstack(matrix),
        np.concatenate(target),
        (0.0, upper),
        tol=1e-14,
        max_iter=500,
        method="bvls",
    )
    return 2.0 * found.cost


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
def test_they_minimise_what_scipy_minimises(seed, n, m):
    rng = np.random.default_rng(seed)
    J, g = rng.standard_normal((m, n)), rng.standard_normal(n)
    x, c = random_slack(rng, n), random_slack(rng, m)
    y = least_squares_multipliers(g, csr_array(J), x, c)
    assert value(g, J, x, c, y) <= by_scipy(g, J, x, c) + 1e-10


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-5, 5))
def test_units_of_constraints_do_not_matter(seed, exponent):
    rng = np.random.default_rng(seed)
    J, g = rng.standard_normal((3, 5)), rng.standard_normal(5)
    x, rows = random_slack(rng, 5), Slack(np.zeros(3), np.zeros(3))
    y = least_squares_multipliers(g, csr_array(J), x, rows)
    unit = 10.0**exponent
    scaled = least_squares_multipliers(g, csr_array(unit * J), x, rows)
    one, other = (value(g, J, x, rows, at) for at in (y, unit * scaled))
    assert one == pytest.approx(other, rel=1e-6, abs=1e-12)


def banded(rng, n):
    return diags_array(
        [rng.uniform(1, 2, n) for _ in range(3)], offsets=[0, 1, 2], shape=(n - 2, n)
    ).tocsr()


def shared(rng, n):
    """Every row has the first variable."""
    return hstack([np.ones((n - 2, 1)), banded(rng, n)[:, 1:]]).tocsr()


@pytest.mark.parametrize("structure", [banded, shared])
def test_sparse_and_dense_agree(structure, monkeypatch):
    rng = np.random.default_rng(3)
    n = 150
    J = structure(rng, n)
    g = rng.standard_normal(n)
    x, c = random_slack(rng, n), random_slack(rng, n - 2)
    dense = least_squares_multipliers(g, J, x, c)
    monkeypatch.setattr(_multipliers, "DENSE_LIMIT", 0)
    sparse = least_squares_multipliers(g, J, x, c)
    values = [value(g, J.toarray(), x, c, y) for y in (dense, sparse)]
    assert values[1] == pytest.approx(values[0], rel=1e-6)


def test_they_recover_the_multipliers_of_a_large_problem():
    rng = np.random.default_rng(4)
    n = 20_000
    J = csr_array(
        diags_array([np.full(n, 3.0), np.ones(n), np.ones(n)], offsets=[0, 1, 2], shape=(n - 2, n))
    )
    y = rng.standard_normal(n - 2)
    none = Slack(np.full(n, np.inf), np.full(n, np.inf))
    found = least_squares_multipliers(-(J.T @ y), J, none, Slack(np.zeros(n - 2), np.zeros(n - 2)))
    np.testing.assert_allclose(found, y, atol=1e-9)


def test_dependent_rows_give_the_shortest_multipliers():
    J = vstack([csr_array([[1.0, 1.0]])] * 2).tocsr()
    none = Slack(np.full(2, np.inf), np.full(2, np.inf))
    y = least_squares_multipliers(np.array([-2.0, -2.0]), J, none, Slack(np.zeros(2), np.zeros(2)))
    np.testing.assert_allclose(y, [1.0, 1.0])


def test_many_active_bounds_at_once_are_sorted_out():
    # A vertex of twice as many bounds as variables, each multiplier of which may be zero.
    rng = np.random.default_rng(8)
    n = 12
    J = rng.standard_normal((n, n)) * 10.0 ** rng.integers(0, 4, (n, 1))
    y = np.where(rng.random(n) < 0.5, 0.0, rng.random(n))
    z = np.where(rng.random(n) < 0.5, 0.0, -rng.random(n))
    active = Slack(np.zeros(n), np.full(n, np.inf))
    rows = Slack(np.full(n, np.inf), np.zeros(n))
    g = -(J.T @ y + z)
    found = least_squares_multipliers(g, csr_array(J), active, rows)
    assert value(g, J, active, rows, found) <= 1e-20


def test_a_row_of_rounding_errors_does_not_hide_the_others():
    J = csr_array([[1e-17, -1e-17, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    y = np.array([0.0, 2.0, 0.5])
    none = Slack(np.full(3, np.inf), np.full(3, np.inf))
    rows = Slack(np.full(3, np.inf), np.zeros(3))
    found = least_squares_multipliers(-(J.T @ y), J, none, rows)
    np.testing.assert_allclose(found, y, atol=1e-14)


@pytest.mark.parametrize("limit", [_multipliers.DENSE_LIMIT, 0])
@pytest.mark.parametrize("size", [1e-300, 1e100, 1e200, 1e307])
def test_huge_and_tiny_numbers_do_no_harm(size, limit, monkeypatch):
    monkeypatch.setattr(_multipliers, "DENSE_LIMIT", limit)
    rng = np.random.default_rng(1)
    none, rows = Slack(*np.full((2, 4), np.inf)), Slack(*np.zeros((2, 2)))
    J, g = rng.standard_normal((2, 4)), rng.standard_normal(4)
    with np.errstate(all="ignore"):
        for gradient, matrix in ((size * g, J), (g, size * J), (size * g, size * J)):
            y = least_squares_multipliers(gradient, csr_array(matrix), none, rows)
            assert y.shape == (2,)
    y = least_squares_multipliers(size * (J.T @ [1.0, -2.0]), csr_array(J), none, rows)
    np.testing.assert_allclose(y, size * np.array([-1.0, 2.0]), rtol=1e-9, atol=1e-12)


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(0, 1e3))
def test_no_multiplier_of_a_bound_is_better(pull, down, up):
    slack = Slack(np.array([down]), np.array([up]))

    def worst(z):
        return max(abs(pull + z), abs(z) * (up if z > 0 else down))

    z = float(bound_multipliers(np.array([pull]), slack)[0])
    others = np.linspace(-2, 2, 41) * abs(pull)
    assert worst(z) <= min(map(worst, others)) + 1e-9 * abs(pull)
