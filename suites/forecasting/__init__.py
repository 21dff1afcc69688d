"""Forecasts of time series: windows after a cut in time, of which a method sees the past alone.

Two tracks, with a leaderboard each. ``rolling`` is GIFT-Eval's protocol: non-overlapping windows,
point and quantiles, MASE and the mean weighted quantile loss relative to the seasonal naive
forecast. ``long-horizon`` is that of the ETT benchmarks: every window of the test months, values
scaled with the training months alone, the mean squared error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tiltyard.suite import Attempt, Judge, Metric, Suite, Tier

if TYPE_CHECKING:
    from tiltyard.suites.forecasting.problem import ForecastProblem


def _judge(problem: ForecastProblem) -> Judge:
    from tiltyard.suites.forecasting.judge import ForecastJudge

    return ForecastJudge(problem)


def _miniature(problem: ForecastProblem) -> ForecastProblem:
    from tiltyard.suites.forecasting._miniature import miniature

    return miniature(problem)


def _rule(problem: ForecastProblem, attempt: Attempt) -> Iterator[str]:
    from tiltyard.suites.forecasting.causality import foresight

    return foresight(problem, attempt)


def _metric(
    name: str, summary: str, *, unit: str = "1", better: Literal["lower", "higher"] = "lower"
) -> Metric:
    return Metric(name=name, unit=unit, better=better, scale="linear", summary=summary)


def _ratio(name: str, summary: str) -> Metric:
    return replace(_metric(name, summary), average="geometric mean")


SUITE = Suite(
    name="forecasting",
    version=1,
    title="Time series forecasting",
    summary="Forecast the next values of series, from their past alone.",
    metrics=(
        _ratio(
            "gap",
            "The error relative to the seasonal naive forecast's: of MASE in track rolling, of the "
            "mean squared error in track long-horizon.",
        ),
        _metric(
            "mase", "Mean absolute error over the mean absolute seasonal difference of the past."
        ),
        _metric(
            "smape",
            "Mean of 200 |y - f| / (|y| + |f|), of raw values; 0 where label and forecast are 0.",
            unit="%",
        ),
        _metric(
            "wql",
            "Mean weighted quantile loss at .1 to .9, GIFT-Eval's CRPS; the point stands for every "
            "quantile where a method gives none.",
        ),
        _ratio("wql_ratio", "wql relative to that of the seasonal naive forecast's quantiles."),
        _metric("mse", "Mean squared error; of scaled values in track long-horizon."),
        _metric("mae", "Mean absolute error; of scaled values in track long-horizon."),
        _metric("mse_raw", "Mean squared error of raw values."),
        _metric("mae_raw", "Mean absolute error of raw values."),
        _metric("nd", "Sum of absolute errors over the sum of absolute labels, of raw values."),
        _metric(
            "coverage",
            "Share of labels inside the interval from quantile .1 to .9; best is .8.",
            better="higher",
        ),
        _metric("miscalibration", "How far coverage is from .8."),
        _metric(
            "interval_score",
            "Mean interval score of quantiles .1 to .9 over the mean absolute seasonal difference "
            "of the past.",
        ),
        _metric("parameters", "Parameters of the model, as the method says."),
    ),
    gap="gap",
    ranking="gap",
    shown=("gap", "wql_ratio", "parameters"),
    phases=("fit",),
    latency=("inference", "window"),
    grouped="frequency",
    mixture="expert ",
    tracks=("rolling", "long-horizon"),
    targets=(1.0, 0.95, 0.9, 0.8, 0.7, 0.5, 0.25),
    oracles={"window": 0.0},
    tiers={
        "smoke": Tier(seconds=5, seeds=1),
        "standard": Tier(seconds=120, seeds=1),
        "full": Tier(seconds=600, seeds=5),
    },
    judge=_judge,
    miniature=_miniature,
    rule=_rule,
    module=__name__,
    example="""
        # The last value, carried forward; missing values count as 0.
        def forecast(past):
            last = np.nan_to_num(past[:, -1])
            return np.repeat(last[:, None], problem.horizon, axis=1)

        yield problem.roll(forecast)
    """,
)
