"""Tests of what a board tells at a glance."""

import math
import statistics

import numpy as np
import pytest
from odd_boards import board_of, named, odd_boards
from test_golden import standard
from toy_store import MINUS, PLUS, by_hand

from tiltyard.report.summary import (
    caution,
    leaders,
    place,
    reached_any,
    score_error,
    telling_targets,
)


def places(board):
    return {row.implementation: place(board, row) for row in board.rows}


def test_places_show_ties_and_intervals(toy):
    assert places(standard(toy))["halve"].startswith("6 [")
    same = board_of(toy, [named(name, problem=p) for name in "ab" for p in (PLUS, MINUS)])
    assert places(same) == {"a": "1= [1]", "b": "1= [1]"}
    assert set(places(odd_boards(toy)["nothing ranked"]).values()) == {"-"}


def test_leaders_are_who_may_be_first(toy):
    board = standard(toy)
    assert leaders(board) == {r.implementation for r in board.rows if r.rank and r.rank_low == 1}
    assert 0 < len(leaders(board)) < len(board.rows)
    assert leaders(odd_boards(toy)["one implementation"]) == set()
    assert leaders(odd_boards(toy)["nothing ranked"]) == set()


def test_the_error_of_a_score_is_that_of_a_mean(toy):
    board = standard(toy)
    for index, name in enumerate(board.implementations):
        means = [
            float(np.mean(block)) for block in board.credits[index] if not np.isnan(block).any()
        ]
        if len(means) > 1:
            expected = statistics.stdev(means) / math.sqrt(len(means))
            assert score_error(board, name) == pytest.approx(expected)
        else:
            assert math.isnan(score_error(board, name))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("usual", ""),
        ("one implementation", "There is one implementation only, and so nothing to compare"),
        ("one problem", "There is one problem only: ranks say nothing about any other."),
        ("all failed", "Every run failed."),
        ("all unsupported", "Every pair is unsupported."),
        ("nothing ranked", "No implementation takes 50 % of the problems."),
        ("nan", "No run reached any target, so every score is 0."),
    ],
)
def test_cautions(toy, what, said):
    assert caution(odd_boards(toy)[what]).startswith(said)
    assert said or not caution(odd_boards(toy)[what])


def test_telling_targets_end_with_the_tightest_that_was_reached(toy):
    assert telling_targets(board_of(toy, by_hand())) == [0.01, 0.1]
    assert telling_targets(odd_boards(toy)["all failed"]) == [0.1]
    assert not reached_any(odd_boards(toy)["all failed"])
