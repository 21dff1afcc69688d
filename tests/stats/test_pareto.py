"""Pareto fronts against brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.stats import pareto_front

LEVELS = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, math.inf])
INTERVAL = st.tuples(LEVELS, LEVELS, LEVELS).map(sorted)


def points_of(intervals, axes=2):
    return st.lists(st.lists(intervals, min_size=axes, max_size=axes), min_size=1, max_size=7).map(
        lambda points: np.array(points, float).reshape(-1, axes, 3)
    )


def exact(values):
    """Return points without uncertainty."""
    return np.repeat(np.asarray(values, float)[:, :, None], 3, axis=2)


@given(st.lists(st.tuples(LEVELS, LEVELS), min_size=1, max_size=7))
def test_front_of_exact_points_is_the_classical_one(values):
    found = pareto_front(exact(values), ["time", "gap"])
    front = tuple(
        b
        for b, (x, y) in enumerate(values)
        if not any(u <= x and v <= y and (u < x or v < y) for u, v in values)
    )
    assert found.members == front
    assert not found.left_out


@given(points_of(st.one_of(INTERVAL, st.just([math.nan] * 3)), axes=3))
def test_domination_is_its_definition(points):
    found = pareto_front(points, ["time", "gap", "energy"])
    complete = [i for i, point in enumerate(points) if not np.isnan(point).any()]
    for b in complete:
        by = tuple(
            a
            for a in complete
            if all(points[a, k, 1] <= points[b, k, 1] for k in range(3))
            and any(points[a, k, 2] < points[b, k, 0] for k in range(3))
        )
        assert found.dominated.get(b, ()) == by
        assert (b in found.members) == (not by)
    assert sorted([*found.members, *found.dominated, *found.left_out]) == list(range(len(points)))
    assert bool(found.members) == bool(complete)


@given(points_of(INTERVAL))
def test_front_holds_the_one_of_the_values(points):
    certain = pareto_front(exact(points[:, :, 1]), ["time", "gap"])
    uncertain = pareto_front(points, ["time", "gap"])
    assert set(certain.members) <= set(uncertain.members)


def test_overlap_is_no_domination():
    points = [[(1, 2, 3), (1, 1, 1)], [(2, 3, 4), (1, 1, 1)], [(4, 5, 6), (1, 1, 1)]]
    found = pareto_front(np.array(points, float), ["time", "gap"])
    assert found.members == (0, 1)
    assert found.dominated == {2: (0,)}


def test_points_that_beat_each_other_in_a_circle_all_stay():
    """Each is better than the next beyond doubt on one axis, and overlaps elsewhere."""
    low, middle, high = (0, 1, 2), (1.5, 4, 6.5), (5, 7, 9)
    points = [(low, high, middle), (high, middle, low), (middle, low, high)]
    for a, b in itertools.pairwise([*range(3), 0]):
        better = [points[a][k][2] < points[b][k][0] for k in range(3)]
        assert any(better)
    found = pareto_front(np.array(points, float), ["time", "gap", "memory"])
    assert found.members == (0, 1, 2)


def test_missing_values_leave_a_point_out_with_the_reason():
    points = exact([[1.0, 1.0, math.nan], [2.0, 2.0, 2.0], [math.nan, 0.0, math.nan]])
    found = pareto_front(points, ["time", "gap", "energy"])
    assert found.members == (1,)
    assert found.left_out == {0: "no energy", 2: "no time, energy"}


def test_front_of_nothing():
    assert pareto_front(np.empty((0, 2, 3)), ["time", "gap"]).members == ()


def test_bad_points_are_refused():
    with pytest.raises(TiltyardError, match=r"shape \(2, 3\); expected \(points, 1, 3\)"):
        pareto_front(np.ones((2, 3)), ["time"])
    points = exact([[1.0, 1.0], [1.0, 1.0]])
    points[1, 1] = [2.0, 1.0, 3.0]
    with pytest.raises(TiltyardError, match="point 1 of a Pareto front has gap"):
        pareto_front(points, ["time", "gap"])
