"""Statistics of a large board: 20 implementations, 200 problems, 5 seeds and 6 targets.

Run with ``./run pytest benchmarks/bench_stats.py``. Ranks with intervals aim at well under 0.5 s.
"""

import math

import numpy as np
import pytest

from tiltyard.stats import (
    data_profiles,
    expected_runtime,
    friedman,
    head_to_head,
    known_means,
    pairwise_tests,
    performance_profiles,
    profile_credit,
    rank,
)

SHAPE = (20, 200, 5)
TARGETS = 6


@pytest.fixture(scope="module")
def costs():
    """Return (targets, implementations, problems, seeds) costs, harder from target to target."""
    rng = np.random.default_rng(0)
    skill, hardness = rng.uniform(0, 3, (20, 1, 1)), rng.normal(size=(1, 200, 1))
    steps = np.exp(rng.normal(0, 0.5, (TARGETS, *SHAPE)) + skill + hardness)
    found = np.cumsum(steps, axis=0)
    found[found > np.quantile(found, 0.8)] = math.inf
    found[:, rng.uniform(size=SHAPE[:2]) < 0.03] = math.nan
    return found


@pytest.fixture(scope="module")
def credit(costs):
    return np.mean([profile_credit(one) for one in costs], axis=0)


def test_credit(costs, benchmark):
    benchmark(lambda: [profile_credit(one) for one in costs])


def test_ranks_with_intervals(credit, benchmark):
    benchmark(lambda: rank(credit, np.random.default_rng(0)))


def test_ranks_with_intervals_where_seeds_are_missing(credit, benchmark):
    partly = np.where(np.random.default_rng(0).uniform(size=SHAPE) < 0.02, math.nan, credit)
    benchmark(lambda: rank(partly, np.random.default_rng(0)))


def test_performance_profiles_of_one_target(costs, benchmark):
    benchmark(lambda: performance_profiles(costs[:1], np.random.default_rng(0)))


def test_performance_profiles_over_all_targets(costs, benchmark):
    benchmark(lambda: performance_profiles(costs, np.random.default_rng(0)))


def test_data_profiles_over_all_targets(costs, benchmark):
    benchmark(lambda: data_profiles(costs, np.ones(200), np.random.default_rng(0)))


@pytest.mark.parametrize("problems", [12, 50, 200])
def test_pairwise_tests(credit, benchmark, problems):
    benchmark(lambda: pairwise_tests(known_means(credit[:, :problems])))


def test_friedman(credit, benchmark):
    benchmark(lambda: friedman(known_means(credit)))


def test_head_to_head(costs, benchmark):
    benchmark(lambda: head_to_head(costs[0, 0], costs[0, 1], np.random.default_rng(0)))


def test_expected_runtimes_of_a_target(costs, benchmark):
    """All 4000 pairs of implementation and problem."""
    spent = np.where(np.isnan(costs[3]), math.nan, 100.0)
    rng = np.random.default_rng(0)
    cells = list(np.ndindex(SHAPE[:2]))
    benchmark(lambda: [expected_runtime(costs[3][cell], spent[cell], rng) for cell in cells])
