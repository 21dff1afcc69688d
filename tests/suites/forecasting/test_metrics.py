"""The metrics equal those of utilsforecast and gluonts, and behave as their formulas promise."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.suites.forecasting.cases import (
    HORIZON,
    ORIGIN,
    SEASON,
    WINDOWS,
    drawn,
    judged,
    problem_of,
    rolled,
)
from tiltyard.suites.forecasting.judge import ForecastJudge
from tiltyard.suites.forecasting.problem import LEVELS
from tiltyard.suites.forecasting.scores import by_window

SCALED = ("mase", "smape", "nd", "wql", "wql_ratio", "gap", "coverage", "interval_score")

# gluonts 0.16.2 with numpy 2.1.3 and pandas 2.3.3, evaluate_forecasts_raw(axis=None,
# mask_invalid_label=True, seasonality=SEASON) on drawn(0), in an environment of its own, since it
# does not install beside pandas 3: all series, and without those that hold zeros (1 and 6).
GLUONTS = {
    "all": {
        "mase": 0.9921804065529284,
        "mse": 35.816363723841334,
        "mae": 4.706487949328016,
        "nd": 0.7503054603588348,
        "wql": 0.6597478388471429,
        "interval_score": 5.655586580749086,
    },
    "no zeros": {
        "mase": 0.9673171827983341,
        "smape": 100 * 0.48694467619231113,
        "mse": 21.076111355451484,
        "mae": 3.713757396504434,
        "nd": 0.4793537798251206,
        "wql": 0.40555285631561366,
        "interval_score": 5.035725907457339,
    },
}


# SeasonalNaive(SEASON) of statsforecast 2.0.1, fitted to the past of series 0 of drawn(0): some
# quantiles by their place among LEVELS, every sixth of 20 steps ahead.
STATSFORECAST = {
    0: [3.446704964739551, 0.6284212133073588, -1.5341239689491495, -3.357233890583771],
    1: [5.78235743461535, 3.9315326131959303, 2.5113447776994713, 1.3140710491678274],
    2: [7.4665271913656275, 6.3133083245307695, 5.428412364961869, 4.682410562668382],
    4: [10.250643820062873, 10.250643820062873, 10.250643820062873, 10.250643820062873],
    5: [11.595699489498035, 12.152839789924903, 12.580348578533142, 12.940755158933197],
    8: [17.054582675386193, 19.872866426818387, 22.035411609074895, 23.858521530709517],
}


@pytest.mark.parametrize("which", GLUONTS)
def test_equals_gluonts(which):
    series = range(9) if which == "all" else [0, 2, 3, 4, 5, 7, 8]
    values, point, quantiles = drawn(0)
    kept = list(series)
    found = judged(values[kept], point[:, kept], quantiles[:, kept]).metrics
    for name, value in GLUONTS[which].items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


@pytest.fixture(scope="module", params=range(3))
def frames(request):
    """Return drawn forecasts, as arrays and as the tables that utilsforecast takes."""
    pd = pytest.importorskip("pandas")
    values, point, quantiles = drawn(request.param)
    rows = []
    for w in range(WINDOWS):
        now = ORIGIN + HORIZON * w
        for s, series in enumerate(values):
            key = {"unique_id": f"{s}", "cutoff": now - 1}
            for h in range(HORIZON):
                given = {f"q{i}": quantiles[w, s, i, h] for i in range(9)}
                rows.append(
                    {**key, "ds": now + h, "y": series[now + h], "f": point[w, s, h], **given}
                )
    table = pd.DataFrame(rows)
    table["q-lo-80"], table["q-hi-80"] = table["q0"], table["q8"]
    past = [
        {"unique_id": f"{s}", "ds": t, "y": series[t]}
        for s, series in enumerate(values)
        for t in range((~np.isnan(series)).argmax(), len(series))
    ]
    return (values, point, quantiles), table, pd.DataFrame(past)


def sums_of(frames):
    values, point, quantiles = frames[0]
    problem = problem_of(values)
    judge = ForecastJudge(problem)
    return judge, judge.accept(rolled(problem, point, quantiles))


def of(table, column="f"):
    """Return utilsforecast's values, (W, S); NaN where it has none."""
    made = np.full((WINDOWS, 9), np.nan)
    window = (table["cutoff"].to_numpy() + 1 - ORIGIN) // HORIZON
    made[window, table["unique_id"].to_numpy().astype(int)] = table[column].to_numpy(dtype=float)
    return made


def over(top, bottom):
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0.0)


