"""A library that owns its loop becomes a generator of answers."""

import threading

import pytest

from tiltyard import from_callback


def test_every_reported_answer_is_yielded_then_the_final_one():
    def solve(report):
        for x in (1.0, 2.0, 3.0):
            report(x)
        return 4.0

    assert list(from_callback(solve)) == [1.0, 2.0, 3.0, 4.0]


def test_without_a_final_answer_the_last_reported_one_is_final():
    assert list(from_callback(lambda report: report(1.0))) == [1.0]


def test_a_library_that_never_calls_back_yields_its_result():
    assert list(from_callback(lambda _: 5.0)) == [5.0]


def test_a_library_without_any_answer_yields_none():
    assert list(from_callback(lambda _: None)) == []


def test_the_library_stands_still_while_an_answer_is_judged():
    steps = []

    def solve(report):
        for x in range(5):
            steps.append(x)
            report(x)

    answers = from_callback(solve)
    for x in range(5):
        assert next(answers) == x
        assert steps == list(range(x + 1))


def test_nothing_runs_before_the_first_answer_is_asked_for():
    started = []
    answers = from_callback(started.append)
    answers.close()
    assert started == []


def test_closing_unwinds_the_library():
    unwound = []

    def solve(report):
        try:
            while True:
                report(1.0)
        finally:
            unwound.append(threading.current_thread())

    answers = from_callback(solve)
    assert next(answers) == 1.0
    answers.close()
    (thread,) = unwound
    assert not thread.is_alive()


def test_the_library_cannot_swallow_closing():
    reported = []

    def solve(report):
        while True:
            try:
                reported.append(1.0)
                report(1.0)
            except Exception:  # noqa: BLE001, S110 - as libraries do
                pass

    answers = from_callback(solve)
    next(answers)
    next(answers)
    answers.close()
    assert len(reported) == 2


def test_a_library_that_ends_by_itself_is_closed_without_harm():
    answers = from_callback(lambda _: 1.0)
    assert list(answers) == [1.0]
    answers.close()


@pytest.mark.parametrize("error", [ZeroDivisionError("inside"), KeyboardInterrupt(), SystemExit(3)])
def test_what_the_library_raises_is_raised(error):
    def solve(report):
        report(1.0)
        raise error

    answers = from_callback(solve)
    assert next(answers) == 1.0
    with pytest.raises(type(error)) as raised:
        next(answers)
    assert raised.value is error


def test_threads_do_not_pile_up():
    before = threading.active_count()
    for _ in range(20):
        answers = from_callback(lambda report: [report(x) for x in range(9)] and None)
        next(answers)
        answers.close()
    assert threading.active_count() == before
