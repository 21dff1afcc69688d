"""The statistics of a board, made from records."""

import math

import numpy as np
import pytest

from tiltyard.analysis import Analysis
from tiltyard.board import Board, Conditions
from tiltyard.errors import TiltyardError
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.stats import Untested, expected_runtime, mean_credit, signed_rank
from tiltyard.suite import Budget

PROBLEMS = 8
SEEDS = 3


def seconds_of(name, problem, seed, rng):
    """Return when a run reaches the gap; inf for one in eight."""
    level = {"halve": 1.0, "noisy": 1.1, "called_back": 30.0, "needy": 1.0}[name]
    return math.inf if (problem + seed) % 8 == 0 else level * rng.uniform(0.5, 1.5)


@pytest.fixture
def make(toy, spec):
    """Return a function that makes a board of implementations by name."""

    def build(*names, problems=PROBLEMS):
        rng, records, labels = np.random.default_rng(0), [], {}
        for name in names:
            for problem in range(problems):
                for seed in range(SEEDS):
                    made = spec(
                        name,
                        problem=f"line[x0={problem + 1}]",
                        seed=seed,
                        budget=Budget(seconds=1000.0),
                    )
                    labels[made.id] = name
                    seconds = seconds_of(name, problem, seed, rng)
                    reached = math.isfinite(seconds)
                    unsupported = name == "needy" or (name == "noisy" and problem == 1)
                    point = Checkpoint(
                        iteration=1,
                        seconds=seconds if reached else 900.0,
                        oracles={"step": 100 * (problem + 1)},
                        metrics={"gap": 0.001 if reached else 0.5},
                    )
                    records.append(
                        Record(
                            spec=made,
                            status=Status.UNSUPPORTED if unsupported else Status.STOPPED,
                            checkpoints=[] if unsupported else [point],
                            seconds=1000.0,
                            oracles={"step": 5000},
                        )
                    )
        conditions = Conditions(
            suite_version=1, device="cpu", threads=1, budget=Budget(seconds=1000.0), hardware="h"
        )
        suite = toy.suite("toy")
        return Analysis(Board(suite, "all", conditions, records, labels=labels, of=problems))

    return build


@pytest.fixture
def analysis(make):
    return make("halve", "noisy", "called_back", "needy")


def test_profiles_cover_the_credit_of_every_implementation(analysis):
    profiles = analysis.performance_profiles()
    assert list(profiles) == [row.implementation for row in analysis.board.rows]
    scores = dict(
        zip(analysis.board.implementations, mean_credit(analysis.board.credits), strict=True)
    )
    for name, profile in profiles.items():
        steps = np.clip(np.log(profile.at) / math.log(100.0), 0, 1)
        area = np.diff(profile.share, prepend=0.0) @ (1 - steps)
        np.testing.assert_allclose(area if profile.problems else math.nan, scores[name])
    assert {name: one.problems for name, one in profiles.items()} == {
        "halve": 8,
        "noisy": 7,
        "called_back": 8,
        "needy": 0,
    }
    one = analysis.performance_profiles(0.1)["halve"]
    np.testing.assert_allclose(one(1e9), profiles["halve"](1e9))  # both targets fall together


def test_data_profiles_count_oracle_calls_in_units(analysis):
    calls = analysis.data_profiles()["halve"]
    np.testing.assert_array_equal(calls.at, np.arange(1, 9) * 100.0)
    reached = np.isfinite(analysis.board.costs(0.1))[analysis.board.implementations.index("halve")]
    assert calls(200) == pytest.approx(
        sum(
            reached[analysis.board.problems.index(f"line[x0={x0}.0,instance=0]")].mean()
            for x0 in (1, 2)
        )
        / 8
    )
    units = {name: float(name[8]) for name in analysis.board.problems}
    assert analysis.data_profiles(0.1, units)["halve"].at.tolist() == [100.0]
    units.popitem()
    with pytest.raises(TiltyardError, match="no unit of cost for problem line"):
        analysis.data_profiles(0.1, units)


def test_tests_are_between_ranked_implementations(analysis):
    assert sorted(analysis.ranked) == ["called_back", "halve", "noisy"]
    means = analysis.board.credits.mean(axis=2)  # all seeds of a pair are there, or none
    index = analysis.board.implementations.index
    raw = signed_rank(means[index("halve")] - means[index("called_back")]).p_value
    pair = analysis.ranked.index("halve"), analysis.ranked.index("called_back")
    assert analysis.tests.p_values[pair] == pytest.approx(raw)
    assert analysis.tests.corrected[pair] == pytest.approx(3 * raw)
    assert analysis.different("halve", "called_back") is bool(3 * raw < 0.05) is True
    assert not analysis.different("halve", "noisy")
    assert not analysis.different("halve", "needy")
    assert [set(group) for group in analysis.ties] == [{"halve", "noisy"}, {"called_back"}]


def test_friedman_uses_the_problems_that_all_take(analysis):
    assert analysis.friedman.problems == 7
    assert analysis.friedman.p_value < 0.05


def test_expected_runtime_charges_the_runs_that_missed(analysis):
    board = analysis.board
    problem = "line[x0=1.0,instance=0]"  # seed 0 misses the target
    costs = board.costs(0.01)[board.implementations.index("halve"), board.problems.index(problem)]
    found = analysis.expected_runtime("halve", problem, 0.01)
    assert found.expected == pytest.approx((1000.0 + costs[1] + costs[2]) / 2)
    again = expected_runtime(costs, np.full(3, 1000.0), np.random.default_rng(0))
    assert (found.spent, found.successes) == (again.spent, 2)
    calls = analysis.expected_runtime("halve", problem, 0.01, "oracles")
    assert calls.expected == (5000 + 100 + 100) / 2
    assert analysis.expected_runtime("needy", problem, 0.01).runs == 0
    with pytest.raises(TiltyardError, match="unknown problem"):
        analysis.expected_runtime("halve", "line", 0.01)
    with pytest.raises(TiltyardError, match="unknown implementation"):
        analysis.expected_runtime("halves", problem, 0.01)


def test_head_to_head_in_both_units(analysis):
    fast = analysis.head_to_head("halve", "called_back", 0.1)
    assert fast.outcomes.count("win") + fast.outcomes.count("tie") == PROBLEMS
    assert fast.mean_high < 0.2
    calls = analysis.head_to_head("halve", "called_back", 0.1, "oracles")
    assert calls.mean_ratio == pytest.approx(1.0)
    assert analysis.head_to_head("halve", "needy", 0.1).outcomes == ("missing",) * PROBLEMS


def test_same_records_give_the_same_numbers(make):
    one, two = make("halve", "noisy"), make("halve", "noisy")
    for name, profile in one.performance_profiles().items():
        np.testing.assert_array_equal(profile.low, two.performance_profiles()[name].low)
    problem = one.board.problems[0]
    assert one.expected_runtime("halve", problem, 0.1) == two.expected_runtime(
        "halve", problem, 0.1
    )


def test_small_boards_have_defined_statistics(make):
    alone = make("halve", problems=1)
    assert alone.ties == [("halve",)]
    assert isinstance(alone.friedman, Untested)
    missing = make("needy", problems=1)
    assert (missing.ranked, missing.ties) == ([], [])
    assert isinstance(missing.friedman, Untested)
    assert missing.performance_profiles()["needy"].problems == 0