def test_equals_utilsforecast(frames):
    losses = pytest.importorskip("utilsforecast.losses")
    _, sums = sums_of(frames)
    known = frames[1].dropna(subset="y")  # an absent label would be outside every interval
    models = {"q": [f"q{i}" for i in range(9)]}
    theirs = {
        "absolute": of(losses.mae(known, models=["f"])),
        "squared": of(losses.mse(known, models=["f"])),
        "symmetric": of(losses.smape(known, models=["f"])),
        "inside": of(losses.coverage(known, models=["q"], level=80), "q"),
        "interval": of(losses.winkler_score(known, models=["q"], level=80), "q"),
        "quantile": 18.0 * of(losses.mqloss(known, models=models, quantiles=np.array(LEVELS)), "q"),
    }
    for name, their in theirs.items():
        found = over(sums[name], sums["count"])
        np.testing.assert_allclose(found, their, rtol=1e-10, err_msg=name)
    nd = over(sums["absolute"], sums["size"])
    np.testing.assert_allclose(nd, of(losses.nd(known, models=["f"])), rtol=1e-10)
    crps = of(losses.scaled_crps(known, models=models, quantiles=np.array(LEVELS)), "q")
    zero = sums["size"] == 0.0  # where utilsforecast divides by the smallest number
    wql = over(sums["quantile"] / 9.0, sums["size"])
    np.testing.assert_allclose(wql[~zero], crps[~zero], rtol=1e-10)
    assert zero.sum() < 6  # zeros alone, and windows without a label


def test_equals_utilsforecast_in_mase(frames):
    losses = pytest.importorskip("utilsforecast.losses")
    judge, sums = sums_of(frames)
    their = of(losses.mase(frames[1], models=["f"], seasonality=SEASON, train_df=frames[2]))
    found = over(over(sums["absolute"], sums["count"]), np.nan_to_num(judge._errors.mean))
    # utilsforecast has none of a past that is too short, and infinity of a constant one.
    theirs = np.isfinite(their)
    np.testing.assert_allclose(found[theirs], their[theirs], rtol=1e-10)
    assert theirs.sum() > 18


def test_past_without_scale_is_left_out_and_counted():
    values, point, quantiles = drawn()
    verdict = judged(values[[0, 6]], point[:, [0, 6]], quantiles[:, [0, 6]])
    alone = judged(values[[0]], point[:, [0]], quantiles[:, [0]])
    assert verdict.metrics["mase"] == pytest.approx(alone.metrics["mase"], rel=1e-14)
    assert verdict.metrics["mae"] != pytest.approx(alone.metrics["mae"])
    assert verdict.certificate["windows_without_scale"] == WINDOWS
    assert alone.certificate["windows_without_scale"] == 0


def test_masking_labels_equals_dropping_them():
    values, point, quantiles = drawn()
    kept = [0, 1, 4]
    masked = values[kept].copy()
    masked[:, ORIGIN + HORIZON - 2 : ORIGIN + HORIZON] = np.nan
    once = {"windows": 1}
    one = judged(masked, point[:1, kept], quantiles[:1, kept], **once)
    other = judged(
        values[kept], point[:1, kept, :-2], quantiles[:1, kept, :, :-2], horizon=HORIZON - 2, **once
    )
    assert one.metrics == pytest.approx(other.metrics, rel=1e-12)
    assert one.certificate["labels_missing"] == 6


def test_raw_values_are_measured_unscaled():
    values, point, quantiles = drawn()
    location, scale = np.array([3.0, -2.0]), np.array([0.5, 7.0])
    raw = judged(values[:2], point[:, :2], quantiles[:, :2]).metrics
    made = judged(
        (values[:2] - location[:, None]) / scale[:, None],
        (point[:, :2] - location[:, None]) / scale[:, None],
        (quantiles[:, :2] - location[:, None, None]) / scale[:, None, None],
        location=location,
        scale=scale,
    ).metrics
    for name in (*SCALED, "miscalibration", "mse_raw", "mae_raw"):
        assert made[name] == pytest.approx(raw[name], rel=1e-10), name
    errors = (values[:2, ORIGIN : ORIGIN + 15].reshape(2, 3, 5).swapaxes(0, 1) - point[:, :2]) / (
        scale[:, None]
    )
    assert made["mse"] == pytest.approx((errors**2).mean(), rel=1e-12)
    assert made["mae"] == pytest.approx(np.abs(errors).mean(), rel=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e6))
