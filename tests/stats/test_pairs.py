"""Two implementations head to head, against hand-computed cases and loops."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from tests.stats.strategies import COSTS
from tiltyard.errors import TiltyardError
from tiltyard.stats import TIE_RATIO, head_to_head, pair


def rng():
    return np.random.default_rng(3)


def test_bootstrap_interval_of_the_mean_covers_the_normal_one():
    rng = np.random.default_rng(0)
    first, second = rng.uniform(0.4, 0.6, 400), rng.uniform(0.3, 0.5, 400)
    pairing = pair(first, second, rng)
    spread = 1.96 * np.std(first - second) / 20
    assert pairing.low == pytest.approx(pairing.difference - spread, abs=0.002)
    assert pairing.high == pytest.approx(pairing.difference + spread, abs=0.002)


def test_pair_counts_and_tests():
    first = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, np.nan, 0.2])
    second = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.395, 0.5, 0.85])
    pairing = pair(first, second, rng())
    assert (pairing.wins, pairing.losses, pairing.ties) == (5, 1, 1)
    known = ~np.isnan(first)
    expected = wilcoxon(first[known], second[known], zero_method="pratt")
    assert pairing.p_value == pytest.approx(expected.pvalue)
    # Of the ranks 1 to 7 the fifth, of the difference 0.65, is against.
    assert pairing.rank_biserial == pytest.approx((28 - 5 - 5) / 28)


def test_pair_says_what_it_cannot_say():
    nothing = pair(np.array([np.nan]), np.array([0.5]), rng())
    assert nothing.sentence("a", "b") == "a and b have no problem in common"
    few = pair(np.array([0.9]), np.array([0.5]), rng())
    assert math.isnan(few.p_value)
    assert few.to_json()["p_value"] is None
    assert few.to_json()["rank_biserial"] == 1.0
    same = pair(np.full(8, 0.5), np.full(8, 0.5), rng())
    assert (same.ties, same.p_value) == (8, 1.0)


def test_head_to_head_with_one_seed_by_hand():
    costs = [(1, 2), (2, 1), (1, 1.04), (1.04, 1), (3, math.inf), (math.inf, 3)]
    costs += [(math.inf, math.inf), (math.nan, 1), (0, 0)]
    first, second = np.array(costs, float).T[:, :, None]
    found = head_to_head(first, second, rng())
    assert found.outcomes == (
        "win", "loss", "tie", "tie", "win", "loss", "neither", "missing", "tie"
    )  # fmt: skip
    expected = [0.5, 2, 1 / 1.04, 1.04, 0, math.inf, math.nan, math.nan, 1]
    np.testing.assert_allclose(found.ratios, expected)
    assert np.isnan([*found.low, *found.high]).all()
    assert (found.both, found.only_first, found.only_second, found.neither) == (5, 1, 1, 1)
    assert [found.outcomes.count(one) for one in ("win", "tie", "loss")] == [2, 3, 2]
    assert found.mean_ratio == pytest.approx(1.0)
    assert found.mean_low < 1.0 < found.mean_high


def test_tie_is_five_percent_wide():
    first = np.array([[1.0], [1.0]])
    second = np.array([[0.999 * TIE_RATIO], [1.001 * TIE_RATIO]])
    assert head_to_head(first, second, rng()).outcomes == ("tie", "win")
    assert pytest.approx(1.05, abs=0.005) == TIE_RATIO


def test_seeds_decide_by_their_interval():
    clear = head_to_head(np.array([[1.0, 1.1, 1.2]]), np.array([[1.3, 1.4, 1.5]]), rng())
    assert (clear.outcomes, clear.ratios[0]) == (("win",), pytest.approx(1.1 / 1.4))
    assert clear.low[0] == pytest.approx(1.0 / 1.5)
    assert clear.high[0] == pytest.approx(1.2 / 1.3)
    mixed = head_to_head(np.array([[1.0, 1.1, 9.0]]), np.array([[1.3, 1.4, 1.5]]), rng())
    assert mixed.outcomes == ("tie",)
    # The median run of the first came through, but it may well not have.
    lucky = head_to_head(np.array([[1.0, 1.0, math.inf]]), np.full((1, 3), math.inf), rng())
    assert (lucky.outcomes, lucky.only_first, lucky.ratios[0]) == (("tie",), 1, 0.0)
    assert (lucky.low[0], lucky.high[0]) == (0.0, 1.0)


PROBLEM = st.lists(COSTS, min_size=3, max_size=3)


@settings(max_examples=50)
@given(st.lists(st.tuples(PROBLEM, PROBLEM), min_size=1, max_size=5))
def test_head_to_head_is_that_of_a_loop(problems):
    first, second = np.array(problems, float).transpose(1, 0, 2)
    found = head_to_head(first, second, rng())
    logs, draws = [], np.random.default_rng(5)
    for index, runs in enumerate(problems):
        known = [sorted(cost for cost in one if not math.isnan(cost)) for one in runs]
        if not all(known):
            assert found.outcomes[index] == "missing"
            continue
        medians = [one[len(one) // 2] for one in known]
        both = max(medians) < math.inf
        if both and min(medians) > 0:
            logs.append(math.log(medians[0] / medians[1]))
            assert found.ratios[index] == pytest.approx(medians[0] / medians[1])
        assert (found.outcomes[index] == "neither") == (min(medians) == math.inf)
        if min(map(len, known)) < 2:
            assert math.isnan(found.low[index])
            continue
        assert (found.low[index] <= found.high[index]) or both
        drawn = []
        for _ in range(400):
            a, b = (np.sort(draws.choice(one, len(one)))[len(one) // 2] for one in known)
            # Zero counts as the smallest cost; two misses are equal.
            a, b = max(float(a), sys.float_info.min), max(float(b), sys.float_info.min)
            drawn.append(1.0 if a == b else 0.0 if b == math.inf else a / b)
        drawn = np.array(drawn)
        # Far more than 2.5 % of the draws lie outside an interval that is wrong.
        assert (drawn < found.low[index] * (1 - 1e-9)).mean() < 0.08
        assert (drawn > found.high[index] * (1 + 1e-9)).mean() < 0.08
    if found.both == len(logs) > 0:
        assert found.mean_ratio == pytest.approx(math.exp(np.mean(logs)))
    assert math.isnan(found.mean_low) == (found.both < 2)


def test_interval_of_the_mean_ratio_is_the_log_normal_one():
    logs = np.random.default_rng(0).normal(0.3, 0.5, 400)
    found = head_to_head(np.exp(logs)[:, None], np.ones((400, 1)), rng())
    spread = 1.96 * logs.std() / 20
    assert found.mean_ratio == pytest.approx(np.exp(logs.mean()))
    assert found.mean_low == pytest.approx(np.exp(logs.mean() - spread), rel=0.01)
    assert found.mean_high == pytest.approx(np.exp(logs.mean() + spread), rel=0.01)


def test_head_to_head_of_nothing():
    empty = head_to_head(np.empty((0, 2)), np.empty((0, 2)), rng())
    assert (empty.both, empty.outcomes) == (0, ())
    assert math.isnan(empty.mean_ratio)
    failed = head_to_head(np.full((3, 2), math.inf), np.full((3, 2), math.inf), rng())
    assert (failed.neither, failed.outcomes) == (3, ("neither",) * 3)
    with pytest.raises(TiltyardError, match="problems, seeds"):
        head_to_head(np.ones(3), np.ones(3), rng())
    with pytest.raises(TiltyardError, match="costs on 3 and 2 problems"):
        head_to_head(np.ones((3, 1)), np.ones((2, 1)), rng())


@pytest.mark.parametrize("seeds", [(2, 2), (5, 4), (3, 9)])
def test_intervals_of_ratios_are_those_of_endless_resampling(seeds):
    draw = rng()
    runs = [draw.lognormal(size=(1, n)) for n in seeds]
    runs[0][0, 0] = np.inf
    found = head_to_head(*(np.pad(one, ((0, 0), (0, 9 - one.shape[1])), constant_values=np.nan)
                           for one in runs), draw)  # fmt: skip
    medians = [
        np.sort(one[0][draw.integers(one.size, size=(200_000, one.size))])[:, one.size // 2]
        for one in runs
    ]
    with np.errstate(invalid="ignore"):
        ratios = np.sort(medians[0] / medians[1])
    assert found.low[0] == pytest.approx(ratios[5000 - 1])
    assert found.high[0] == pytest.approx(ratios[195_000 - 1])
