"""Adapters of statsforecast: what the library gives, and series that it cannot take."""

import importlib

import numpy as np
import pytest
from statsforecast import models

from tests.implementations.forecasting.panels import cycles, long_horizon, made
from tiltyard.implementations.forecasting import _simple, _statsforecast

NAMES = ("theta", "ets", "mstl", "auto_arima")
BANDS = (20, 40, 60, 80)


def method(name):
    return getattr(importlib.import_module(f"tiltyard.implementations.forecasting.{name}"), name)


def run(name, problem, **parameters):
    given = method(name).function(problem.on("cpu"), np.random.default_rng(0), **parameters)
    (answer,) = given
    assert not answer.fault
    return answer


def directly(name, m, y, h):
    model = {
        "theta": lambda: models.DynamicOptimizedTheta(season_length=m),
        "ets": lambda: models.AutoETS(season_length=m),
        "mstl": lambda: models.MSTL(season_length=m),
        "auto_arima": lambda: models.AutoARIMA(season_length=m, approximation=False),
    }[name]()
    with np.errstate(all="ignore"):
        given = model.forecast(y=y, h=h, level=list(BANDS))
    ends = {
        f"{side}-{band}": np.asarray(given[f"{side}-{band}"])
        for side in ("lo", "hi")
        for band in BANDS
    }
    return np.asarray(given["mean"]), ends


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_equal_to_the_library_called_directly(name):
    problem = cycles(1, 60, 4, horizon=5, windows=2, frequency="QS")
    answer = run(name, problem, values=20, seasons=6)
    assert answer.notes["look-back"] == 24
    assert answer.notes["seasonal naive instead"] == 0
    series = problem.panel.values[0]
    for window, now in enumerate((50, 55)):
        mean, ends = directly(name, 4, series[now - 24 : now], 5)
        np.testing.assert_allclose(answer.point[window, 0], mean, rtol=1e-8)
        expected = np.sort([mean, *ends.values()], axis=0)
        np.testing.assert_allclose(answer.quantiles[window, 0], expected, rtol=1e-8)
        if name != "theta":  # whose simulated quantiles need not lie about the mean
            np.testing.assert_allclose(answer.quantiles[window, 0, 0], ends["lo-80"], rtol=1e-8)
            np.testing.assert_allclose(answer.quantiles[window, 0, 5], ends["hi-20"], rtol=1e-8)


def ragged():
    """Return a wave with a gap, one that begins late, one too short, a constant, and none yet."""
    values = cycles(5, 46, 4, horizon=6, frequency="QS").panel.values.copy()
    values[0, 20:24] = np.nan
    values[1, :22] = np.nan
    values[2, :37] = np.nan
    values[3] = 5.0
    values[4, :40] = np.nan
    return made(values, horizon=6, season=4, frequency="QS")


@pytest.mark.parametrize("name", ["theta", "ets", "mstl"])
def test_series_that_cannot_be_fitted_are_forecast_by_seasonal_naive(name):
    problem = ragged()
    answer = run(name, problem)
    assert answer.notes["seasonal naive instead"] == 3
    assert np.isfinite(answer.point).all()
    assert (np.diff(answer.quantiles, axis=2) >= 0).all()
    point, quantiles = _simple.seasonal_naive(problem.history, 6, 4, problem.levels)
    np.testing.assert_array_equal(answer.point[0, 2:], point[2:])
    np.testing.assert_array_equal(answer.quantiles[0, 2:], quantiles[2:])
    assert (answer.point[0, 0] != point[0]).any()


@pytest.mark.parametrize("name", ["theta", "ets"])
def test_a_late_beginning_is_trimmed_and_a_gap_filled(name):
    problem = ragged()
    answer = run(name, problem)
    late, gap = problem.history[1, 22:], problem.history[0].copy()
    gap[20:24] = gap[19]
    for row, series in ((1, late), (0, gap)):
        mean, _ = directly(name, 4, series, 6)
        np.testing.assert_allclose(answer.point[0, row], mean, rtol=1e-8)


class Broken:
    """Raises, or gives NaN, for the series whose mean is below 10."""

    def __init__(self, nan):
        self.nan = nan

    def forecast(self, y, h, *, level):
        if y.mean() < 10.0 and not self.nan:
            raise ZeroDivisionError
        mean = np.full(h, np.nan if y.mean() < 10.0 else y[-1])
        return {"mean": mean} | {f"{side}-{one}": mean for side in ("lo", "hi") for one in level}


@pytest.mark.parametrize("nan", [False, True])
def test_a_model_that_fails_costs_one_series(nan):
    values = np.stack([np.arange(30.0), 20.0 + np.arange(30.0)])
    problem = made(values, horizon=5, season=4, windows=1)
    answer = _statsforecast.roll(problem.on("cpu"), lambda: Broken(nan), 10, {"more": 1})
    assert answer.notes == {"look-back": 10, "seasonal naive instead": 0, "more": 1}
    values[0] -= 20.0
    problem = made(values, horizon=5, season=4, windows=1)
    answer = _statsforecast.roll(problem.on("cpu"), lambda: Broken(nan), 10, {})
    assert answer.notes["seasonal naive instead"] == 1
    np.testing.assert_array_equal(answer.point[0, 0], [1.0, 2.0, 3.0, 4.0, 1.0])
    np.testing.assert_array_equal(answer.point[0, 1], [44.0] * 5)


@pytest.mark.parametrize("name", ["theta", "ets"])
def test_numpys_global_state_stays_as_it_was(name):
    np.random.seed(5)  # noqa: NPY002 - the library seeds this very state
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    run(name, cycles(1, 40, 4, horizon=3))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
def test_the_long_horizon_track_is_refused(name):
    reason = method(name).unsupported(long_horizon(), "cpu")
    assert reason == "needs track = rolling; this problem has long-horizon"


@pytest.mark.parametrize(
    ("frequency", "season", "length", "expected"),
    [
        ("h", 24, 336, [24, 168]),
        ("h", 24, 335, [24]),
        ("30min", 48, 1000, [48, 336]),
        ("D", 7, 100, [7]),
        ("MS", 12, 23, []),
        ("W-SUN", 1, 100, []),
    ],
)
def test_seasons_of_which_the_look_back_holds_two(frequency, season, length, expected):
    problem = cycles(1, 40, season, horizon=3, frequency=frequency)
    assert _statsforecast.periods(problem, length) == expected


@pytest.mark.parametrize("name", ["ets", "auto_arima"])
def test_long_seasons(name):
    problem = cycles(1, 48 * 5, 48, horizon=48, frequency="30min")
    answer = run(name, problem, seasons=3, values=60)
    assert answer.notes["seasonal naive instead"] == 0
    # ETS models no season of 48 values; ARIMA leaves it to STL.
    assert answer.notes["look-back"] == {"ets": 60, "auto_arima": 144}[name]
    if name == "auto_arima":
        assert np.abs(answer.point[0] - problem.panel.values[:, -48:]).mean() < 0.3
