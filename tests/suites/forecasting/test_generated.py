"""Generated series: what is known of them holds, and impossible parameters are refused."""

import numpy as np
import pytest

from tiltyard.errors import TiltyardError
from tiltyard.registry import registry
from tiltyard.suites.forecasting.generated import PERIODS

FOUND = registry()
FAMILIES = [
    "daily-cycle",
    "multi-seasonal",
    "resampled",
    "missing-values",
    "intermittent",
    "regime-shift",
    "short-history",
]


def build(name):
    return FOUND.build("forecasting", name)


def future(panel, problem):
    """Return the values and the expected ones of the test windows."""
    return panel.values[:, problem.origin :], panel.expected[:, problem.origin :]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_name_is_one_draw_and_instances_are_others(family):
    one, again, other = build(family), build(family), build(f"{family}[instance=1]")
    np.testing.assert_array_equal(one.panel.values, again.panel.values)
    assert one.panel.values.shape != other.panel.values.shape or not np.array_equal(
        one.panel.values, other.panel.values, equal_nan=True
    )
    assert one.panel.expected.shape == one.panel.values.shape


@pytest.mark.parametrize("frequency", PERIODS)
def test_the_expected_values_leave_the_noise(frequency):
    problem = build(f"multi-seasonal[frequency={frequency},series=40,noise=0.7]")
    values, expected = future(problem.panel, problem)
    assert np.mean((values - expected) ** 2) == pytest.approx(0.49, rel=0.2)
    assert problem.frequency == frequency


@pytest.mark.parametrize("name", ["multi-seasonal", "missing-values[series=40]", "intermittent"])
def test_the_judge_tells_the_least_error(name):
    problem = build(name)
    reference = FOUND.suite("forecasting").judge(problem).reference()
    values, expected = future(problem.panel, problem)
    assert reference["expected_mse"] == pytest.approx(np.nanmean((values - expected) ** 2))
    assert reference["expected_mse"] < reference["mse"]
    assert 0.0 < reference["expected_mase"] < reference["mase"]


def test_demand_is_expected_on_average():
    problem = build("intermittent[series=200]")
    values, expected = future(problem.panel, problem)
    assert values.mean() == pytest.approx(expected.mean(), rel=0.03)
    assert (values == 0.0).mean() == pytest.approx(0.7, abs=0.05)
    # Of every day of the week, not on the whole alone.
    days = np.arange(values.shape[1]) % 7
    for day in range(7):
        mean = values[:, days == day].mean()
        assert mean == pytest.approx(expected[:, days == day].mean(), rel=0.1)


@pytest.mark.parametrize("rate", [2, 3, 4, 6, 8, 12, 24])
def test_every_rate_samples_one_process_and_forecasts_the_same_times(rate):
    hourly, slow = build("resampled"), build(f"resampled[rate={rate}]")
    np.testing.assert_array_equal(slow.panel.values, hourly.panel.values[:, ::rate])
    assert slow.horizon * rate == hourly.horizon
    assert slow.windows == hourly.windows
    assert slow.origin * rate == hourly.origin
    assert slow.season * rate == 24


def test_a_regime_lasts_two_weeks_before_the_end():
    panel = build("regime-shift[noise=0]").panel
    daily = np.abs(panel.values[:, 24:] - panel.values[:, :-24]) > 1e-9
    assert not daily[:, -24 * 13 :].any()
    assert daily.any(axis=1).all()
    assert daily.sum(axis=1).max() <= 24


def test_missing_values_are_in_every_series_but_the_last_column():
    panel = build("missing-values[series=20]").panel
    known = ~np.isnan(panel.values)
    begins = known.argmax(axis=1)
    assert begins[0] < 24
    assert (begins < panel.values.shape[1] * 0.55).all()
    assert len(set(begins.tolist())) > 10
    assert known[:, -1].all()
    inside = np.concatenate([row[begin:] for row, begin in zip(known, begins, strict=True)])
    assert 0.1 < 1.0 - inside.mean() < 0.15
    assert np.unique(panel.values[-1][known[-1]]).tolist() == [5.0]


def test_runs_do_not_see_what_is_expected():
    run = build("daily-cycle").on("cpu")
    assert run.panel is None
    assert not any(
        isinstance(value, np.ndarray) and value.shape[-1:] == (672,) for value in vars(run).values()
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("multi-seasonal[frequency=min]", "unknown frequency 'min'"),
        ("multi-seasonal[series=0]", "series=0: expected 1 or more"),
        ("multi-seasonal[noise=-1]", "noise=-1.0 is negative"),
        ("short-history[frequency=s]", "unknown frequency 's'"),
        ("resampled[rate=5]", "rate=5 does not divide"),
        ("resampled[rate=0]", "rate=0 does not divide"),
        ("missing-values[share=1]", "share=1.0 or length=1680 leaves too few values"),
        ("missing-values[series=1]", "series=1: expected 2 or more"),
        ("intermittent[rate=0]", "rate=0.0 is not in (0, 0.5]"),
        ("regime-shift[series=-2]", "series=-2: expected 1 or more"),
    ],
)
def test_impossible_parameters_are_refused_in_one_line(name, message):
    with pytest.raises(TiltyardError) as error:
        build(name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
