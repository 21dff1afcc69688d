"""Expected running times against exact distributions of restarts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.stats import RESAMPLES, expected_runtime
from tiltyard.stats.runtime import _restarts

COSTS = st.lists(st.integers(1, 6), min_size=1, max_size=5)
DEVIATION = math.sqrt(math.log(2 / 1e-9) / (2 * RESAMPLES))
"""What an empirical distribution function exceeds once in 1e9 (Dvoretzky, Kiefer & Wolfowitz)."""


def estimate(solved, missed, seed=0):
    costs = np.array([*solved, *[math.inf] * len(missed)], float)
    spent = np.array([*[99.0] * len(solved), *missed], float)
    return expected_runtime(costs, spent, np.random.default_rng(seed))


def distribution(solved, missed, limit=4000):
    """Return P(cost = c) of restarts, c = 0 .. limit: a success, or a failure and a restart."""
    count, p = len(solved) + len(missed), np.zeros(limit + 1)
    for c in range(limit + 1):
        p[c] = solved.count(c) / count + sum(p[c - m] for m in missed if m <= c) / count
    return p


@given(COSTS, st.lists(st.integers(1, 6), max_size=5))
def test_expected_runtime_is_the_mean_of_the_restarts(solved, missed):
    found = estimate(solved, missed)
    assert found.expected == pytest.approx((sum(solved) + sum(missed)) / len(solved))
    assert (found.spent, found.successes) == (sum(solved) + sum(missed), len(solved))
    assert found.runs == len(solved) + len(missed)
    p = distribution(solved, missed, 1000)
    assert found.expected == pytest.approx(p @ np.arange(1001), rel=1e-6)


@settings(max_examples=50)
@given(COSTS, st.lists(st.integers(1, 6), max_size=5), st.integers(0, 2**32 - 1))
def test_restarts_have_their_exact_distribution(solved, missed, seed):
    draws = _restarts(np.array(solved, float), np.array(missed, float), np.random.default_rng(seed))
    exact = np.cumsum(distribution(solved, missed, 1000))
    grid = np.arange(1001)
    empirical = np.searchsorted(np.sort(draws), grid, side="right") / len(draws)
    assert np.abs(empirical - exact).max() < DEVIATION
    found = estimate(solved, missed, seed)
    for value, level in ((found.low, 0.025), (found.median, 0.5), (found.high, 0.975)):
        below, up_to = np.concatenate(([0.0], exact))[[int(value), int(value) + 1]]
        assert below - DEVIATION < level < up_to + DEVIATION


def test_failures_are_censored_and_never_dropped():
    found = estimate([], [2.0, 3.0])
    assert found.expected == found.median == found.low == found.high == math.inf
    assert (found.spent, found.successes, found.runs) == (5.0, 0, 2)


def test_only_known_runs_count():
    costs = np.array([3.0, math.nan, math.inf])
    found = expected_runtime(costs, np.array([9.0, math.nan, 5.0]), np.random.default_rng(0))
    assert (found.expected, found.runs) == (8.0, 2)
    nothing = expected_runtime(np.full(2, math.nan), np.full(2, math.nan), np.random.default_rng(0))
    assert math.isnan(nothing.expected)
    assert math.isnan(nothing.spent)
    assert (nothing.successes, nothing.runs) == (0, 0)


def test_equal_successes_have_no_spread():
    found = estimate([4.0, 4.0], [])
    assert (found.expected, found.low, found.median, found.high) == (4.0, 4.0, 4.0, 4.0)


def test_missed_run_needs_what_it_spent():
    with pytest.raises(TiltyardError, match="missed the target needs the finite cost"):
        expected_runtime(np.array([math.inf]), np.array([math.nan]), np.random.default_rng(0))
    with pytest.raises(TiltyardError, match="missed the target needs the finite cost"):
        expected_runtime(np.array([1.0]), np.array([1.0, 2.0]), np.random.default_rng(0))
