"""Boosted trees of lags: what they are given, what validation chooses, series they cannot take."""

import numpy as np
import pytest

from tests.implementations.forecasting.panels import cycles, long_horizon, made
from tiltyard.implementations.forecasting import _lightgbm
from tiltyard.implementations.forecasting.lightgbm import lightgbm

SETTINGS = {"n_estimators": 20, "n_jobs": 1, "deterministic": True, "verbosity": -1}


def run(problem, seed=0, **parameters):
    (answer,) = lightgbm.function(problem.on("cpu"), np.random.default_rng(seed), **parameters)
    assert not answer.fault
    return answer


def trees(problem, length, *, difference=False):
    return _lightgbm.Trees(problem, length=length, difference=difference, settings=SETTINGS)


def test_it_learns_a_cycle():
    problem = cycles(6, 12 * 20, 12, horizon=12, windows=2, frequency="MS")
    answer = run(problem, trees=30)
    later = problem.panel.values[:, -12:]
    before = problem.panel.values[:, -24:-12]
    assert np.abs(answer.point[1] - later).mean() < 0.9 * np.abs(before - later).mean()
    inside = (answer.quantiles[1, :, 0] < later) & (later < answer.quantiles[1, :, -1])
    assert 0.6 < inside.mean() < 0.97
    assert answer.parameters > 50
    assert answer.notes["look-back"] == problem.origin


def test_same_seed_same_answer():
    problem = cycles(2, 80, 4, horizon=5, frequency="QS")
    one, two = run(problem, trees=5), run(problem, trees=5)
    np.testing.assert_array_equal(one.point, two.point)
    np.testing.assert_array_equal(one.quantiles, two.quantiles)


def test_only_the_past_counts():
    problem = cycles(2, 80, 4, horizon=5, frequency="QS")
    changed = problem.panel.values.copy()
    changed[:, -5:] = 1e6
    other = made(changed, horizon=5, season=4, frequency="QS")
    np.testing.assert_array_equal(run(problem, trees=5).point, run(other, trees=5).point)


def test_validation_chooses_differences_where_there_is_a_trend():
    t = np.arange(200.0)
    rng = np.random.default_rng(0)
    trend = np.stack([t + rng.standard_normal(200), 2.0 * t + rng.standard_normal(200)])
    assert run(made(trend, horizon=8, season=4), trees=20).notes["seasonal differences"]
    # Where differences double the variance of independent values, trees do without.
    noise = rng.standard_normal((2, 200))
    assert not run(made(noise, horizon=8, season=4), trees=20).notes["seasonal differences"]


@pytest.mark.parametrize("difference", [False, True])
def test_series_begin_when_they_do_and_are_long_enough_for_the_lags(difference):
    values = np.arange(80.0).reshape(2, 40)
    values[1, :35] = np.nan
    problem = made(values, horizon=4, season=4)
    frame = trees(problem, 36, difference=difference)._frame(problem.history)
    # The longest lag is of two seasons, of which the rolling mean takes one more.
    least = 12 + 4 * difference + 2
    assert frame.groupby("unique_id").size().tolist() == [36, least]
    late = frame[frame["unique_id"] == 1]["y"].to_numpy()
    np.testing.assert_array_equal(late, [75.0] * (least - 1) + [75.0])
    assert (frame.groupby("unique_id")["ds"].diff().dropna() == np.timedelta64(1, "h")).all()


def test_the_calendars_features_are_those_that_repeat():
    def features(frequency, length):
        problem = cycles(1, 30, 4, horizon=3, frequency=frequency)
        return trees(problem, length)._model.ts.date_features

    assert features("h", 47) == []
    assert features("h", 24 * 14) == ["hour", "day_of_week"]
    assert features("D", 14) == ["day_of_week"]
    assert features("10min", 300) == ["minute", "hour"]
    assert features("MS", 30) == ["month"]


def nothing_in_common():
    values = cycles(4, 120, 24, horizon=12).panel.values.copy()
    values[0, 30:50] = np.nan
    values[1, :100] = np.nan
    values[2] = 5.0
    values[3, :108] = np.nan
    return made(values, horizon=12, season=24)


@pytest.mark.parametrize(
    "problem",
    [
        nothing_in_common(),
        made(np.array([[1.0, 2.0, 3.0, 4.0, 5.0]]), horizon=3, season=1, frequency="YS"),
        made(np.array([[1.0, 2.0]]), horizon=1, season=12, frequency="MS"),
        made(np.full((2, 40), 3.0), horizon=5, season=7, frequency="D"),
    ],
    ids=["ragged", "no validation", "one value", "constant"],
)
def test_short_missing_and_constant_series(problem):
    answer = run(problem, trees=5)
    assert np.isfinite(answer.point).all()
    assert (np.diff(answer.quantiles, axis=2) >= 0).all()
    if problem.series == 4:
        np.testing.assert_array_equal(answer.point[0, 2], 5.0)


def test_the_long_horizon_track_is_refused():
    reason = lightgbm.unsupported(long_horizon(), "cpu")
    assert reason == "needs track = rolling; this problem has long-horizon"
