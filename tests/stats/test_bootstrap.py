"""Resamples against a loop over them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stats.loops import looped_means
from tests.stats.strategies import cubes
from tiltyard.stats.bootstrap import Resamples, interval, median_interval


@settings(max_examples=8)
@given(cubes(), st.integers(0, 2**32 - 1))
def test_means_of_resamples_are_those_of_a_loop(values, seed):
    values = np.where(np.isinf(values), 0.25, values)
    _, problems, seeds = values.shape
    found = Resamples(problems, seeds, np.random.default_rng(seed)).means(values)
    expected = looped_means(values, np.random.default_rng(seed))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=200))
def test_interval_leaves_as_many_samples_below_as_above(samples):
    samples = np.array(samples)
    low, high = interval(samples)
    ordered, cut = sorted(samples), len(samples) // 40
    assert (low, high) == (ordered[cut], ordered[-1 - cut])
    assert median_interval(samples) == (low, ordered[(len(samples) - 1) // 2], high)


def test_interval_of_normal_samples():
    samples = np.random.default_rng(0).normal(size=(3, 100_000))
    low, high = interval(samples)
    np.testing.assert_allclose(low, -1.96, atol=0.03)
    np.testing.assert_allclose(high, 1.96, atol=0.03)
    np.testing.assert_array_equal(interval(samples.T, axis=0)[0], low)


def test_one_run_is_its_own_mean():
    means = Resamples(1, 1, np.random.default_rng(0)).means(np.array([[[0.5]], [[np.nan]]]))
    assert means[0] == pytest.approx(0.5)
    assert np.isnan(means[1]).all()
