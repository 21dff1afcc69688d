"""Families of real series, on synthetic data of the same shape."""

import numpy as np
import pytest

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.forecasting import ett
from tiltyard.suites.forecasting.m4 import joined, m4
from tiltyard.suites.forecasting.real import nyc_taxi, nyc_taxi_long


def arrays(series, length):
    values = np.random.default_rng(0).standard_normal((series, length))
    return {"values": values, "ends": np.full(series, 1_500_000_000)}


@pytest.mark.parametrize(
    ("data", "length", "origin", "windows", "season"),
    [("etth2", 17420, 11520, 2785, 24), ("ettm1", 69680, 46080, 11425, 96)],
)
def test_months_of_the_ett_data(data, length, origin, windows, season):
    made = ett.long.build(None, arrays(7, length), data=data, horizon=96)
    assert (made.origin, made.windows, made.season) == (origin, windows, season)
    assert made.facts["series"] == 7
    assert made.names[-1] == "OT"


@pytest.mark.parametrize(
    ("term", "horizon", "windows"), [("short", 48, 20), ("medium", 480, 4), ("long", 720, 3)]
)
def test_terms_of_the_ett_data(term, horizon, windows):
    made = ett.windows.build(None, arrays(7, 17420), data="etth1", term=term)
    assert (made.horizon, made.windows) == (horizon, windows)


def test_taxis_over_a_long_horizon():
    made = nyc_taxi_long.build(None, arrays(1, 10320), horizon=96)
    assert (made.train, made.origin, made.windows) == (6192, 8256, 2064 - 95)
    assert made.season == 48
    assert nyc_taxi_long.build(None, arrays(1, 10320), horizon=48, last=1500).windows == 253


@pytest.mark.parametrize("family", ["ett", "ett-long", "m4", "statsmodels"])
def test_a_problem_takes_its_own_data_alone(family):
    found = registry()
    one = found.family("forecasting", family)
    name = one.spell({})
    taken = found.data_of("forecasting", name)
    assert set(taken) < set(one.datasets)
    key = next(iter(one.parameters))
    with pytest.raises(TiltyardError, match=f"{key}=zz is none of "):
        found.data_of("forecasting", f"{family}[{key}=zz]")


def table(lengths, width, numbers=None):
    values = np.full((len(lengths), width), np.nan)
    for row, length in enumerate(lengths):
        values[row, width - length :] = row + np.arange(length) / 1000
    return {"values": values, "numbers": np.arange(1, len(lengths) + 1)}


def test_m4_has_one_window_which_is_the_test_table():
    train, test = table([700, 960, 800], 960), table([48] * 3, 48)
    made = m4.build(None, train, test, frequency="hourly")
    assert (made.horizon, made.windows, made.season, made.origin) == (48, 1, 24, 960)
    np.testing.assert_array_equal(made.panel.values[:, 960:], test["values"])
    np.testing.assert_array_equal(made.history, train["values"])
    assert made.names == ("H1", "H2", "H3")


def test_some_series_of_m4_are_cut_to_the_longest():
    made = m4.build(
        None, table([30, 50, 40, 90], 90), table([13] * 4, 13), frequency="weekly", series=2
    )
    assert made.names == ("W1", "W3")
    assert made.history.shape == (2, 40)
    with pytest.raises(TiltyardError, match="series=-1 is negative"):
        m4.build(None, table([30], 30), table([13], 13), frequency="weekly", series=-1)


def test_tables_of_other_series_are_refused():
    train, test = table([30, 50], 50), table([13, 13], 13)
    with pytest.raises(TiltyardError, match="not of the same series"):
        joined(train, {**test, "numbers": np.array([1, 3])})
    with pytest.raises(TiltyardError, match="fewer test values"):
        joined(train, table([13, 12], 13))


def test_the_smoke_problem_is_small():
    made = registry().build("forecasting", "nyc-taxi[term=short,last=1500]")
    assert (made.windows, made.horizon, made.season) == (4, 48, 48)
    assert made.panel.values.shape == (1, 1500)
    assert made.times(made.origin, made.origin + 1)[0, 0] == np.datetime64("2015-01-28T00:00")
    with pytest.raises(TiltyardError, match="last=-5 is negative"):
        nyc_taxi.build(None, arrays(1, 100), last=-5)
