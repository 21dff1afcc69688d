"""Naive, seasonal naive and drift: equal to statsforecast's, and sensible where that gives NaN."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsforecast import models

from tiltyard.implementations.forecasting import _simple

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BANDS = (20, 40, 60, 80)


def ours(name, past, h, m):
    if name == "seasonal_naive":
        return _simple.seasonal_naive(past, h, m, LEVELS)
    return getattr(_simple, name)(past, h, LEVELS)


def theirs(name, y, h, m):
    model = {
        "naive": models.Naive(),
        "seasonal_naive": models.SeasonalNaive(m),
        "drift": models.RandomWalkWithDrift(),
    }[name]
    given = model.forecast(y=y, h=h, level=list(BANDS))
    lower, upper = ([given[f"{side}-{band}"] for band in BANDS] for side in ("lo", "hi"))
    return given["mean"], np.stack([*lower[::-1], given["mean"], *upper])


@pytest.mark.parametrize("name", ["naive", "seasonal_naive", "drift"])
@pytest.mark.parametrize(("length", "h", "m"), [(200, 30, 12), (25, 60, 24), (9, 5, 1), (2, 3, 1)])
def test_equal_to_statsforecast(name, length, h, m):
    past = np.random.default_rng(length).standard_normal((3, length)).cumsum(axis=1)
    point, quantiles = ours(name, past, h, m)
    for s in range(3):
        mean, bands = theirs(name, past[s], h, m)
        np.testing.assert_allclose(point[s], mean, rtol=0, atol=1e-8)
        np.testing.assert_allclose(quantiles[s], bands, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["naive", "seasonal_naive", "drift"])
def test_a_late_beginning_is_a_shorter_series(name):
    rng = np.random.default_rng(0)
    past = rng.standard_normal((2, 60))
    past[1, :25] = np.nan
    point, quantiles = ours(name, past, 8, 7)
    alone, bands = ours(name, past[1:, 25:], 8, 7)
    np.testing.assert_allclose(point[1], alone[0])
    np.testing.assert_allclose(quantiles[1], bands[0])


def test_where_the_end_is_missing_the_last_known_value_counts():
    past = np.array([[1.0, 2.0, 4.0, 5.0, np.nan, np.nan]])
    point, quantiles = _simple.naive(past, 2, LEVELS)
    np.testing.assert_array_equal(point, [[5.0, 5.0]])
    # Three residuals, 1, 2 and 1; the values ahead are 3 and 4 steps from the last known one.
    np.testing.assert_allclose(
        quantiles[0, -1] - 5.0, 1.2815515655446004 * np.sqrt(2.0 * np.array([3, 4]))
    )
    line, _ = _simple.drift(past, 2, LEVELS)
    np.testing.assert_allclose(line, [[5.0 + 3 * 4 / 3, 5.0 + 4 * 4 / 3]])


def test_a_gap_is_no_residual():
    past = np.array([[1.0, 2.0, np.nan, 100.0, 101.0]])
    _, quantiles = _simple.naive(past, 1, LEVELS)
    np.testing.assert_allclose(quantiles[0, -1], 101.0 + 1.2815515655446004)


@pytest.mark.parametrize("name", ["naive", "seasonal_naive", "drift"])
@pytest.mark.parametrize("past", [[[3.0]], [[np.nan, np.nan]], [[np.nan, 3.0]], [[3.0] * 20]])
def test_short_empty_and_constant_series(name, past):
    past = np.array(past)
    point, quantiles = ours(name, past, 3, 4)
    expected = np.nan_to_num(past[:, -1:])
    np.testing.assert_array_equal(point, np.broadcast_to(expected, (1, 3)))
    np.testing.assert_array_equal(quantiles, np.broadcast_to(expected[:, None], (1, 9, 3)))


@given(
    st.lists(st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6)), min_size=1, max_size=40),
    st.integers(1, 6),
    st.sampled_from(["naive", "seasonal_naive", "drift"]),
)
def test_finite_with_quantiles_that_do_not_cross(values, m, name):
    point, quantiles = ours(name, np.array([values]), 7, m)
    assert np.isfinite(point).all()
    assert np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    np.testing.assert_array_equal(quantiles[:, 4], point)


def test_without_levels_the_point_alone():
    past = np.arange(12.0)[None]
    np.testing.assert_array_equal(_simple.naive(past, 2, ()), [[11.0, 11.0]])
    np.testing.assert_array_equal(_simple.seasonal_naive(past, 2, 4, ()), [[8.0, 9.0]])
    np.testing.assert_array_equal(_simple.drift(past, 2, ()), [[12.0, 13.0]])


def test_what_precedes_a_gap_may_lie_before_the_last_season():
    past = np.concatenate([np.arange(6.0), np.full(5, np.nan)])[None]
    np.testing.assert_array_equal(_simple.seasonal_naive(past, 3, 4, ()), [[5.0] * 3])
