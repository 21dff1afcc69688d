"""The driver: clock, budget, checkpoints, statuses, in this process."""

import itertools
import time

import numpy as np
import pytest

from tiltyard import Budget, Verdict
from tiltyard.implementation import implementation
from tiltyard.run.driver import Run
from tiltyard.run.record import Status


@pytest.fixture
def drive(toy):
    """Return a function that drives a generator function on the toy problem."""

    def run(function, *, budget=None, x0=1.0, seen=None, **parameters):
        method = implementation(suite="toy")(function)
        suite = toy.suite("toy")
        line = toy.build("toy", f"line[x0={x0}]")
        points = [] if seen is None else seen
        driver = Run(
            suite,
            method,
            line.on("cpu"),
            suite.judge(line),
            budget=budget or Budget(iterations=1000),
            report=points.append,
        )
        return driver.drive(np.random.default_rng(0), parameters), points

    return run


def constant(problem, rng):
    while True:
        yield 1.0


def test_clock_stands_still_while_the_judge_works(drive, toy, monkeypatch):
    judge = toy.suite("toy").judge
    score = judge.score

    def slow(self, answer):
        time.sleep(0.05)
        return score(self, answer)

    monkeypatch.setattr(judge, "score", slow)
    outcome, points = drive(constant, budget=Budget(iterations=5))
    assert len(points) == 5
    assert outcome.seconds < 0.05


def test_clock_runs_while_the_method_works(drive):
    def sleepy(problem, rng):
        for _ in range(3):
            time.sleep(0.02)
            yield 1.0
        time.sleep(0.02)

    outcome, points = drive(sleepy)
    assert outcome.seconds >= 0.08
    assert [point.iteration for point in points] == [1, 2, 3]
    assert points[0].seconds >= 0.02
    assert points[2].seconds >= 0.06


def test_clock_covers_work_done_before_a_generator_is_made(drive):
    def eager(problem, rng):
        time.sleep(0.02)
        return iter([1.0])

    outcome, _ = drive(eager)
    assert outcome.seconds >= 0.02


def test_checkpoints_are_log_spaced_and_the_last_answer_is_judged(drive):
    outcome, points = drive(constant, budget=Budget(iterations=10_000))
    iterations = [point.iteration for point in points]
    assert outcome.status == Status.STOPPED
    assert iterations[:5] == [1, 2, 3, 4, 5]
    assert iterations[-1] == 10_000
    assert 40 <= len(iterations) <= 60
    assert all(b <= max(a + 1, 1.2 * a + 1) for a, b in itertools.pairwise(iterations))


def test_answer_that_the_method_overwrites_is_kept_as_it_was(drive):
    def two(problem, rng):
        yield 0.5
        yield 0.25

    outcome, points = drive(two)
    assert [point.metrics["gap"] for point in points] == [0.5, 0.25]
    assert float(outcome.answer["x"]) == 0.25


@pytest.mark.parametrize(
    ("budget", "reason"),
    [
        (Budget(iterations=7), "budget of 7 iterations spent"),
        (Budget(cost=7), "budget of 7 oracle calls spent"),
        (Budget(seconds=0.03), "budget of 0.03 s spent"),
    ],
)
def test_budget_ends_the_run(drive, budget, reason):
    def counting(problem, rng):
        while True:
            problem.count("step")
            time.sleep(0.005)
            yield 1.0

    outcome, points = drive(counting, budget=budget)
    assert (outcome.status, outcome.reason) == (Status.STOPPED, reason)
    assert points[-1].iteration == outcome.iterations <= 7
    assert outcome.oracles == {"step": outcome.iterations}


def test_target_ends_the_run(drive):
    def shrinking(problem, rng):
        x = 1.0
        while True:
            yield x
            x /= 10

    outcome, points = drive(shrinking)
    assert outcome.status == Status.SOLVED
    assert [point.metrics["gap"] for point in points] == [1.0, 0.1, 0.01]


def test_answer_after_the_budget_does_not_count_as_solved(drive):
    def late(problem, rng):
        time.sleep(0.05)
        yield 0.0

    outcome, points = drive(late, budget=Budget(seconds=0.01))
    assert outcome.status == Status.STOPPED
    assert points[0].metrics["gap"] == 0.0
    assert points[0].seconds >= 0.05


