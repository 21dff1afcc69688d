"""Ranks against SciPy; their intervals against a loop over the resamples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from tests.stats.loops import looped_means
from tests.stats.strategies import cubes
from tiltyard.stats import mean_credit, profile_credit, rank, ranks_of


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_ranks_agree_with_scipy(scores):
    expected = rankdata([-score for score in scores], method="min")
    np.testing.assert_array_equal(ranks_of(np.array(scores)), expected)


@settings(max_examples=8)
@given(cubes(), st.integers(0, 2**32 - 1))
def test_intervals_are_those_of_a_loop(costs, seed):
    credits_ = profile_credit(costs)
    credits_[:, 0, 0] = np.nan_to_num(credits_[:, 0, 0])  # every implementation has a run
    ranking = rank(credits_, np.random.default_rng(seed))
    scores = mean_credit(credits_)
    means = looped_means(credits_, np.random.default_rng(seed))
    means = np.where(np.isnan(means), scores[:, None], means).round(12)
    ranks = rankdata(-means, method="min", axis=0)
    expected = rankdata(-scores.round(12), method="min")
    np.testing.assert_array_equal(ranking.ranks, expected)
    np.testing.assert_array_equal(ranking.low, np.minimum(np.sort(ranks)[:, 50], expected))
    np.testing.assert_array_equal(ranking.high, np.maximum(np.sort(ranks)[:, -51], expected))


def test_rank_intervals_tell_noise_from_difference():
    rng = np.random.default_rng(0)
    clear = np.stack([np.full((30, 3), level) for level in (0.9, 0.5, 0.1)])
    ranking = rank(clear, np.random.default_rng(1))
    np.testing.assert_array_equal(ranking.ranks, [1, 2, 3])
    np.testing.assert_array_equal(ranking.low, ranking.high)
    noise = rng.uniform(size=(3, 30, 3))
    ranking = rank(noise, np.random.default_rng(1))
    assert (ranking.low == 1).all()
    assert (ranking.high == 3).all()


def test_equal_credits_share_a_rank_in_every_resample():
    one = np.random.default_rng(0).uniform(size=(1, 37, 3))
    ranking = rank(np.repeat(one, 7, axis=0), np.random.default_rng(1))
    for ranks in (ranking.ranks, ranking.low, ranking.high):
        np.testing.assert_array_equal(ranks, 1)


def test_rank_is_a_function_of_its_arguments():
    credits_ = np.random.default_rng(0).uniform(size=(4, 6, 2))
    one, two = (rank(credits_, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.low, two.low)
    np.testing.assert_array_equal(one.high, two.high)


@pytest.mark.parametrize("shape", [(3, 0, 2), (3, 2, 0)])
def test_rank_without_runs_may_be_any(shape):
    ranking = rank(np.empty(shape), np.random.default_rng(0))
    assert (ranking.ranks.tolist(), ranking.low.tolist()) == ([1] * 3, [1] * 3)
    assert ranking.high.tolist() == [3] * 3
    assert all(map(math.isnan, ranking.scores))
