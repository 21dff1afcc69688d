"""Simulated histories: silent on noise, and planted steps found at their commits."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from histories import board, commits, history

from tiltyard.history.evidence import Thresholds
from tiltyard.history.gate import regressions

COUNT, COMMITS, SAMPLES = 200, 30, 6
ALL = commits(COMMITS)


def noise(seed, sd=0.05, count=COUNT):
    return sd * np.random.default_rng(seed).standard_normal((count, COMMITS, SAMPLES))


def planted(seed, first=1):
    """Return random places, and a mask of (series, commits, 1) from each place on."""
    places = np.random.default_rng([seed, 1]).integers(first, COMMITS, COUNT)
    places[:10] = COMMITS - 1
    return places, (np.arange(COMMITS) >= places[:, None])[:, :, None]


def alarms(samples, kind="time"):
    """Return what is found in each history as if it were checked by itself.

    Holm's level is no lower than this family's probability over the number of series, which is
    above 0.002: the correction takes nothing away.
    """
    found = regressions(board(samples, kind), ALL, thresholds=Thresholds(family=0.999))
    return [
        [one for one in found if one.benchmark == f"{kind}{index:04d}"]
        for index in range(len(samples))
    ]


def test_a_history_in_a_family_without_correction_is_checked_by_itself():
    _, up = planted(7)
    samples = np.exp(noise(7, 0.1)) * np.where(up, 1.2, 1.0)
    alone = [
        regressions(history(list(one), benchmark=f"time{index:04d}"), ALL)
        for index, one in enumerate(samples[:40])
    ]
    assert alone == alarms(samples)[:40]


def found_near(found, places, within=1):
    return [
        len(one) == 1 and abs(ALL.index(one[0].first_bad) - place) <= within
        for one, place in zip(found, places, strict=True)
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_raises_no_alarm(seed):
    assert sum(map(len, alarms(np.exp(noise(seed))))) <= 2


@pytest.mark.parametrize("seed", [0, 1])
def test_a_slowdown_of_20_percent_is_found_at_its_commit(seed):
    places, up = planted(seed)
    near = found_near(alarms(np.exp(noise(seed)) * np.where(up, 1.2, 1.0)), places)
    assert np.mean(near) >= 0.95
    assert np.mean(near[:10]) >= 0.9  # the newest commit


@pytest.mark.parametrize("seed", [0, 1])
def test_a_random_method_whose_seeds_differ_twofold_hides_nothing(seed):
    """A seed takes as long at every commit; only what comes on top of that is noise."""
    spread = np.exp(np.random.default_rng([seed, 2]).normal(0, 0.7, (COUNT, 1, SAMPLES)))
    places, up = planted(seed)
    samples = spread * np.exp(noise(seed))
    assert sum(map(len, alarms(samples))) <= 2
    near = found_near(alarms(samples * np.where(up, 1.2, 1.0)), places)
    assert np.mean(near) >= 0.95


@pytest.mark.parametrize("seed", [0, 1])
def test_a_tenfold_gap_is_found_at_its_commit(seed):
    places, up = planted(seed)
    assert np.mean(found_near(alarms(3 + noise(seed, 0.25) + up, "log10"), places)) >= 0.95


def test_a_tenfold_gap_of_a_deterministic_method_is_found_exactly():
    places, up = planted(0, first=2)
    always = 3 + noise(0, 0.25)[:, :1]
    assert all(found_near(alarms(always + up, "log10"), places, within=0))


def test_an_improvement_that_is_lost_again_is_found():
    dip = np.ones((1, COMMITS, 1))
    dip[:, 10:20] = 0.75
    found = alarms((np.exp(noise(2)) * dip)[:60])
    assert np.mean(found_near(found, [20] * 60)) >= 0.95


def test_a_step_that_was_fixed_is_no_alarm():
    bump = np.ones((1, COMMITS, 1))
    bump[:, 10:20] = 1.5
    assert sum(map(len, alarms((np.exp(noise(3)) * bump)[:100]))) <= 1


def test_bad_days_raise_no_alarm():
    """All samples of a commit share a tenth: samples alone would say that commits differ."""
    days = 0.1 * np.random.default_rng(4).standard_normal((100, COMMITS, 1))
    assert sum(map(len, alarms(np.exp(noise(4, 0.02, 100) + days)))) <= 2


def test_a_whole_board_raises_an_alarm_in_few_checks():
    """25 checks of 100 series: at 5 % each, more than 4 would come once in 35 suites."""
    alarmed = 0
    for seed in range(25):
        rng = np.random.default_rng([seed, 5])
        sd = rng.uniform(0.05, 0.2, (100, 1, 1))
        days = 0.03 * rng.standard_normal((100, COMMITS, 1))
        samples = np.exp(sd * rng.standard_normal((100, COMMITS, SAMPLES)) + days)
        alarmed += bool(regressions(board(samples), ALL))
    assert alarmed <= 4