def test_scale_of_values_does_not_matter(seed, factor):
    values, point, quantiles = drawn(seed)
    one = judged(values, point, quantiles).metrics
    other = judged(factor * values, factor * point, factor * quantiles).metrics
    for name in SCALED:
        assert other[name] == pytest.approx(one[name], rel=1e-9), name
    assert other["mse"] == pytest.approx(factor**2 * one["mse"], rel=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_perfect_forecast_has_no_error(seed):
    values, point, _ = drawn(seed)
    point = np.stack([values[:, ORIGIN + HORIZON * w :][:, :HORIZON] for w in range(WINDOWS)])
    point = np.nan_to_num(point, nan=1.0)
    found = judged(values, point, np.repeat(point[:, :, None], 9, axis=2)).metrics
    assert found["coverage"] == 1.0
    assert found["miscalibration"] == pytest.approx(0.2)
    rest = set(found) - {"coverage", "miscalibration"}
    assert {found[name] for name in rest} == {0.0}


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.permutations(range(9)))
def test_order_of_series_does_not_matter(seed, order):
    values, point, quantiles = drawn(seed)
    one = judged(values, point, quantiles)
    other = judged(values[order], point[:, order], quantiles[:, order])
    assert one.metrics == pytest.approx(other.metrics, rel=1e-10)
    assert one.certificate == other.certificate


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["rolling", "long-horizon"]))
def test_seasonal_naive_forecast_is_the_unit(seed, track):
    values, _, _ = drawn(seed)
    values = values[[0, 1, 7]]
    last = [values[:, : ORIGIN + HORIZON * w][:, -SEASON:][:, :HORIZON] for w in range(WINDOWS)]
    point = np.stack([np.where(np.isnan(one), one[:, :1], one) for one in last])
    verdict = judged(values[:2], point[:, :2], track=track)
    assert verdict.metrics["gap"] == 1.0


def test_point_forecast_stands_for_every_quantile():
    values, point, _ = drawn()
    alone = judged(values, point)
    spread = judged(values, point, np.repeat(point[:, :, None], 9, axis=2))
    assert alone.certificate["point_only"] is True
    assert spread.certificate["point_only"] is False
    assert alone.metrics["wql"] == pytest.approx(spread.metrics["wql"], rel=1e-12)
    assert alone.metrics["wql"] == alone.metrics["nd"]
    for name in ("coverage", "miscalibration", "interval_score"):
        assert math.isnan(alone.metrics[name])


def test_long_horizons_are_measured_by_the_point_alone():
    values, point, quantiles = drawn()
    one = judged(values, point, track="long-horizon")
    other = judged(values, point, quantiles, track="long-horizon")
    assert one.metrics == pytest.approx(other.metrics, nan_ok=True)
    assert math.isnan(one.metrics["wql"])
    assert "point_only" not in one.certificate
    assert one.metrics["mse"] == judged(values, point).metrics["mse"]


def test_each_window_is_measured_alone_from_the_answer():
    values, point, quantiles = drawn()
    values = values[[0, 4]]
    judge = ForecastJudge(problem_of(values))
    answer = judge.accept(rolled(problem_of(values), point[:, [0, 4]], quantiles[:, [0, 4]]))
    found = by_window(answer, len(LEVELS))
    for w in range(WINDOWS):
        alone = judged(
            values,
            point[w : w + 1, [0, 4]],
            quantiles[w : w + 1, [0, 4]],
            origin=ORIGIN + HORIZON * w,
            windows=1,
        ).metrics
        assert {name: table[w] for name, table in found.items()} == pytest.approx(
            {name: alone[name] for name in found}, rel=1e-12
        )


def test_many_small_chunks_give_the_same(monkeypatch):
    values, point, quantiles = drawn()
    one = judged(values, point, quantiles)
    monkeypatch.setattr("tiltyard.suites.forecasting.judge._CHUNK", 1)
    assert judged(values, point, quantiles).metrics == one.metrics


def test_seasonal_naive_quantiles_are_those_of_statsforecast():
    from tiltyard.suites.forecasting.baseline import seasonal_naive, seasonal_naive_quantiles
    from tiltyard.suites.forecasting.metrics import seasonal_errors

    past = drawn()[0][:1, :ORIGIN]
    rms = seasonal_errors(past, SEASON, np.array([ORIGIN])).rms
    point = seasonal_naive(past[:, -SEASON:], 20)
    ours = seasonal_naive_quantiles(point, rms[0], SEASON, LEVELS)[0]
    for place, ahead in STATSFORECAST.items():
        np.testing.assert_allclose(ours[place, ::6], ahead, rtol=1e-12)
