"""What is a regression: rules case by case."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from histories import board, commits, history

from tiltyard.errors import TiltyardError
from tiltyard.history import gate
from tiltyard.history.evidence import Thresholds
from tiltyard.history.gate import Coverage, coverage, regressions

GOOD, WORSE, BETTER = [1.0, 2.0, 3.0], [1.1, 2.2, 3.3], [0.5, 1.0, 1.5]
NONE, ALL, ONE = [0] * 6, [1] * 6, [0, 0, 0, 0, 0, 1]
LOW, HIGH = [1.0, 1.01, 1.02, 1.03, 1.04, 1.05], [1.5, 1.51, 1.52, 1.53, 1.54, 1.55]


def check(samples, kind="linear", **options):
    return regressions(history(samples, kind), commits(len(samples)), **options)


def at(samples, kind="linear", **options):
    """Return the places of first bad and last good commit, or None."""
    found = check(samples, kind, **options)
    names = commits(len(samples))
    return (names.index(found[0].first_bad), names.index(found[0].last_good)) if found else None


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([GOOD, GOOD, WORSE], (2, 1)),
        ([GOOD, GOOD, WORSE, WORSE, WORSE], (2, 1)),
        ([GOOD, GOOD, WORSE, [1.2, 2.3, 3.4]], (2, 1)),  # never as good again
        ([GOOD, GOOD, WORSE, GOOD], None),  # fixed
        ([GOOD, GOOD, BETTER], None),
        ([GOOD, GOOD, GOOD, BETTER, GOOD], (4, 3)),  # an improvement, lost again
        ([GOOD, GOOD, BETTER, BETTER, GOOD, GOOD], (4, 3)),
        ([GOOD, GOOD, None, WORSE], (3, 1)),
        ([GOOD, GOOD, [1.0, 2.019, 3.0]], None),  # below 1 %
        ([GOOD, GOOD, [1.0, 2.021, 3.0]], (2, 1)),
        ([GOOD, WORSE], None),  # nobody knows yet whether it repeats
    ],
)
@pytest.mark.parametrize("kind", ["linear", "time"])
def test_exact_comparison(samples, expected, kind):
    found = check(samples, kind)
    assert at(samples, kind) == expected
    assert all(one.p_value is None for one in found)


def test_exact_gap_is_compared_in_decades():
    assert at([[3.0]] * 3 + [[3.0042]], "log10") is None
    (found,) = check([[3.0]] * 3 + [[4.0]], "log10")
    assert found.factor == pytest.approx(10)
    assert found.difference == pytest.approx(1)


def test_negative_errors_have_no_factor_but_a_difference():
    (found,) = check([[-2.0]] * 3 + [[-1.0]])
    assert math.isnan(found.factor)
    assert found.difference == 1.0
    assert check([[-2.0]] * 3 + [[-1.99]]) == []
    assert check([[0.0]] * 3 + [[1e-15]]) == []  # rounding


def test_accepted_steps_are_no_alarm_and_later_ones_are():
    names = commits(6)
    samples = [GOOD, GOOD, WORSE, WORSE, WORSE, [2.0, 4.0, 6.0]]
    assert at(samples) == (2, 1)
    assert at(samples, since=names[1]) == (2, 1)
    assert at(samples, since=names[2]) == (5, 4)
    assert at(samples, since=names[5]) is None
    assert at(samples[:5], since=names[2]) is None


def test_an_older_commit_is_checked_with_what_was_known_then():
    samples, names = [GOOD, GOOD, WORSE, GOOD], commits(4)
    assert at(samples, commit=names[2]) == (2, 1)
    assert at(samples, commit=names[3]) is None


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([NONE, NONE, ALL], True),  # exact
        ([NONE, NONE, [1], [1]], True),
        ([NONE] * 29 + [ONE], False),  # p = 6/180
        ([NONE] * 29 + [[0, 0, 0, 0, 1, 1]], True),  # p = 15/16110
        ([NONE] * 26 + [ONE] * 4, True),  # it stays
        ([NONE, NONE, [0, 0, 0, 1, 1, 1]], False),  # p = 20/816
        ([[0, 0, 1, 1, 1, 1]] * 10 + [ALL], False),
        ([ALL] * 5 + [NONE] * 5, False),
        ([ALL] * 10, False),
        ([NONE] * 10 + [ALL] * 5 + [NONE] * 10, False),
    ],
)
def test_shares(samples, expected):
    assert bool(check(samples, "share")) is expected


def test_p_value_of_a_share_is_fishers():
    (found,) = check([NONE] * 29 + [[0, 0, 0, 0, 1, 1]], "share")
    assert found.p_value == pytest.approx(math.comb(6, 2) / math.comb(180, 2))
    assert (found.before, found.after) == (0.0, pytest.approx(1 / 3))
    assert math.isnan(found.factor)
    (exact,) = check([NONE, NONE, ALL], "share")
    assert exact.p_value is None


def test_two_commits_are_compared_by_their_samples():
    (found,) = check([LOW, HIGH], "time")
    assert found.p_value == pytest.approx(1 / math.comb(12, 6))
    assert check([HIGH, LOW], "time") == []
    assert check([LOW[:5], HIGH], "time") == []  # five samples are too few
    assert check([LOW, [1.06, 1.07, 1.08, 1.09, 1.10, 1.11]], "time") == []  # less than 10 %
    assert check([LOW], "time") == []


def test_a_short_history_must_be_exceeded_everywhere():
    """Four commits do not tell their spread, but 8 % above the worst of them is no 10 %."""
    before = [[value * factor for value in LOW] for factor in (1.2, 0.95, 1.12, 1.0)]
    assert at([*before, [value * 1.3 for value in LOW]], "time") is None
    assert at([*before, [value * 1.35 for value in LOW]], "time") == (4, 3)


def test_a_step_in_a_short_history_is_found_where_it_is():
    rng = np.random.default_rng(0)
    samples = np.exp(0.02 * rng.standard_normal((6, 6)))
    samples[3:] *= 1.5
    assert at(list(samples), "time") == (3, 2)


def test_null_at_the_checked_commit_is_not_judged():
    frame = history([GOOD, GOOD, WORSE])
    frame.loc[2, "value"] = math.nan
    assert regressions(frame, commits(3)) == []
    assert coverage(frame, commits(3)) == Coverage(compared=0, new=0, absent=1)


def test_null_before_is_passed_over():
    frame = history([GOOD, GOOD, GOOD, WORSE])
    frame.loc[2, "value"] = math.nan
    (found,) = regressions(frame, commits(4))
    assert found.last_good == commits(4)[1]


def test_versions_are_never_compared():
    old, new = history([GOOD] * 4, version="1").iloc[:3], history([WORSE] * 4, version="2")
    frame = pd.concat([old, new.iloc[3:]])
    assert regressions(frame, commits(4)) == []
    assert coverage(frame, commits(4)) == Coverage(compared=0, new=1, absent=0)


def test_coverage_counts_what_is_compared():
    frame = pd.concat(
        [
            history([GOOD, GOOD], benchmark="both"),
            history([None, GOOD], benchmark="new"),
            history([GOOD, None], benchmark="gone"),
            history([GOOD, GOOD], "memory", benchmark="not gated"),
        ]
    )
    assert coverage(frame, commits(2)) == Coverage(compared=1, new=1, absent=1)
    assert coverage(frame, commits(2), kinds=["memory"]) == Coverage(1, 0, 0)


def test_commits_elsewhere_are_ignored():
    frame = history([GOOD, GOOD, BETTER, GOOD])
    names = commits(4)
    assert regressions(frame, names)
    assert regressions(frame, [names[0], names[1], names[3]]) == []


def test_kinds_are_chosen():
    frame = history([GOOD, GOOD, WORSE], "memory")
    assert regressions(frame, commits(3)) == []
    assert len(regressions(frame, commits(3), kinds=["memory"])) == 1


def test_thresholds_are_used():
    assert check([GOOD, GOOD, WORSE], thresholds=Thresholds(exact=0.2)) == []
    assert check([LOW, HIGH], "time", thresholds=Thresholds(time=0.6)) == []
    assert check([LOW, HIGH], "time", thresholds=Thresholds(samples=7)) == []
    assert check([LOW, HIGH], "time", thresholds=Thresholds(p_value=0.001)) == []


def test_worst_first_and_told_in_words():
    frame = pd.concat(
        [
            history([GOOD, GOOD, WORSE], "time", benchmark="a"),
            history([GOOD, GOOD, [2.0, 4.0, 6.0]], "time", benchmark="b", problem="p[n=2]"),
            history([NONE, NONE, ALL], "share", benchmark="c"),
        ]
    )
    found = regressions(frame, commits(3))
    assert [one.benchmark for one in found] == ["c", "b", "a"]
    assert found[1].sentence() == (
        "b, p[n=2], x: 2.00 s -> 4.00 s (2.00 times, exact), first bad commit 0000000000, "
        "last good 0000000000 (machine x, python x, device x, threads x, tier x, version x)"
    )
    assert "0 % -> 100 % (exact)" in found[0].sentence()
    plain = json.loads(json.dumps([one.to_json() for one in found], allow_nan=False))
    assert plain[0]["factor"] is None
    assert plain[1]["factor"] == 2.0
    assert plain[1]["kind"] == "time"
    assert plain[1]["first_bad"] == commits(3)[2]


@pytest.mark.parametrize(
    ("kind", "value", "unit"),
    [
        ("memory", 4e6, "bytes"),
        ("energy", 2.5, "J"),
        ("log10", 2.5, "decades"),
        ("linear", 2.5, ""),
    ],
)
def test_levels_are_told_with_their_unit(kind, value, unit):
    found = check([[value]] * 3 + [[2 * value]], kind, kinds=[kind])
    assert f"{unit} -> " in found[0].sentence()


def mixed_board(seed):
    """Return series with steps, spikes, gaps and short histories; kinds and sizes differ."""
    rng = np.random.default_rng(seed)
    frames = []
    for kind in ("time", "log10", "linear", "share"):
        count = int(rng.integers(4, 20))
        shape = (60, count, 6)
        samples = rng.uniform(0.02, 0.2, (60, 1, 1)) * rng.standard_normal(shape)
        steps = rng.choice([0, 0, 0, 0.3, -0.3], (60, count, 1)) * (
            rng.uniform(size=(60, 1, 1)) < 0.5
        )
        samples += np.cumsum(steps * (rng.uniform(size=(60, count, 1)) < 0.3), axis=1)
        if kind == "time":
            samples = np.exp(samples)
        elif kind == "share":
            samples = (samples > 0.15).astype(float)
        frame = board(samples, kind)
        keep = (rng.uniform(size=len(frame)) < 0.9) | (frame["commit"] == commits(count)[-1])
        frame = frame[keep]
        # All histories end at the same commit.
        shift = dict(zip(commits(count), commits(20)[-count:], strict=True))
        frames.append(frame.assign(commit=frame["commit"].map(shift)))
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_passed_over_unseen_would_have_been_found_by_nobody(seed, monkeypatch):
    frame = mixed_board(seed)
    quick = regressions(frame, commits(20))
    monkeypatch.setattr(
        gate, "least_p_values", lambda table, chosen, kind, thresholds: np.zeros(len(chosen))
    )
    assert regressions(frame, commits(20)) == quick
    assert quick


def test_order_of_rows_does_not_matter():
    frame = mixed_board(9)
    shuffled = frame.sample(frac=1, random_state=0)
    assert regressions(shuffled, commits(20)) == regressions(frame, commits(20))


def test_many_series_need_more_evidence():
    """Student's p of the step is about 1.5e-4, above 0.05 / 800 and below 0.05 / 21."""
    level = np.array([1, -1] * 10 + [5.5])[:, None]
    step = np.exp(0.02 * level + 1e-3 * np.linspace(-1, 1, 6))[None]
    quiet = np.exp(0.02 * np.random.default_rng(0).standard_normal((800, 21, 6)))
    (found,) = regressions(board(step), commits(21))
    assert 0.05 / 800 < found.p_value < 0.002
    assert regressions(board(np.concatenate([quiet, step])), commits(21)) == []
    assert len(regressions(board(np.concatenate([quiet[:20], step])), commits(21))) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="samples"), "no column 'samples'"),
        (lambda f: f.assign(kind="seconds"), "unknown kind 'seconds'"),
        (lambda f: f.assign(value=math.inf), "x at commit 0000000000 is infinite or negative"),
        (lambda f: f.assign(kind="time", value=-1.0), "infinite or negative"),
        (lambda f: pd.concat([f, f]), "is there twice"),
    ],
)
def test_wrong_histories_are_refused(change, message):
    with pytest.raises(TiltyardError, match=message):
        regressions(change(history([GOOD, GOOD])), commits(2))


def test_unknown_commits_are_refused():
    frame = history([GOOD, GOOD])
    for name in ("commit", "since"):
        with pytest.raises(TiltyardError, match="commit 'beef' is not among the 2 commits"):
            regressions(frame, commits(2), **{name: "beef"})
    with pytest.raises(TiltyardError, match="no commits"):
        regressions(frame, [])


@pytest.mark.parametrize("wrong", [{"time": 0.0}, {"exact": 1.5}, {"samples": 0}])
def test_senseless_thresholds_are_refused(wrong):
    with pytest.raises(TiltyardError, match=f"threshold {next(iter(wrong))} is"):
        Thresholds(**wrong)


def test_an_empty_history_has_no_regressions():
    frame = history([GOOD, GOOD]).iloc[:0]
    assert regressions(frame, commits(2)) == []
    assert coverage(frame, commits(2)) == Coverage(0, 0, 0)
