"""Real series: New York's taxis, those inside statsmodels, exchange rates, electricity, traffic."""

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

EVERY_TERM = [{"term": term} for term in TERMS]

STATSMODELS = {"co2": "W-SAT", "sunspots": "YS", "nile": "YS", "elnino": "MS", "macrodata": "QS"}

MACRODATA = (
    "realgdp",
    "realcons",
    "realinv",
    "realgovt",
    "realdpi",
    "cpi",
    "m1",
    "tbilrate",
    "unemp",
    "pop",
    "infl",
    "realint",
)

CURRENCIES = (
    "Australia",
    "Britain",
    "Canada",
    "Switzerland",
    "China",
    "Japan",
    "New Zealand",
    "Singapore",
)


@problem(
    suite="forecasting",
    track="rolling",
    datasets=("nyc-taxi",),
    tiers={"smoke": [{"last": 1500}], "standard": EVERY_TERM, "full": EVERY_TERM},
)
def nyc_taxi(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    data: Arrays,
    *,
    term: str = "short",
    last: int = 0,
) -> ForecastProblem:
    """Passengers of New York's taxis, half-hourly; the last months hold holidays and a blizzard.

    ``last`` keeps that many values, 0 all.

    Raises:
        TiltyardError: ``last`` is negative, or leaves too few values.
    """
    return rolling(_taxis(data, last), term)


@problem(
    suite="forecasting",
    track="long-horizon",
    datasets=("nyc-taxi",),
    tiers={
        "smoke": [{"last": 1500, "horizon": 48}],
        "standard": [{"horizon": h} for h in (96, 336)],
        "full": [{"horizon": h} for h in (96, 336)],
    },
)
def nyc_taxi_long(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    data: Arrays,
    *,
    horizon: int = 96,
    last: int = 0,
) -> ForecastProblem:
    """Every window of the last fifth of New York's taxis, after 60 % for training and 20 %.

    ``last`` keeps that many values, 0 all.

    Raises:
        TiltyardError: ``last`` is negative, or leaves too few values.
    """
    panel = _taxis(data, last)
    fifth = panel.values.shape[1] // 5
    parts = (3 * fifth, fifth, fifth)
    return long_horizon(panel, horizon, parts=parts, season=season_of(panel.frequency))


def _taxis(data: Arrays, last: int) -> Panel:
    if last < 0:
        raise TiltyardError(f"last={last} is negative; 0 keeps all values")
    kept = {**data, "values": data["values"][:, -last:]}
    return panel_of(kept, "30min", ("passengers",))


def _picks(parameters: Mapping[str, Value]) -> tuple[str, ...]:
    data = str(parameters["data"])
    if data not in STATSMODELS:
        raise TiltyardError(f"data={data} is none of {', '.join(STATSMODELS)}")
    return (data,)


@problem(
    suite="forecasting",
    name="statsmodels",
    track="rolling",
    datasets=tuple(STATSMODELS),
    picks=_picks,
    needs={"statsmodels": "tiltyard[statsmodels]"},
    tiers={
        "standard": [{"data": name} for name in STATSMODELS],
        "full": [{"data": name} for name in STATSMODELS],
    },
)
def of_statsmodels(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    arrays: Arrays,
    *,
    data: str = "co2",
    term: str = "short",
) -> ForecastProblem:
    """Series that ship inside statsmodels: of the sky, the sea, a river and an economy."""
    names = MACRODATA if data == "macrodata" else (data,)
    return rolling(panel_of(arrays, STATSMODELS[data], names), term)


@problem(
    suite="forecasting",
    track="rolling",
    datasets=("exchange-rate",),
    tiers={"full": [{"term": "short"}]},
)
def exchange_rate(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    data: Arrays,
    *,
    term: str = "short",
) -> ForecastProblem:
    """Daily exchange rates of eight countries."""
    return rolling(panel_of(data, "D", CURRENCIES), term)


@problem(
    suite="forecasting",
    track="rolling",
    datasets=("electricity",),
    tiers={"full": EVERY_TERM},
)
def electricity(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    data: Arrays,
    *,
    term: str = "short",
) -> ForecastProblem:
    """Hourly consumption of electricity of 321 clients."""
    return rolling(panel_of(data, "h"), term)


@problem(
    suite="forecasting",
    track="rolling",
    datasets=("traffic",),
    tiers={"full": [{"term": "short"}]},
)
def traffic(
    rng: np.random.Generator,  # noqa: ARG001 - every family has it
    data: Arrays,
    *,
    term: str = "short",
) -> ForecastProblem:
    """Hourly road occupancy at 862 sensors."""
    return rolling(panel_of(data, "h"), term)
