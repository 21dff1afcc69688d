"""The search for the first bad commit: every position, skipped commits, noise, missing values."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.history import tested
from tiltyard.history.benchmarks import Kind
from tiltyard.history.bisect import CannotRun, bisect, classify, last_good, search, shows
from tiltyard.history.tested import Ends, Mark, Measurement, value_of


def names(count):
    return [f"c{index}" for index in range(count)]


@given(st.data())
def test_every_position_is_found_in_as_many_tests_as_halving_needs(data):
    count = data.draw(st.integers(1, 300))
    first = data.draw(st.integers(0, count - 1))
    commits, asked = names(count), []

    def test(commit):
        asked.append(commit)
        return Mark.BAD if commits.index(commit) >= first else Mark.GOOD

    assert search(commits, test) == (commits[first],)
    assert len(asked) == len(set(asked)) <= math.ceil(math.log2(count))
    assert commits[-1] not in asked


@given(st.data())
def test_skipped_commits_widen_the_answer_no_more_than_they_must(data):
    marks = [*data.draw(st.lists(st.sampled_from(["run", "skip"]), max_size=40)), "run"]
    first = data.draw(st.integers(0, len(marks) - 1))
    commits, asked = names(len(marks)), []

    def test(commit):
        asked.append(commit)
        index = commits.index(commit)
        if marks[index] == "skip":
            return Mark.SKIPPED
        return Mark.BAD if index >= first else Mark.GOOD

    # Brute force: from after the last good commit that runs to the first bad one that runs.
    runs = [index for index, mark in enumerate(marks) if mark == "run"]
    low = max((index for index in runs if index < first), default=-1)
    high = min(index for index in runs if index >= first)
    assert search(commits, test) == tuple(commits[low + 1 : high + 1])
    assert len(asked) == len(set(asked))


def test_a_block_of_broken_commits_is_jumped_over():
    """The search goes on far from a commit that cannot be run, not beside it."""
    commits, asked = names(101), []

    def test(commit):
        asked.append(index := commits.index(commit))
        if 35 <= index < 65:
            return Mark.SKIPPED
        return Mark.BAD if index >= 80 else Mark.GOOD

    assert search(commits, test) == ("c80",)
    assert sum(35 <= index < 65 for index in asked) == 1


def measured(values, kind=Kind.TIME):
    """Return a tested commit with a measurement of each value."""
    return tested.Tested("c", kind, Mark.GOOD, [Measurement((value,) * 3) for value in values])


@pytest.mark.parametrize(
    ("good", "bad", "kind", "expected"),
    [
        ((1.0, 1.1), (2.0, 2.1), Kind.TIME, True),
        ((1.0, 1.9), (2.0, 2.1), Kind.TIME, False),  # good differs from itself as much
        ((2.0, 2.1), (1.0, 1.1), Kind.TIME, False),  # better
        ((1.0, 1.0), (1.0, 1.0), Kind.TIME, False),
        ((1.0, 1.0), (1.0001, 1.0001), Kind.LOG10, True),  # all repeats: exact
        ((1.0, 1.0), (1.0 + 1e-12, 1.0 + 1e-12), Kind.LOG10, False),  # rounding
        ((0.0, 0.0), (1e-15, 1e-15), Kind.LINEAR, False),
        ((0.0, 0.0), (0.5, 0.5), Kind.LOG10, True),
        ((0.0, 0.0), (4096.0, 8192.0), Kind.MEMORY, False),
        ((-3.0, -3.0), (-2.0, -2.0), Kind.LINEAR, True),
        ((1.0, 1.1), (math.inf, math.inf), Kind.TIME, True),
        ((math.inf, math.inf), (1.0, 1.0), Kind.TIME, False),
        ((math.inf, math.inf), (math.inf, math.inf), Kind.TIME, False),
        ((1.0, math.inf), (2.0, 2.0), Kind.TIME, False),  # good misses now and then
        ((1.0, 1.0), (2.0, math.inf), Kind.TIME, True),
    ],
)
def test_what_shows(good, bad, kind, expected):
    assert shows(measured(good, kind), measured(bad, kind)) is expected


def scripted(*outcomes):
    """Return a measure that gives these values, one after the other, and how many are left."""
    left = list(outcomes)

    def measure(_):
        outcome = left.pop(0)
        if isinstance(outcome, str):
            raise CannotRun(outcome)
        return outcome if isinstance(outcome, Measurement) else Measurement((outcome,))

    return measure, left


def ends(good=(0.99, 1.01), bad=(3.98, 4.02)):
    """Return noisy ends whose levels have a geometric mean of about 2."""
    return measured(good), measured(bad)


@pytest.mark.parametrize(
    ("outcomes", "mark", "reason"),
    [
        ((1.1,), Mark.GOOD, ""),
        ((3.9,), Mark.BAD, ""),
        ((100.0,), Mark.BAD, ""),
        ((0.0,), Mark.GOOD, ""),
        # Each time that it lies between, good, bad and the commit itself are measured again.
        # The geometric mean of 1 and 4 is 2: the middle of ratios, not of seconds.
        ((2.1, 1.0, 4.0, 2.2, 1.0, 4.0, 2.15), Mark.BAD, "between good and bad, so measured 3"),
        ((1.9, 1.0, 4.0, 1.8, 1.0, 4.0, 1.85), Mark.GOOD, "between good and bad, so measured 3"),
        ((2.1, 1.0, 4.0, 0.5), Mark.GOOD, "between good and bad, so measured 2 times"),
        # The machine has become faster by half: what was nearer to good is bad.
        ((1.9, 0.5, 2.0, 1.9, 0.5, 2.0, 1.9), Mark.BAD, "between good and bad, so measured"),
        ((math.inf,), Mark.BAD, ""),  # the target was missed
        ((Measurement((math.inf, 1.0), "crashed: as asked"),), Mark.SKIPPED, "crashed: as asked"),
        (("no such problem",), Mark.SKIPPED, "no such problem"),
        ((2.0, 1.0, 4.0, "the disk is full"), Mark.SKIPPED, "the disk is full"),
    ],
)
def test_a_commit_is_what_it_is_nearer_to(outcomes, mark, reason):
    measure, left = scripted(*outcomes)
    found = classify("c", measure, *ends())
    assert (found.mark, left) == (mark, [])
    assert found.reason.startswith(reason)
    assert bool(found.reason) == bool(reason)


def test_where_all_repeats_exactly_once_is_enough():
    for outcome, mark in ((1.9, Mark.GOOD), (2.1, Mark.BAD)):
        assert classify("c", scripted(outcome)[0], *ends((1.0, 1.0), (4.0, 4.0))).mark is mark


def test_without_a_value_at_the_bad_end_only_such_commits_are_bad():
    for outcome, mark in [
        (1000.0, Mark.GOOD),
        (math.inf, Mark.BAD),
        (Measurement((math.inf,), "crashed: as asked"), Mark.BAD),
    ]:
        both = ends(bad=(math.inf, math.inf))
        assert classify("c", scripted(outcome)[0], *both).mark is mark


@given(
    st.floats(1e-6, 1e6),
    st.floats(1.01, 1e3),
    st.floats(1e-6, 1e6),
    st.sampled_from([Kind.TIME, Kind.MEMORY, Kind.ENERGY]),
)
def test_ratios_decide_whatever_the_unit(good, factor, unit, kind):
    levels = Ends(kind, good, good * factor)
    scaled = Ends(kind, unit * good, unit * good * factor)
    for value in (good, good * factor**0.5, good * factor):
        assert levels.place(value) == pytest.approx(scaled.place(unit * value), abs=1e-6)
    assert levels.place(good) == pytest.approx(0)
    assert levels.place(good * factor) == pytest.approx(1)


def test_values():
    assert value_of(Kind.TIME, (3.0, 1.0, 2.0)) == 2.0
    assert value_of(Kind.SHARE, (0.0, 0.0, 1.0)) == pytest.approx(1 / 3)
    assert value_of(Kind.TIME, (1.0, math.inf, 1.0)) == math.inf
    assert measured([1.0, 3.0, 2.0]).value == 2.0
    assert measured([1.0, math.inf]).value == 1.0
    assert measured([1.0, math.inf, math.inf]).value == math.inf
    assert math.isnan(measured([]).value)
    spread = tested.Tested(
        "c", Kind.TIME, Mark.GOOD, [Measurement((1.0, 2.0, 3.0, 4.0, 5.0))]
    ).spread
    assert spread == 1.0


def test_the_whole_search_measures_both_ends_twice_in_turn():
    commits, asked, told = names(8), [], []
    noise = itertools.cycle([0.01, -0.02, 0.015, 0.0])

    def measure(commit):
        asked.append(commit)
        if commit == "c3":
            raise CannotRun("broken")
        return Measurement(((2.0 if commit in commits[5:] else 1.0) + next(noise),))

    found = bisect("good", commits, measure, Kind.TIME, told.append)
    assert asked[:4] == ["good", "c7", "c7", "good"]
    assert found.suspects == ("c5",)
    assert (found.before.commit, found.after.commit) == ("c4", "c5")
    assert [one.commit for one in told] == ["good", "c7", *(one.commit for one in found.tested)]
    assert {one.commit: one.mark for one in found.tested}["c3"] is Mark.SKIPPED
    assert asked[-4:] == ["c4", "c5", "c5", "c4"]  # afresh, side by side
    assert found.confirmed


def test_noise_that_led_the_search_astray_is_noticed():
    """While the search went on the machine was slow, and nothing was good."""
    commits, asked = names(8), []
    noise = itertools.cycle([0.01, -0.02, 0.015, 0.0])

    def measure(commit):
        asked.append(commit)
        slow = 4 < len(asked) <= 7
        return Measurement(((2.0 if slow or commit == "c7" else 1.0) + next(noise),))

    found = bisect("good", commits, measure, Kind.TIME)
    assert (found.shown, found.suspects, found.confirmed) == (True, ("c0",), False)


@pytest.mark.parametrize("seed", range(3))
def test_the_right_commit_is_named_in_noise(seed):
    """Noise of 5 %, a slowdown of 40 %, a drift of 20 %: of 100 answers 95 are right."""
    rng = np.random.default_rng(seed)
    right = named = 0
    for _ in range(100):
        count = int(rng.integers(1, 60))
        first = int(rng.integers(0, count))
        commits, asked = names(count), itertools.count()

        def measure(commit, *, commits=commits, first=first, asked=asked):
            slow = commit in commits and commits.index(commit) >= first
            level = (1.4 if slow else 1.0) * (1 + 0.2 * math.sin(next(asked) / 10))
            return Measurement(tuple(level * rng.lognormal(0, 0.05, 6)))

        found = bisect("good", commits, measure, Kind.TIME)
        named += found.confirmed
        right += found.confirmed and found.suspects == (commits[first],)
    assert right >= 0.95 * named
    assert named >= 75


def test_only_skipped_commits_between_name_a_range():
    def measure(commit):
        if commit in ("c0", "c1"):
            raise CannotRun("broken")
        return Measurement((2.0 if commit == "c2" else 1.0,))

    found = bisect("good", names(3), measure, Kind.LOG10)
    assert found.suspects == ("c0", "c1", "c2")
    assert (found.before.commit, found.after.commit) == ("good", "c2")


def test_nothing_is_searched_for_what_does_not_show():
    measure, left = scripted(1.0, 1.0, 1.0, 1.0)
    found = bisect("good", names(5), measure, Kind.TIME)
    assert (found.shown, found.suspects, found.tested, left) == (False, (), [], [])


@pytest.mark.parametrize(("outcomes", "end"), [(("broken",), "good"), ((1.0, "broken"), "bad")])
def test_an_end_that_cannot_be_run_is_refused(outcomes, end):
    measure, _ = scripted(*outcomes)
    with pytest.raises(TiltyardError, match=rf"the {end} commit .* broken; .* --{end}"):
        bisect("good", names(5), measure, Kind.TIME)


def test_the_last_good_commit_of_a_history():
    commits = names(6)
    values = {"c0": 1.0, "c1": 1.1, "c3": 0.9, "c4": 3.1, "c5": 3.0}
    assert last_good(commits, values, Kind.TIME) == "c3"
    assert last_good(commits, {**values, "c5": math.inf}, Kind.TIME) == "c4"
    assert last_good(commits, {"c0": 2.0, "c5": 1.0}, Kind.TIME) is None  # it got better
    assert last_good(commits, {"c0": math.inf, "c5": math.inf}, Kind.TIME) is None
    assert last_good(commits, {"elsewhere": 1.0}, Kind.TIME) is None