def test_method_that_returns_short_of_the_target_is_stopped(drive):
    def short(problem, rng):
        yield 0.5

    outcome, _ = drive(short)
    assert (outcome.status, outcome.reason) == (Status.STOPPED, "returned with gap 0.5")


def returning(value, *answers):
    """Return a method that yields the answers and returns the value."""

    def method(problem, rng):
        yield from answers
        return value

    return method


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("singular: no full rank", "singular: no full rank (gap 0.5)"),
        (" two\n lines ", "two lines (gap 0.5)"),
        ("", "returned with gap 0.5"),
        (None, "returned with gap 0.5"),
    ],
)
def test_method_may_return_its_reason(drive, value, reason):
    outcome, points = drive(returning(value, 0.7, 0.5))
    assert (outcome.status, outcome.reason) == (Status.STOPPED, reason)
    assert [point.metrics["gap"] for point in points] == [0.7, 0.5]


def test_reason_does_not_unsolve_a_run(drive):
    outcome, _ = drive(returning("no progress", 0.5, 0.001))
    assert (outcome.status, outcome.reason) == (Status.SOLVED, "")


def test_reason_without_an_answer_is_kept(drive):
    outcome, _ = drive(returning("singular"))
    expected = (Status.INVALID_ANSWER, "returned without an answer: singular")
    assert (outcome.status, outcome.reason) == expected


@pytest.mark.parametrize("value", [0.5, np.zeros(2), ("text",), False])
def test_what_is_returned_is_no_answer(drive, value):
    outcome, _ = drive(returning(value, 0.5))
    assert outcome.status == Status.INVALID_ANSWER
    assert f"returned a {type(value).__name__}: answers are yielded" in outcome.reason


def test_generator_is_closed(drive):
    closed = []

    def tidy(problem, rng):
        try:
            yield from constant(problem, rng)
        finally:
            closed.append(True)

    drive(tidy, budget=Budget(iterations=3))
    assert closed == [True]


def test_error_in_closing_does_not_matter(drive):
    def untidy(problem, rng):
        try:
            yield from constant(problem, rng)
        finally:
            raise OSError

    outcome, _ = drive(untidy, budget=Budget(iterations=3))
    assert outcome.status == Status.STOPPED


def test_ctrl_c_is_not_a_crash_of_the_method(drive):
    def interrupted(problem, rng):
        yield 1.0
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(interrupted)


def test_answer_of_an_unsound_claim_is_kept_for_inspection(drive):
    def boast(problem, rng):
        yield 12345.0

    outcome, points = drive(boast)
    assert outcome.status == Status.UNSOUND
    assert outcome.reason == "claims the impossible"
    assert points == []
    assert float(outcome.answer["x"]) == 12345.0


@pytest.mark.parametrize(("kind", "other"), [("guess", "bound"), ("bound", "guess")])
def test_answer_of_another_kind_is_invalid(toy, kind, other):
    suite, lake = toy.suite("depth"), toy.build("depth", "lake")

    @implementation(suite="depth", kind=kind)
    def fickle(problem, rng):
        yield kind, 3.0
        yield other, 1.0

    points = []
    run = Run(
        suite,
        fickle,
        lake.on("cpu"),
        suite.judge(lake),
        budget=Budget(iterations=9),
        report=points.append,
    )
    outcome = run.drive(np.random.default_rng(0), {})
    assert outcome.status == Status.INVALID_ANSWER
    assert outcome.reason == f"gave an answer of kind {other}; the implementation's kind: {kind}"
    assert [point.metrics["gap"] for point in points] == [2.0]


def test_verdict_of_a_kind_needs_a_method_of_it(drive, toy, monkeypatch):
    judge = type(toy.suite("toy").judge(toy.build("toy", "line")))
    monkeypatch.setattr(judge, "score", lambda self, answer: Verdict({"gap": 0.0}, kind="guess"))
    outcome, points = drive(constant)
    assert (outcome.status, points) == (Status.INVALID_ANSWER, [])
    assert outcome.reason == "gave an answer of kind guess; the implementation's kind: none"


def test_error_of_the_judge_is_not_the_methods(drive, toy, monkeypatch):
    def fail(self, answer):
        raise AssertionError("below the certified bound")

    monkeypatch.setattr(toy.suite("toy").judge, "score", fail)
    outcome, _ = drive(constant)
    assert outcome.status == Status.CRASHED
    assert "the judge failed: AssertionError: below the certified bound" in outcome.reason
