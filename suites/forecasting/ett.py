"""Electricity transformer temperature, under both protocols."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.forecasting.panel import Panel, panel_of
from tiltyard.suites.forecasting.problem import ForecastProblem
from tiltyard.suites.forecasting.protocol import TERMS, long_horizon, rolling, season_of

DATA = ("etth1", "etth2", "ettm1", "ettm2")
HORIZONS = (96, 192, 336, 720)

CHANNELS = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
MONTH = 30
"""Days of a month, as the split of the benchmarks counts."""


def _picks(parameters: Mapping[str, Value]) -> tuple[str, ...]:
    data = str(parameters["data"])
    if data not in DATA:
        raise TiltyardError(f"data={data} is none of {', '.join(DATA)}")
    return (data,)


def _frequency(data: str) -> str:
    return "h" if data.startswith("etth") else "15min"


def _panel(data: Arrays, name: str) -> Panel:
    return panel_of(data, _frequency(name), CHANNELS)


@problem(
    suite="forecasting",
    name="ett-long",
    track="long-horizon",
    datasets=DATA,
    picks=_picks,
    tiers={
        "standard": [{"data": data, "horizon": h} for data in DATA[:2] for h in HORIZONS],
        "full": [{"data": data, "horizon": h} for data in DATA for h in HORIZONS],
    },
)
def long(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    data_arrays: Arrays,
    *,
    data: str = "etth1",
    horizon: int = 96,
) -> ForecastProblem:
    """Every window of four test months of the ETT data, after 12 for training and 4 to validate.

    A month has 30 days; the values that come after the 20 months are not used.

    Raises:
        TiltyardError: the horizon does not fit into the test months.
    """
    panel = _panel(data_arrays, data)
    month = MONTH * season_of(panel.frequency)
    return long_horizon(
        panel,
        horizon,
        parts=(12 * month, 4 * month, 4 * month),
        season=season_of(panel.frequency),
    )


@problem(
    suite="forecasting",
    name="ett",
    track="rolling",
    datasets=DATA,
    picks=_picks,
    tiers={
        "standard": [{"data": data} for data in DATA[:2]],
        "full": [{"data": data, "term": term} for data in DATA for term in TERMS],
    },
)
def windows(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    data_arrays: Arrays,
    *,
    data: str = "etth1",
    term: str = "short",
) -> ForecastProblem:
    """Non-overlapping windows at the end of the ETT data."""
    return rolling(_panel(data_arrays, data), term)
