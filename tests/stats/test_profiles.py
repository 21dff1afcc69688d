"""Profiles against shares counted one by one; bands against a loop over the resamples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.stats.loops import looped_means
from tests.stats.strategies import cubes
from tiltyard.errors import TiltyardError
from tiltyard.stats import (
    RATIO_LIMIT,
    data_profiles,
    mean_credit,
    performance_profiles,
    profile_credit,
)
from tiltyard.stats.bootstrap import Resamples
from tiltyard.stats.profiles import BAND_POINTS

TAUS = (0.0, 0.99, 1.0, 1.4, 1.5, 2.0, 3.0, 3.5, 7.0, 40.0, 250.0, 1e9, 1e300)


def rng():
    return np.random.default_rng(11)


def known_in_all(costs):
    """Return costs in which a run that lacks one target lacks all."""
    return np.where(np.isnan(costs).any(axis=0), math.nan, costs)


def ratios(costs):
    """Return the ratios of (targets, ...) costs to the best median, one by one."""
    found = np.full_like(costs, math.nan)
    for t, i, j, k in np.ndindex(costs.shape):
        medians = []
        for seeds in costs[t, :, j]:
            known = sorted(seeds[~np.isnan(seeds)])
            medians += known[(len(known) - 1) // 2 : (len(known) + 1) // 2]
        cost, best = float(costs[t, i, j, k]), float(min(medians, default=math.inf))
        if math.isinf(cost):
            found[t, i, j, k] = math.inf
        elif not math.isnan(cost):
            # Nothing but 0 is within a factor of a best cost of 0.
            found[t, i, j, k] = max(cost / best if best else cost * math.inf if cost else 1.0, 1.0)
    return found


def share(levels, x):
    """Return the share of one implementation's (targets, problems, seeds) levels up to x."""
    of_problems = []
    for problem in np.moveaxis(levels, 1, 0):
        known = problem[:, ~np.isnan(problem).any(axis=0)]
        if known.size:
            of_problems.append(np.mean(known <= x))
    return np.mean(of_problems) if of_problems else math.nan


@given(cubes(axes=4))
def test_performance_profiles_are_shares_of_ratios(costs):
    costs = known_in_all(costs)
    levels = ratios(costs)
    for i, profile in enumerate(performance_profiles(costs, rng())):
        expected = [share(levels[:, i], x) for x in TAUS[:-1]]
        np.testing.assert_allclose(profile(TAUS[:-1]), expected, atol=1e-11)
        steps = np.unique(levels[:, i][np.isfinite(levels[:, i])])
        assert set(steps) <= set(profile.at)
        assert (np.diff(profile.at) > 0).all()
        assert (np.diff(profile.share) > 0).all()


@given(cubes(axes=4), st.data())
def test_data_profiles_are_shares_of_costs_in_units(costs, data):
    count = costs.shape[2]
    units = np.array(data.draw(st.lists(st.integers(1, 9), min_size=count, max_size=count)), float)
    levels = costs / units[:, None]
    for i, profile in enumerate(data_profiles(costs, units, rng())):
        expected = [share(levels[:, i], x) for x in TAUS]
        np.testing.assert_allclose(profile(TAUS), expected, atol=1e-11)


@settings(max_examples=50)
@given(cubes(axes=4))
def test_area_under_a_profile_is_the_credit(costs):
    costs = known_in_all(costs)
    credit = mean_credit(np.mean([profile_credit(one) for one in costs], axis=0))
    for expected, profile in zip(credit, performance_profiles(costs, rng()), strict=True):
        steps = np.log(np.minimum(profile.at, RATIO_LIMIT)) / math.log(RATIO_LIMIT)
        area = np.diff(profile.share, prepend=0.0) @ (1.0 - steps)
        np.testing.assert_allclose(area if profile.problems else math.nan, expected, atol=1e-9)


