"""Effects of paired runs."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tiltyard.suite import Budget
from tiltyard.suites.lipschitz import _effects


def record(seconds=1.0, *, failed=False, **metrics):
    return SimpleNamespace(status=SimpleNamespace(failed=failed), metrics=metrics, seconds=seconds)


def test_ratio_is_a_geometric_mean_with_its_interval():
    effect = _effects.mean_ratio(np.array([1.0, 4.0]), np.ones(2))
    assert (effect.value, effect.low, effect.high) == pytest.approx((2.0, 1.0, 4.0))
    assert str(effect) == "2 [1, 4]"


def test_interval_holds_the_mean_and_narrows_with_pairs():
    rng = np.random.default_rng(0)
    few, many = (_effects.mean(rng.normal(3.0, 1.0, size)) for size in (10, 1000))
    for effect in (few, many):
        assert effect.low < effect.value < effect.high
    assert many.high - many.low < few.high - few.low


def test_pairs_that_lack_a_run_are_left_out():
    assert _effects.mean_ratio(np.array([math.nan, 3.0]), np.ones(2)).value == pytest.approx(3.0)
    nothing = _effects.mean_ratio(np.array([math.nan]), np.ones(1))
    assert math.isnan(nothing.value)
    assert nothing.above(1.0) == nothing.below(1.0) == "inconclusive"
    assert math.isnan(_effects.typical(np.array([math.nan])))


@pytest.mark.parametrize(
    ("low", "high", "above", "below"),
    [
        (1.1, 1.2, "reproduced", "not reproduced"),
        (0.9, 1.1, "inconclusive", "inconclusive"),
        (0.8, 1.0, "not reproduced", "reproduced"),
    ],
)
def test_verdicts_are_of_the_interval(low, high, above, below):
    effect = _effects.Effect(1.0, low, high)
    assert (effect.above(1.0), effect.below(1.0)) == (above, below)


def test_one_failing_verdict_is_enough():
    assert _effects.worst(["reproduced", "reproduced"]) == "reproduced"
    assert _effects.worst(["reproduced", "inconclusive"]) == "inconclusive"
    assert _effects.worst(["inconclusive", "not reproduced"]) == "not reproduced"


def test_runs_are_read_in_the_order_of_their_requests():
    budgets = {"a": Budget(iterations=1), "b": Budget(iterations=2)}
    plan = _effects.requests(("a", "b"), ("p", "q"), budgets, seeds=(0, 1))
    told = [(one.implementation, one.problem, one.budget.iterations) for one in plan]
    assert told == [("a", "p", 1), ("b", "p", 2), ("a", "q", 1), ("b", "q", 2)]
    records = [record(seconds=1.0 + k, bound=10.0 * k) for k in range(8)]
    records[3] = record(failed=True)
    records[6] = records[7] = record()
    runs = _effects.Runs.split(records, ("a", "b"), seeds=2)
    np.testing.assert_array_equal(runs.bound("a", "bound"), [0.0, 40.0])
    np.testing.assert_array_equal(runs.seconds("a"), [1.0, 5.0])
    np.testing.assert_array_equal(runs.bound("b", "bound"), [20.0, math.nan])
    np.testing.assert_array_equal(runs.seconds("b"), [3.0, math.nan])
    assert runs.failures() == "3 of 8 runs failed."


def test_problems_have_their_seeds_or_instances():
    names = _effects.each(["digits-x[a=1]", "random-y[b=2]"])
    assert names[:2] == ["digits-x[a=1,seed=0]", "digits-x[a=1,seed=1]"]
    assert names[5:] == [f"random-y[b=2,instance={k}]" for k in range(3)]
