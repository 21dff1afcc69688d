"""Leaderboards made from records."""

import pytest

from tiltyard.errors import TiltyardError
from tiltyard.grouping import boards, label
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.suite import Budget

ENVIRONMENTS = {"here": {"hardware": "h1"}, "there": {"hardware": "h2"}}


@pytest.fixture
def record(spec):
    """Return a function that makes a record with one checkpoint."""

    def make(name, *, problem="line", seconds=1.0, gap=0.001, status=Status.SOLVED, **options):
        budget = options.pop("budget", Budget(seconds=0.05))
        environment = options.pop("environment", "here")
        point = Checkpoint(iteration=1, seconds=seconds * 1e-3, oracles={}, metrics={"gap": gap})
        return Record(
            spec=spec(name, problem=problem, budget=budget, **options),
            status=status,
            reason="as told",
            checkpoints=[] if status == Status.UNSUPPORTED else [point],
            environment=environment,
        )

    return make


def board_of(toy, records, tier="smoke"):
    return boards(toy, toy.suite("toy"), tier, records, ENVIRONMENTS)


def test_rows_are_ranked_by_credit(toy, record):
    records = [
        record(name, problem=problem, seconds=seconds)
        for problem in ("line[x0=1]", "line[x0=-2]")
        for name, seconds in (("halve", 1.0), ("noisy", 10.0), ("called_back", 1000.0))
    ]
    (board,) = board_of(toy, records)
    assert [(row.rank, row.implementation) for row in board.rows] == [
        (1, "halve"),
        (2, "noisy"),
        (3, "called_back"),
    ]
    assert [row.score for row in board.rows] == pytest.approx([1.0, 0.5, 0.0])
    assert board.rows[1].seconds == {0.1: 0.01, 0.01: 0.01}
    assert board.rows[1].to_json()["metrics"] == {"gap": 0.001}
    assert (board.rows[0].rank_low, board.rows[0].rank_high) == (1, 1)


def test_equal_scores_share_a_rank(toy, record):
    (board,) = board_of(toy, [record("halve"), record("noisy")])
    assert [row.rank for row in board.rows] == [1, 1]


def test_failed_runs_earn_nothing_and_keep_their_reason(toy, record):
    (board,) = board_of(toy, [record("halve"), record("noisy", status=Status.UNSOUND)])
    row = board.rows[1]
    assert (row.implementation, row.score, row.gap) == ("noisy", 0.0, float("inf"))
    assert row.reasons == {"unsound: as told": 1}
    assert row.to_json()["gap"] is None


def test_implementation_that_takes_few_problems_is_not_ranked(toy, record):
    problems = [f"line[x0={x}]" for x in (1, -2)]
    records = [record("halve", problem=problem) for problem in problems]
    records += [record("needy", problem=problem, status=Status.UNSUPPORTED) for problem in problems]
    (board,) = board_of(toy, records)
    assert [(row.implementation, row.rank, row.problems) for row in board.rows] == [
        ("halve", 1, 2),
        ("needy", None, 0),
    ]


def test_hardware_budget_and_version_never_mix(toy, record):
    records = [
        record("halve"),
        record("noisy"),
        record("halve", environment="there"),
        record("halve", budget=Budget(seconds=9)),
        record("noisy", budget=Budget(seconds=9)),
        record("called_back", budget=Budget(seconds=9)),
    ]
    found = board_of(toy, records)
    assert [len(board.records) for board in found] == [2, 1, 3]
    assert found[0].conditions.budget == Budget(seconds=0.05)  # the tier's own comes first
    assert {board.conditions.hardware for board in found} == {"h1", "h2"}


def test_later_record_of_the_same_run_counts(toy, record):
    (board,) = board_of(toy, [record("halve", seconds=5.0), record("halve", seconds=1.0)])
    assert board.rows[0].seconds[0.1] == pytest.approx(0.001)


def test_parameters_that_differ_from_the_defaults_show_in_the_label(toy, record):
    assert label(toy, record("halve").spec) == "halve"
    assert label(toy, record("halve", factor=0.25).spec) == "halve[factor=0.25]"


def test_tier_keeps_its_problems_only(toy, record):
    records = [record("halve"), record("halve", problem="line[x0=3]")]
    assert board_of(toy, records)[0].problems == ["line[x0=1.0,instance=0]"]
    assert len(board_of(toy, records, tier=None)[0].problems) == 2
    assert board_of(toy, []) == []


def test_comparison_names_who_is_missing(toy, record):
    (board,) = board_of(toy, [record("halve"), record("noisy", seconds=10)])
    assert board.compare("halve", "noisy").wins == 1
    with pytest.raises(TiltyardError, match="did you mean noisy"):
        board.require("nosy")


def test_common_target_is_the_tightest_that_anyone_reached(toy, record):
    (board,) = board_of(toy, [record("halve", gap=0.05), record("noisy", gap=0.5)])
    assert board.common_target(board.problems[0], "halve", "noisy") == 0.1
