"""Profile credit against hand-computed cases and areas under profiles."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stats.strategies import cubes
from tiltyard.errors import TiltyardError
from tiltyard.stats import RATIO_LIMIT, decades, known_means, mean_credit, profile_credit


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


@given(cubes())
def test_credit_is_that_of_a_loop(costs):
    credit = profile_credit(costs)
    for j in range(costs.shape[1]):
        medians = []
        for seeds in costs[:, j]:
            known = sorted(seeds[~np.isnan(seeds)])
            medians += known[(len(known) - 1) // 2 : (len(known) + 1) // 2]
        best = float(max(min(medians, default=math.inf), 1e-300))
        for i, k in np.ndindex(costs.shape[0], costs.shape[2]):
            cost = costs[i, j, k]
            if math.isnan(cost):
                assert math.isnan(credit[i, j, k])
            else:
                ratio = max(float(cost) / best, 1.0) if cost < math.inf else math.inf
                expected = max(0.0, 1.0 - math.log(ratio, 100)) if ratio < math.inf else 0.0
                assert credit[i, j, k] == pytest.approx(expected)


def test_credit_without_a_best_cost():
    costs = np.full((2, 1, 2), math.inf)
    np.testing.assert_array_equal(profile_credit(costs), 0.0)


def test_unsupported_problems_count_neither_way():
    credits_ = np.array([[[1.0], [np.nan]], [[0.5], [0.9]]])
    np.testing.assert_allclose(mean_credit(credits_), [1.0, 0.7])


@given(cubes(axes=2))
def test_known_means_are_those_of_what_is_known(values):
    for row, mean in zip(values, known_means(values), strict=True):
        known = row[~np.isnan(row)]
        np.testing.assert_equal(mean, known.mean() if known.size else math.nan)


def test_costs_of_other_axes_are_refused():
    with pytest.raises(TiltyardError, match="implementations, problems, seeds"):
        profile_credit(np.ones((2, 2)))


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