@settings(max_examples=8)
@given(cubes(axes=4))
def test_bands_are_those_of_a_loop(costs):
    costs = known_in_all(costs)
    _, _, problems, seeds = costs.shape
    for i, profile in enumerate(data_profiles(costs, np.ones(problems), rng())):
        levels = costs[:, i]
        for x, value, low, high in zip(
            profile.at, profile.share, profile.low, profile.high, strict=True
        ):
            within = np.where(np.isnan(levels[0]), math.nan, (levels <= x).mean(axis=0))
            means = looped_means(within.reshape(1, problems, seeds), rng())[0]
            means = np.sort(np.where(np.isnan(means), value, means))
            assert low == pytest.approx(min(means[50], value), abs=1e-12)
            assert high == pytest.approx(max(means[-51], value), abs=1e-12)


def test_band_of_many_steps_encloses_the_pointwise_one():
    costs = np.random.default_rng(0).lognormal(size=(1, 1, 500, 2))
    costs[0, 0, :90] = math.inf
    (profile,) = data_profiles(costs, np.ones(500), rng())
    assert len(profile.at) == 820 > BAND_POINTS
    resamples, excess = Resamples(500, 2, rng()), 0.0
    for step in range(0, 820, 37):
        within = (costs[0] <= profile.at[step]).astype(float)
        means = np.sort(resamples.means(within)[0])
        assert profile.low[step] <= means[50] + 1e-12
        assert profile.high[step] >= means[-51] - 1e-12
        width = profile.high[step] - profile.low[step]
        excess = max(excess, width - (means[-51] - means[50]))
    assert excess < 4 * 820 / BAND_POINTS / 1000  # the runs of two steps on either side
    assert (np.diff(profile.low) >= 0).all()
    assert (np.diff(profile.high) >= 0).all()


def test_band_of_single_runs_is_the_binomial_one():
    """With one seed and one cost, a resampled share is a binomial one."""
    from scipy.stats import binom

    costs = np.where(np.arange(100) < 30, 1.0, math.inf).reshape(1, 1, 100, 1)
    (profile,) = data_profiles(costs, np.ones(100), rng())
    assert profile.share.tolist() == [pytest.approx(0.3)]
    low, high = binom.ppf([0.025, 0.975], 100, 0.3) / 100
    assert profile.low[0] == pytest.approx(low, abs=0.011)
    assert profile.high[0] == pytest.approx(high, abs=0.011)


def test_ties_count_for_all_and_failures_for_none():
    costs = np.array([[1.0, 5.0, math.inf], [1.0, 10.0, math.inf], [math.inf] * 3])
    first, second, failed = performance_profiles(costs[None, :, :, None], rng())
    assert first.at.tolist() == [1.0]
    assert first.share.tolist() == [pytest.approx(2 / 3)]
    everything = performance_profiles(np.full((3, 1, 7, 11), 2.0), rng())[0]
    assert (everything.share[-1], everything.low[-1], everything.high[-1]) == (1.0, 1.0, 1.0)
    assert second(1.0) == pytest.approx(1 / 3)
    assert second(2.0) == pytest.approx(2 / 3)
    assert (failed.at.size, failed.problems, float(failed(1e9))) == (0, 3, 0.0)


def test_profile_without_problems_is_undefined():
    costs = np.full((2, 2, 3, 2), math.nan)
    costs[:, 0] = 1.0
    taken, missing = performance_profiles(costs, rng())
    assert (taken.problems, missing.problems) == (3, 0)
    assert math.isnan(missing(1.0))
    for empty in ((1, 2, 0, 1), (1, 2, 1, 0), (0, 2, 1, 1)):
        assert [p.problems for p in performance_profiles(np.empty(empty), rng())] == [0, 0]


def test_bands_are_a_function_of_the_generator():
    costs = np.random.default_rng(0).lognormal(size=(1, 2, 9, 3))
    one, two = (performance_profiles(costs, rng()) for _ in range(2))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first.low, second.low)
        np.testing.assert_array_equal(first.high, second.high)


def test_bad_units_are_refused():
    for units in ([1.0], [1.0, 0.0], [1.0, math.nan], [1.0, math.inf]):
        with pytest.raises(TiltyardError, match="2 finite numbers above 0, one a problem"):
            data_profiles(np.ones((1, 1, 2, 1)), np.array(units), rng())
    with pytest.raises(TiltyardError, match="targets, implementations, problems, seeds"):
        data_profiles(np.ones((1, 2, 1)), np.ones(2), rng())
