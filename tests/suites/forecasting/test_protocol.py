"""The protocols: windows, horizons, seasons, splits and scales."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiltyard.errors import TiltyardError
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.protocol import (
    M4_HORIZONS,
    long_horizon,
    rolling,
    scaler,
    season_of,
)


def panel(length, frequency="h", series=2):
    values = np.random.default_rng(0).standard_normal((series, length))
    return Panel(values=values, frequency=frequency)


@pytest.mark.parametrize(
    ("frequency", "horizon", "season"),
    [
        ("s", 60, 3600),
        ("10s", 60, 360),
        ("5min", 48, 288),
        ("15min", 48, 96),
        ("30min", 48, 48),
        ("7min", 48, 1),
        ("h", 48, 24),
        ("D", 30, 1),
        ("B", 30, 5),
        ("W-SUN", 8, 1),
        ("W-SAT", 8, 1),
        ("MS", 12, 12),
        ("ME", 12, 12),
        ("QS", 8, 4),
        ("QE-DEC", 8, 4),
        ("YS", 6, 1),
    ],
)
def test_horizons_and_seasons_of_gift_eval(frequency, horizon, season):
    for term, factor in (("short", 1), ("medium", 10), ("long", 15)):
        made = rolling(panel(20000, frequency), term)
        assert (made.horizon, made.season) == (horizon * factor, season)
        assert made.stride == made.horizon


def test_horizons_of_the_m4_competition():
    wanted = {"h": 48, "D": 14, "W": 13, "MS": 18, "QS": 8, "YS": 6}
    for frequency, horizon in wanted.items():
        made = rolling(panel(300, frequency), horizons=M4_HORIZONS, windows=1)
        assert (made.horizon, made.windows) == (horizon, 1)


@given(length=st.integers(60, 30000), term=st.sampled_from(["short", "medium", "long"]))
def test_windows_are_a_tenth_but_from_1_to_20(length, term):
    horizon = {"short": 48, "medium": 480, "long": 720}[term]
    if length <= horizon:
        with pytest.raises(TiltyardError, match="leave nothing before them"):
            rolling(panel(length, series=1), term)
        return
    made = rolling(panel(length, series=1), term)
    assert made.windows == min(20, max(1, math.ceil(length / 10 / horizon)))
    assert made.origin + made.windows * made.horizon == length
    assert made.train == max(1, made.origin - horizon)
    assert made.history.shape == (1, made.origin)


def test_the_shortest_series_counts():
    values = panel(3000).values
    values[1, :2500] = np.nan
    assert rolling(Panel(values=values, frequency="h")).windows == 2
    values[1, :2950] = np.nan
    with pytest.raises(TiltyardError, match=r"series 1 has 50 values, .* \(2 x 48\) leave"):
        rolling(Panel(values=values, frequency="h"), windows=2)


@pytest.mark.parametrize("frequency", ["x", "ms", "", "-1h", "90"])
def test_an_unknown_frequency_is_named(frequency):
    with pytest.raises(TiltyardError, match=r"frequency .* is unknown; known are"):
        season_of(frequency)


def test_an_unknown_term_is_named():
    with pytest.raises(TiltyardError, match="term 'middle' is none of short, medium, long"):
        rolling(panel(1000), "middle")


@pytest.mark.parametrize(
    ("horizon", "windows"), [(96, 2785), (192, 2689), (336, 2545), (720, 2161)]
)
def test_every_window_of_the_test_months_counts(horizon, windows):
    values = panel(17420).values
    made = long_horizon(
        Panel(values=values, frequency="h"), horizon, parts=(8640, 2880, 2880), season=24
    )
    assert (made.windows, made.stride) == (windows, 1)
    assert (made.train, made.origin) == (8640, 11520)
    assert made.panel.values.shape == (2, 14400)
    # The last window ends at the last test value.
    assert made.origin + made.windows - 1 + horizon == 14400
    train = values[:, :8640]
    np.testing.assert_allclose(made.history[:, :8640].mean(axis=1), 0.0, atol=1e-13)
    np.testing.assert_allclose(made.history[:, :8640].std(axis=1), 1.0, rtol=1e-13)
    np.testing.assert_array_equal(made.location, train.mean(axis=1))
    restored = made.location[:, None] + made.scale[:, None] * made.panel.values
    np.testing.assert_allclose(restored, values[:, :14400], rtol=1e-12, atol=1e-13)


def test_the_scale_is_that_of_the_training_part_alone():
    values = panel(100).values
    first = long_horizon(Panel(values=values, frequency="h"), 5, parts=(50, 20, 20), season=24)
    values[:, 50:] = 1e6
    again = long_horizon(Panel(values=values, frequency="h"), 5, parts=(50, 20, 20), season=24)
    np.testing.assert_array_equal(first.location, again.location)
    np.testing.assert_array_equal(first.scale, again.scale)
    np.testing.assert_array_equal(first.history[:, :50], again.history[:, :50])


@pytest.mark.parametrize("track", ["rolling", "long-horizon"])
def test_history_and_pasts_hold_nothing_of_the_test_windows(track):
    def made(future):
        values = panel(1000).values
        values[:, -future.size :] = future
        own = Panel(values=values, frequency="h")
        if track == "rolling":
            return rolling(own)
        return long_horizon(own, 24, parts=(500, 200, 300), season=24)

    late = made(np.zeros(1)).origin
    one, other = made(np.zeros(1000 - late)), made(np.full(1000 - late, 1e9))
    np.testing.assert_array_equal(one.history, other.history)
    shown = []
    for each in (one, other):
        seen = each.on("cpu")
        assert seen.panel is None
        answer = np.zeros((2, each.horizon))
        seen.roll(lambda past, answer=answer: shown.append(past.copy()) or answer)
    half = len(shown) // 2
    np.testing.assert_array_equal(shown[0], shown[half])
    assert shown[0].shape[1] == late


def test_times_of_a_long_horizon_problem_end_where_the_test_part_does():
    ends = np.full(2, np.datetime64("2020-01-11T00:00", "s"))
    own = Panel(values=panel(100).values, frequency="h", ends=ends)
    made = long_horizon(own, 5, parts=(50, 20, 20), season=24)
    assert made.times(89, 90)[0, 0] == ends[0] - np.timedelta64(10, "h")


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(TiltyardError, match="series of 100 values are shorter than the 101"):
        long_horizon(panel(100), 5, parts=(50, 20, 31), season=24)
    for horizon in (0, 21):
        with pytest.raises(TiltyardError, match=f"horizon of {horizon} does not fit"):
            long_horizon(panel(100), horizon, parts=(50, 20, 20), season=24)


def test_a_constant_series_keeps_its_unit():
    location, scale = scaler(np.array([[3.0, 3.0], [1.0, np.nan]]))
    assert location.tolist() == [3.0, 1.0]
    assert scale.tolist() == [1.0, 1.0]
