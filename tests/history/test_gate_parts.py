"""Tests, bounds and levels against brute force, closed forms and SciPy."""

import itertools
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact, mannwhitneyu, t

sys.path.insert(0, str(Path(__file__).parent))

from histories import board, commits, history

from tiltyard.errors import TiltyardError
from tiltyard.history.evidence import (
    _between_commits,
    _fisher,
    _mann_whitney,
    _reach,
    holm,
)
from tiltyard.history.screening import largest_rise, least_fisher
from tiltyard.history.series import read
from tiltyard.history.steps import difference_spread, shifts_at, steps

floats = st.floats(-10, 10).map(lambda x: round(x, 3))


@given(st.lists(floats, min_size=1, max_size=4), st.lists(floats, min_size=1, max_size=4))
def test_mann_whitney_counts_ties_against_a_difference(before, after):
    pooled = np.array([*before, *(x - 1e-9 for x in after)])
    n = len(after)

    def wins(chosen):
        rest = np.delete(pooled, list(chosen))
        return sum((pooled[i] > rest).sum() for i in chosen)

    observed = wins(range(len(before), len(pooled)))
    # Ties within a side share a fate in the data, but none in the ranks: break them by place.
    order = np.lexsort((np.arange(len(pooled)), pooled))
    ranks = np.empty(len(pooled))
    ranks[order] = np.arange(len(pooled))
    every = []
    for chosen in itertools.combinations(range(len(pooled)), n):
        rest = np.delete(ranks, list(chosen))
        every.append(sum((ranks[i] > rest).sum() for i in chosen))
    expected = np.mean(np.array(every) >= observed)
    assert _mann_whitney(np.array(before), np.array(after)) == pytest.approx(expected)


def test_mann_whitney_of_many_samples_is_scipys():
    rng = np.random.default_rng(0)
    before, after = rng.normal(size=60), rng.normal(0.3, size=40)
    expected = mannwhitneyu(after, before, alternative="greater").pvalue
    assert _mann_whitney(before, after) == pytest.approx(expected)


@given(st.integers(1, 30), st.integers(1, 30))
def test_reach_is_the_p_value_of_complete_separation(before, after):
    assert _reach(before, after) == pytest.approx(1 / math.comb(before + after, after))


def test_reach_is_what_separated_samples_give():
    assert _mann_whitney(np.arange(7.0), np.arange(10.0, 16)) == pytest.approx(_reach(7, 6))
    assert _fisher(np.zeros(7), np.ones(6)) == pytest.approx(_reach(7, 6))


def test_fisher_is_scipys():
    before, after = np.array([0.0] * 20 + [1.0] * 3), np.array([1.0, 1.0, 0.0])
    expected = fisher_exact([[2, 1], [3, 20]], alternative="greater").pvalue
    assert _fisher(before, after) == pytest.approx(expected)
    assert _fisher(before, np.array([0.5])) == 1.0  # no outcomes


@given(st.lists(st.integers(0, 4), min_size=2, max_size=6))
def test_fisher_is_nowhere_below_its_bound(failures):
    """Over all windows and all later last commits; runs of four seeds."""
    commits_of = [np.array([1.0] * k + [0.0] * (4 - k)) for k in failures]
    n = len(failures)
    found = [
        _fisher(np.concatenate(commits_of[start:stop]), np.concatenate(commits_of[last:]))
        for last in range(1, n)
        for start, stop in itertools.combinations(range(last + 1), 2)
    ]
    counts = np.array([[0.0, *failures]]), np.array([[0.0] + [4.0] * n])  # padded
    assert min(found) >= least_fisher(*counts)[0] * (1 - 1e-9)


def test_bound_of_fisher_is_reached():
    counts = np.array([[0.0, 0, 0, 2]]), np.full((1, 4), 6.0)
    expected = _fisher(np.zeros(18), np.array([1.0, 1, 0, 0, 0, 0]))
    assert least_fisher(*counts)[0] == pytest.approx(expected)


def test_holm_follows_its_definition():
    rng = np.random.default_rng(0)
    for _ in range(200):
        tests = int(rng.integers(1, 12))
        values = rng.uniform(size=tests) ** 4
        level = holm(values.tolist(), tests, 0.05)
        rejected = set()
        for step, index in enumerate(np.argsort(values)):
            if values[index] > 0.05 / (tests - step):
                break
            rejected.add(int(index))
        assert {i for i, value in enumerate(values) if value <= level} == rejected
        smallest = sorted(values)[: len(rejected) + 1]
        assert holm(smallest, tests, 0.05) == level


def padded(rows):
    width = max(map(len, rows))
    return np.array([[math.nan] * (width - len(row)) + row for row in rows])


