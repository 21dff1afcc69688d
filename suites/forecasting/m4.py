"""The M4 competition's series, with its horizons and one window each, as GIFT-Eval has them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.forecasting.panel import Array, Panel
from tiltyard.suites.forecasting.problem import ForecastProblem
from tiltyard.suites.forecasting.protocol import M4_HORIZONS, lengths_of, rolling

FREQUENCIES = {
    "hourly": "h",
    "daily": "D",
    "weekly": "W-SUN",
    "monthly": "MS",
    "quarterly": "QS",
    "yearly": "YS",
}


def _picks(parameters: Mapping[str, Value]) -> tuple[str, ...]:
    frequency = str(parameters["frequency"])
    if frequency not in FREQUENCIES:
        raise TiltyardError(f"frequency={frequency} is none of {', '.join(FREQUENCIES)}")
    return (f"m4-{frequency}-train", f"m4-{frequency}-test")


@problem(
    suite="forecasting",
    name="m4",
    track="rolling",
    datasets=tuple(f"m4-{name}-{part}" for name in FREQUENCIES for part in ("train", "test")),
    picks=_picks,
    tiers={
        "standard": [{"frequency": "hourly"}],
        "full": [
            {"frequency": "hourly"},
            {"frequency": "weekly"},
            {"frequency": "daily", "series": 1000},
            {"frequency": "monthly", "series": 1000},
            {"frequency": "quarterly", "series": 1000},
            {"frequency": "yearly", "series": 1000},
        ],
    },
)
def m4(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    train: Arrays,
    test: Arrays,
    *,
    frequency: str = "hourly",
    series: int = 0,
) -> ForecastProblem:
    """The M4 competition's series of one frequency, each with one window to forecast.

    ``series`` takes that many of them, evenly spaced in the file; 0 takes all. The files have no
    times: every series ends at the same one, which is made up.

    Raises:
        TiltyardError: the two files are not of the same series, or ``series`` is negative.
    """
    values = joined(train, test)
    if series < 0:
        raise TiltyardError(f"series={series} is negative; 0 takes all")
    chosen = np.arange(len(values))
    if 0 < series < len(values):
        chosen = np.arange(series) * len(values) // series
    values = values[chosen]
    values = values[:, values.shape[1] - int(lengths_of(values).max()) :]
    letter = frequency[0].upper()
    panel = Panel(
        values=values,
        frequency=FREQUENCIES[frequency],
        names=tuple(f"{letter}{number}" for number in train["numbers"][chosen]),
    )
    return rolling(panel, horizons=M4_HORIZONS, windows=1)


def joined(train: Arrays, test: Arrays) -> Array:
    """Return the training part of every series followed by its test part, (S, T) float64.

    Raises:
        TiltyardError: the two parts are not of the same series, or a test value is missing.
    """
    if not np.array_equal(train["numbers"], test["numbers"]):
        raise TiltyardError("the training and the test table are not of the same series")
    if np.isnan(test["values"]).any():
        raise TiltyardError("a series has fewer test values than the others")
    return np.concatenate([train["values"], test["values"]], axis=1)
