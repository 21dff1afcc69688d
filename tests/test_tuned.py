"""Tuned leaderboards: the configuration for a problem is chosen on the others."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tiltyard.grouping import boards
from tiltyard.registry import Registry
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.suite import Budget
from tiltyard.tuned import Untuned, choose, tuned
from tiltyard.tuning import draws

PROBLEMS = [f"line[x0={x}]" for x in (1, 2, 3, 4)]

CREDITS = arrays(
    float,
    st.tuples(st.integers(1, 4), st.integers(2, 5), st.integers(1, 3)),
    elements=st.sampled_from((0.0, 0.1, 0.3, 0.7, 1.0, math.nan)),
)


@pytest.fixture
def record(spec):
    """Return a function that makes a record which came to the gap after some seconds."""

    def make(name, problem, parameters=None, *, seconds=1e-3, seed=0, status=Status.SOLVED):
        point = Checkpoint(iteration=1, seconds=seconds, oracles={}, metrics={"gap": 1e-3})
        made = spec(name, problem=problem, seed=seed, budget=Budget(seconds=0.05))
        made = dataclasses.replace(made, parameters={**made.parameters, **(parameters or {})})
        unsupported = status == Status.UNSUPPORTED
        return Record(
            spec=made,
            status=status,
            checkpoints=[] if unsupported else [point],
            environment="here",
        )

    return make


@pytest.fixture
def field(toy):
    """Return a registry in which noisy has something to tune, too."""
    noisy = dataclasses.replace(
        toy.implementation("toy", "noisy"),
        parameters={"size": 4},
        tune={"size": (1, 1000, "log")},
    )
    return Registry(
        suites=toy.suites,
        families=toy.families,
        implementations={**toy.implementations, ("toy", "noisy"): noisy},
    )


def board_of(registry, records):
    environments = {"here": {"hardware": "h"}}
    (board,) = boards(registry, registry.suite("toy"), None, records, environments)
    return board


def tuned_of(registry, records):
    return tuned(registry, board_of(registry, records))


def settings(registry, name, count):
    method = registry.implementation("toy", name)
    return [dict(method.parameters), *draws(method, count)]


def choose_by_loops(values):
    """Choose as the protocol is worded."""
    candidates, problems, _ = values.shape

    def mean(numbers):
        known = [one for one in numbers if not math.isnan(one)]
        return sum(known) / len(known) if known else math.nan

    def score(candidate, problem):
        credit = mean(values[candidate, problem])
        if math.isnan(credit) and not np.isnan(values[:, problem]).all():
            return 0.0
        return credit

    picks = []
    for left_out in range(problems):
        best, pick = -math.inf, 0
        for candidate in range(candidates):
            total = mean([score(candidate, p) for p in range(problems) if p != left_out])
            if total > best + 1e-9:
                best, pick = total, candidate
        picks.append(pick)
    return picks


@given(CREDITS)
def test_choice_is_that_of_plain_loops(values):
    assert choose(values) == choose_by_loops(values)


@given(CREDITS, st.data())
def test_a_problems_own_credits_have_no_part_in_its_choice(values, data):
    problem = data.draw(st.integers(0, values.shape[1] - 1))
    other = values.copy()
    other[:, problem] = data.draw(
        arrays(float, other[:, problem].shape, elements=st.floats(0, 1) | st.just(math.nan))
    )
    assert choose(other)[problem] == choose(values)[problem]


def test_of_equals_the_defaults_are_chosen():
    assert choose(np.full((3, 4, 2), 0.5)) == [0, 0, 0, 0]
    assert choose(np.full((3, 4, 2), math.nan)) == [0, 0, 0, 0]


def test_a_candidate_that_avoids_hard_problems_does_not_win():
    # Candidate 1 takes the first problem only, and does well there.
    values = np.array([[[0.9], [0.5], [0.5]], [[1.0], [math.nan], [math.nan]]])
    assert choose(values) == [0, 0, 0]


@given(times=arrays(float, (4, 4), elements=st.sampled_from((1e-4, 1e-3, 1e-2, 4e-2))),
       changed=arrays(float, 4, elements=st.sampled_from((1e-4, 1e-3, 1e-2, 4e-2))),
       left_out=st.integers(0, 3))  # fmt: skip
def test_changed_runs_of_a_problem_do_not_change_its_configuration(toy, times, changed, left_out):
    def result(times):
        return tuned_of(
            toy,
            [
                timed(toy, parameters, problem, times[i, j])
                for i, parameters in enumerate(settings(toy, "halve", 3))
                for j, problem in enumerate(PROBLEMS)
            ],
        )

    other = times.copy()
    other[:, left_out] = changed
    name = toy.canonical("toy", PROBLEMS[left_out])
    before, after = result(times), result(other)
    assert before.choices["halve"][name] == after.choices["halve"][name]
    # The row shows the runs of that configuration.
    (run,) = after.board.runs("halve", name)
    index = [
        i
        for i, parameters in enumerate(settings(toy, "halve", 3))
        if run.spec.parameters == parameters
    ]
    assert run.checkpoints[-1].seconds == changed[index[0]]


def timed(registry, parameters, problem, seconds):
    """Return a run of halve, for tests that hypothesis runs many times."""
    from tiltyard.run.spec import RunSpec

    spec = RunSpec(
        suite="toy",
        suite_version=1,
        problem=registry.canonical("toy", problem),
        implementation="halve",
        source="0" * 64,
        parameters=parameters,
        seed=0,
        device="cpu",
        budget=Budget(seconds=0.05),
        threads=1,
    )
    point = Checkpoint(iteration=1, seconds=seconds, oracles={}, metrics={"gap": 1e-3})
    return Record(spec=spec, status=Status.SOLVED, checkpoints=[point], environment="here")


def by_hand(registry, record):
    """Return runs of halve in which draw 1 is best on problems 0 to 2, and the defaults on 3."""
    default, first, second = settings(registry, "halve", 2)
    seconds = {0: (1e-2, 4e-2, 1e-3), 1: (1e-2, 4e-2, 1e-3), 2: (1e-2, 4e-2, 1e-3)}
    seconds[3] = (1e-4, 4e-2, 4e-2)
    return [
        record("halve", problem, parameters, seconds=seconds[index][one])
        for index, problem in enumerate(PROBLEMS)
        for one, parameters in enumerate((default, first, second))
    ]


def test_a_board_by_hand(toy, record):
    records = by_hand(toy, record) + [
        record("called_back", problem, seconds=1e-3) for problem in PROBLEMS
    ]
    found = tuned_of(toy, records)
    factor = draws(toy.implementation("toy", "halve"), 2)[1]["factor"]
    # Without problem 3, draw 1 has credits 1, 1, 1 and the defaults 1/2, 1/2, 1/2. Without
    # another one, draw 1 has 1, 1 and 0, and the defaults 1/2, 1/2 and 1: a tie, so the defaults.
    assert list(found.choices["halve"].values()) == ["halve"] * 3 + [f"halve[factor={factor}]"]
    board = found.board
    assert board.implementations == ["called_back", "halve"]
    assert board.tuned == 2
    assert [board.seconds("halve", problem, 0.01) for problem in board.problems] == [
        1e-2,
        1e-2,
        1e-2,
        4e-2,
    ]
    assert [row.rank for row in board.rows] == [1, 2]
    assert board.rows[0].implementation == "called_back"
    expected = (0.5 * 3 + (1 - math.log(40) / math.log(100))) / 4
    assert board.rows[1].score == pytest.approx(expected)
    assert found.notes == ("Nothing to tune, so at the defaults: called_back.",)
    assert "tuned(2)" in board.describe()


def test_pools_of_default_and_tuned_boards_differ(toy, record):
    board = board_of(toy, by_hand(toy, record))
    found = tuned(toy, board)
    assert found.board.implementations == board.implementations
    assert found.board.problems == board.problems
    assert found.board.pool != board.pool


def test_the_default_board_keeps_a_users_setting_and_hides_draws(toy, record):
    own = [record("halve", problem, {"factor": 0.25}) for problem in PROBLEMS]
    board = board_of(toy, [*own, *by_hand(toy, record)])
    assert board.implementations == ["halve", "halve[factor=0.25]"]
    assert len(board.records) == 8
    assert len(board.drawn) == 8
    assert tuned(toy, board).board.implementations == ["halve"]
    assert tuned(toy, board_of(toy, own)) is None


def test_every_implementation_has_the_same_number_of_configurations(field, record):
    def runs(name, count):
        return [
            record(name, problem, parameters)
            for problem in PROBLEMS
            for parameters in settings(field, name, count)
        ]

    found = tuned_of(field, runs("halve", 5) + runs("noisy", 3))
    assert found.board.tuned == 3
    (note,) = found.notes
    assert note.startswith("k = 3 is the largest number of configurations that every tuned")
    assert note.endswith("; more have halve.")
    # What halve was tuned over beyond the third has no part in it.
    alike = tuned_of(field, runs("halve", 3) + runs("noisy", 3))
    assert alike.choices == found.choices
    assert alike.board.pool == found.board.pool
    assert alike.notes == ()


def test_who_could_be_tuned_and_was_not_is_left_out(field, record):
    records = by_hand(field, record) + [record("noisy", problem) for problem in PROBLEMS]
    found = tuned_of(field, records)
    assert found.board.implementations == ["halve"]
    assert found.notes == ("Left out for want of runs at the defaults or of draws: noisy.",)


def test_fewer_than_three_problems_give_no_board(toy, record):
    kept = {toy.canonical("toy", problem) for problem in PROBLEMS[:2]}
    found = tuned_of(toy, [one for one in by_hand(toy, record) if one.spec.problem in kept])
    assert found == Untuned(
        "There is no tuned leaderboard: 2 problems with all runs of the defaults and of 2 "
        "configurations of every tuned implementation, and choosing on other problems takes 3."
    )


def test_a_problem_that_lacks_a_configuration_is_left_out(toy, record):
    *records, _ = by_hand(toy, record)  # as if the command had been stopped
    found = tuned_of(toy, records)
    assert len(found.board.problems) == 3
    assert found.board.of == 4
    assert found.notes == (
        "Left out: 1 problem on which a configuration of a tuned implementation has no runs.",
    )


def test_only_seeds_that_every_configuration_has_count(toy, record):
    more = [record("halve", problem, seed=1) for problem in PROBLEMS]
    assert tuned_of(toy, [*by_hand(toy, record), *more]).board.seeds == [0]


def test_configurations_that_repeat_count_as_drawn(field, record):
    on = dataclasses.replace(
        field.implementation("toy", "noisy"), parameters={"on": True}, tune={"on": (True, False)}
    )
    field.implementations["toy", "noisy"] = on
    switched = [
        record("noisy", problem, {"on": value}) for problem in PROBLEMS for value in (True, False)
    ]
    assert tuned_of(field, by_hand(field, record) + switched).board.tuned == 2
    # Alone: as many draws as it takes until both values have come up.
    needed = 1 + [one["on"] for one in draws(on, 20)].index(False)
    alone = tuned_of(field, switched)
    assert alone.board.tuned == max(needed, 1 + [one["on"] for one in draws(on, 20)].index(True))
    assert alone.notes == ()


def test_unsupported_pairs_stay_unsupported(toy, record):
    records = by_hand(toy, record)
    gone = toy.canonical("toy", PROBLEMS[0])
    for one in records:
        if one.spec.problem == gone:
            one.status, one.checkpoints = Status.UNSUPPORTED, []
    found = tuned_of(toy, records)
    assert found.board.rows[0].problems == 3
    assert len(found.choices["halve"]) == 4
