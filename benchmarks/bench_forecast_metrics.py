"""The metrics of a million forecasts, ours and utilsforecast's.

``pytest benchmarks/bench_forecast_metrics.py``: 1000 series, 20 windows of 50 values, nine
quantiles. Both give per window and series what the suite's metrics are made of: MAE, MSE, sMAPE,
MASE, ND, the quantile loss at nine levels, the coverage and the interval score of 80 %; ours also
check the forecasts and count what is odd. utilsforecast gets its tables ready made, and is timed
with pandas and, where it is installed, with polars. The ratios of processor seconds are printed at
the end, the best of three rounds, which a busy machine does not blur: also without MASE, for which
utilsforecast joins the past to each of the windows.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from tiltyard.suites.forecasting.judge import ForecastJudge
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import LEVELS, ForecastProblem

SERIES, WINDOWS, HORIZON, SEASON, ORIGIN = 1000, 20, 50, 24, 200

_seconds: dict[str, float] = {}


@pytest.fixture(scope="module", autouse=True)
def ratio():
    yield
    for name, seconds in _seconds.items():
        ours = seconds / _seconds["tiltyard"]
        sys.stdout.write(f"\n{name}: {seconds:.3f} s, {ours:.1f} times tiltyard's")
    sys.stdout.write("\n")


@pytest.fixture(scope="module")
def forecasts():
    """Return values (S, T), point forecasts (W, S, H) and quantiles (W, S, Q, H)."""
    rng = np.random.default_rng(0)
    values = rng.gamma(2.0, 2.0, (SERIES, ORIGIN + WINDOWS * HORIZON))
    point = rng.gamma(2.0, 2.0, (WINDOWS, SERIES, HORIZON))
    spread = np.linspace(-2.0, 2.0, len(LEVELS))[:, None]
    return values, point, point[:, :, None] + spread


def timed(benchmark, name, work):
    """Measure work, and note its least processor time of three rounds."""
    rounds = []

    def go():
        start = time.process_time()
        made = work()
        rounds.append(time.process_time() - start)
        return made

    made = benchmark.pedantic(go, rounds=3)
    _seconds[name] = min(rounds)
    return made


def test_tiltyard(benchmark, forecasts):
    values, point, quantiles = forecasts
    problem = ForecastProblem(
        panel=Panel(values=values, frequency="h"),
        track="rolling",
        horizon=HORIZON,
        season=SEASON,
        origin=ORIGIN,
        windows=WINDOWS,
        stride=HORIZON,
        train=ORIGIN - HORIZON,
    )
    judge = ForecastJudge(problem)
    given = iter(zip(point, quantiles, strict=True))
    made = problem.on("cpu").roll(lambda _: next(given))
    # The seasonal errors, which utilsforecast computes with each MASE, are part of the work.
    nows = ORIGIN + HORIZON * np.arange(WINDOWS)

    def work():
        from tiltyard.suites.forecasting.metrics import seasonal_errors

        seasonal_errors(values, SEASON, nows)
        return judge.score(judge.accept(made))

    assert timed(benchmark, "tiltyard", work).metrics["mase"] > 0.0


@pytest.mark.parametrize("engine", ["pandas", "polars"])
def test_utilsforecast(benchmark, forecasts, engine):
    frames = pytest.importorskip(engine)
    losses = pytest.importorskip("utilsforecast.losses")
    values, point, quantiles = forecasts
    window, series, step = np.indices(point.shape).reshape(3, -1)
    columns = {
        "unique_id": series,
        "cutoff": ORIGIN + HORIZON * window - 1,
        "ds": ORIGIN + HORIZON * window + step,
        "f": point.ravel(),
    }
    columns["y"] = values[series, columns["ds"]]
    columns |= {f"q{i}": quantiles[:, :, i].ravel() for i in range(len(LEVELS))}
    columns |= {"q-lo-80": columns["q0"], "q-hi-80": columns["q8"]}
    table = frames.DataFrame(columns)
    rows, times = np.indices(values.shape).reshape(2, -1)
    past = frames.DataFrame({"unique_id": rows, "ds": times, "y": values.ravel()})
    partly: list[float] = []
    models = {"q": [f"q{i}" for i in range(len(LEVELS))]}

    def most():
        for one in (losses.mae, losses.mse, losses.smape, losses.nd):
            one(table, models=["f"])
        losses.coverage(table, models=["q"], level=80)
        losses.winkler_score(table, models=["q"], level=80)
        losses.mqloss(table, models=models, quantiles=np.array(LEVELS))

    def work():
        start = time.process_time()
        most()
        partly.append(time.process_time() - start)
        return losses.mase(table, models=["f"], seasonality=SEASON, train_df=past)

    name = f"utilsforecast with {engine}"
    assert len(timed(benchmark, name, work)) == SERIES * WINDOWS
    _seconds[f"{name}, all but MASE"] = min(partly)
