"""Statistics against hand-computed cases, brute force and SciPy."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, wilcoxon

from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.stats import (
    RATIO_LIMIT,
    decades,
    mean_credit,
    pair,
    profile_credit,
    rank,
    ranks_of,
    sustained,
)
from tiltyard.suite import Budget


def run(spec, gaps, *, status=Status.STOPPED, seconds=None):
    points = [
        Checkpoint(iteration=i, seconds=float(i), oracles={}, metrics={"gap": gap})
        for i, gap in enumerate(gaps, 1)
    ]
    made = spec("halve", budget=Budget(seconds=seconds))
    return Record(spec=made, status=status, checkpoints=points)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([1.0, 0.5, 0.1, 0.01], 3),
        ([1.0, 0.05, 0.5, 0.01], 4),  # touched the target, left it, came back
        ([0.01, 0.01], 1),
        ([0.01, 0.5], None),
        ([1.0, math.nan, 0.05], 3),
        ([], None),
    ],
)
def test_sustained_cost_is_counted_from_the_last_checkpoint_above(spec, gaps, expected):
    point = sustained(run(spec, gaps), "gap", 0.1)
    assert (point.iteration if point else None) == expected


def test_sustained_needs_a_sound_run_within_its_budget(spec):
    assert sustained(run(spec, [0.0], status=Status.TIMEOUT), "gap", 0.1) is None
    assert sustained(run(spec, [1.0, 0.0], seconds=1.5), "gap", 0.1) is None
    assert sustained(run(spec, [1.0, 0.0], seconds=2.5), "gap", 0.1).iteration == 2


def test_profile_credit_by_hand():
    costs = np.array([[[1.0]], [[10.0]], [[1000.0]], [[math.inf]], [[math.nan]]])
    credit = profile_credit(costs)[:, 0, 0]
    np.testing.assert_allclose(credit[:4], [1.0, 0.5, 0.0, 0.0])
    assert math.isnan(credit[4])


@given(st.lists(st.one_of(st.floats(1e-6, 1e6), st.just(math.inf)), min_size=12, max_size=12))
def test_mean_credit_is_the_area_under_the_performance_profile(values):
    costs = np.array(values).reshape(3, 4, 1)
    score = mean_credit(profile_credit(costs))
    best = costs.min(axis=0)
    taus = np.linspace(0, math.log(RATIO_LIMIT), 4001)
    for method in range(3):
        with np.errstate(invalid="ignore"):
            ratios = np.log(costs[method, :, 0] / best[:, 0])
        ratios = np.where(np.isnan(ratios), math.inf, ratios)  # nobody reached the target
        profile = (ratios[:, None] <= taus[None, :]).mean(axis=0)
        area = np.trapezoid(profile, taus) / taus[-1]
        assert score[method] == pytest.approx(area, abs=2e-3)


def test_credit_without_a_best_cost():
    costs = np.full((2, 1, 2), math.inf)
    np.testing.assert_array_equal(profile_credit(costs), 0.0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_ranks_agree_with_scipy(scores):
    expected = rankdata([-score for score in scores], method="min")
    np.testing.assert_array_equal(ranks_of(np.array(scores)), expected)


def test_unsupported_problems_count_neither_way():
    credits_ = np.array([[[1.0], [np.nan]], [[0.5], [0.9]]])
    np.testing.assert_allclose(mean_credit(credits_), [1.0, 0.7])


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


def test_rank_is_a_function_of_its_arguments():
    credits_ = np.random.default_rng(0).uniform(size=(4, 6, 2))
    one, two = (rank(credits_, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.low, two.low)
    np.testing.assert_array_equal(one.high, two.high)


def test_bootstrap_interval_of_the_mean_covers_the_normal_one():
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0.4, 0.6, 400), rng.uniform(0.3, 0.5, 400)
    pairing = pair(first, second, rng)
    spread = 1.96 * np.std(first - second) / 20
    assert pairing.low == pytest.approx(pairing.difference - spread, abs=0.002)
    assert pairing.high == pytest.approx(pairing.difference + spread, abs=0.002)


def test_pair_counts_and_tests():
    first = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, np.nan, 0.2])
    second = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.395, 0.5, 0.9])
    pairing = pair(first, second, np.random.default_rng(0))
    assert (pairing.wins, pairing.losses, pairing.ties) == (5, 1, 1)
    known = ~np.isnan(first)
    expected = wilcoxon(first[known], second[known], zero_method="pratt").pvalue
    assert pairing.p_value == pytest.approx(expected)


def test_pair_says_what_it_cannot_say():
    nothing = pair(np.array([np.nan]), np.array([0.5]), np.random.default_rng(0))
    assert nothing.sentence("a", "b") == "a and b have no problem in common"
    few = pair(np.array([0.9]), np.array([0.5]), np.random.default_rng(0))
    assert math.isnan(few.p_value)
    assert few.to_json()["p_value"] is None
    same = pair(np.full(8, 0.5), np.full(8, 0.5), np.random.default_rng(0))
    assert (same.ties, same.p_value) == (8, 1.0)


@pytest.mark.parametrize(
    ("good", "width"),
    [
        ([True] * 5, 5.0),
        ([False] * 5, 0.0),
        ([False, True, True, False, True], 2.0),
        ([True, False, True, False, False], 1.0),
    ],
)
def test_width_in_decades(good, width):
    assert decades([1e-2, 1e-1, 1.0, 10.0, 100.0], good) == pytest.approx(width)