@given(st.lists(st.lists(floats, min_size=2, max_size=7), min_size=1, max_size=4))
def test_largest_rise_is_brute_forces(rows):
    def rises(row):
        n = len(row)
        for last in range(1, n):
            for start, stop in itertools.combinations(range(last + 1), 2):
                rise = np.mean(row[last:]) - np.mean(row[start:stop])
                yield rise / math.sqrt(1 / (n - last) + 1 / (stop - start))

    expected = [max(rises(row)) for row in rows]
    assert largest_rise(padded(rows)) == pytest.approx(expected, abs=1e-9)


def test_spread_from_differences_ignores_steps_and_spikes():
    rng = np.random.default_rng(0)
    values = 0.3 * rng.standard_normal((2000, 40))
    plain = difference_spread(values)
    assert np.median(plain) == pytest.approx(0.3, rel=0.05)
    values[:, 20:] += 100
    values[:, 5] += 100
    assert np.median(difference_spread(values)) == pytest.approx(0.3, rel=0.25)


def test_spread_does_not_see_the_padding():
    row = [1.0, 1.5, 1.2, 1.9]
    both = difference_spread(padded([row, [0.0, *row, 5.0]]))
    assert both[0] == pytest.approx(difference_spread(np.array([row]))[0])


@given(st.lists(floats, min_size=2, max_size=8))
def test_shifts_are_students_numerators(levels):
    expected = [
        (np.mean(levels[k:]) - np.mean(levels[:k])) / math.sqrt(1 / k + 1 / (len(levels) - k))
        for k in range(1, len(levels))
    ]
    assert shifts_at(np.array(levels)) == pytest.approx(expected, abs=1e-9)


def test_between_commits_is_students_test_where_the_spreads_agree():
    """Alternating levels have larger differences than residuals, so that spread decides."""
    levels = np.array([1.0, 1.2, 1.0, 1.2, 1.0, 1.2, 2.0, 2.2])
    spread = max(
        difference_spread(levels[None])[0],
        math.sqrt((6 * 0.01 + 2 * 0.01) / 6),
    )
    expected = t.sf(1.0 / (spread * math.sqrt(1 / 6 + 1 / 2)), 6)
    assert _between_commits(levels, [0, 6, 8], 0) == pytest.approx(expected)
    assert _between_commits(np.array([1.0, 2.0]), [0, 1, 2], 0) == 1.0


def test_steps_are_told_with_their_commits():
    names = commits(12)
    rng = np.random.default_rng(0)
    samples = np.exp(0.02 * rng.standard_normal((12, 6)))
    samples[7:] *= 2
    first, second = steps(history(list(samples)), names)
    assert (first.first, first.last, second.first, second.last) == (
        names[0],
        names[6],
        names[7],
        names[11],
    )
    assert first.level == pytest.approx(1.0, rel=0.05)
    assert second.level == pytest.approx(2.0, rel=0.05)


def test_steps_of_a_deterministic_series_are_its_changes():
    names = commits(6)
    found = steps(history([[1.0], [1.0], [1.0], [1.1], [1.1], [0.5]], "linear"), names)
    assert [(one.first, one.level) for one in found] == [
        (names[0], 1.0),
        (names[3], 1.1),
        (names[5], 0.5),
    ]


def test_one_bad_day_is_no_step():
    rng = np.random.default_rng(1)
    samples = np.exp(0.02 * rng.standard_normal((20, 6)))
    samples[8] *= 1.6
    levels = [one.level for one in steps(history(list(samples)), commits(20))]
    assert max(levels) < 1.1


def test_steps_of_nothing_and_of_two_series():
    assert steps(history([[1.0]]).iloc[:0], commits(1)) == []
    with pytest.raises(TiltyardError, match="one series, got 2"):
        steps(board(np.ones((2, 3, 1))), commits(3))


def test_what_is_read_is_what_was_written():
    frame = history([[1.0, 10.0], [100.0], []])
    frame["samples"] = [[1.0, None, 0.0, 10.0], [100.0], None]
    frame["value"] = [5.0, 100.0, 1000.0]
    table = read(frame, commits(3), ["time"])
    series = table[0]
    assert [one.tolist() for one in series.samples] == [[0.0, 1.0], [2.0], [3.0]]
    assert series.positions.tolist() == [0, 1, 2]
    assert series.levels[1:].tolist() == [2.0, 3.0]


@settings(max_examples=30)
@given(
    st.lists(
        st.lists(st.sampled_from([[0.0], [1.0], [1.0, 1.0], [1.0, 0.0]]), min_size=1, max_size=5),
        min_size=1,
        max_size=4,
    )
)
def test_repetition_is_seen_within_series_only(histories):
    frame = [history(one, "share", benchmark=str(i)) for i, one in enumerate(histories)]
    table = read(pd.concat(frame), commits(5), ["share"])
    for index, one in enumerate(histories):
        expected = [a == b for a, b in itertools.pairwise(one)]
        assert table[index].same.tolist() == expected
        assert table[index].levels.tolist() == [np.mean(samples) for samples in one]
