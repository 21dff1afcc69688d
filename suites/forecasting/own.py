"""Problems of a user's own series, from a CSV or Parquet file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tiltyard.datasets.gift_eval import read_arrow
from tiltyard.errors import TiltyardError, unknown
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.needs import missing
from tiltyard.suites.forecasting.gift_eval import gift_panel
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem
from tiltyard.suites.forecasting.protocol import (
    HORIZONS,
    long_horizon,
    parse_frequency,
    rolling,
    season_of,
)
from tiltyard.suites.forecasting.readers import read_panel

_TRACKS = ("rolling", "long-horizon")


def _track(parameters: Mapping[str, Value]) -> str:
    return str(parameters["track"])


@problem(suite="forecasting", track=_track, files=("file",))
def own_series(  # noqa: PLR0913 - a problem's parameters
    _rng: np.random.Generator,
    *,
    file: str = "none",
    horizon: int = 0,
    term: str = "short",
    track: str = "rolling",
    season: int = 0,
    windows: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    frequency: str = "auto",
    time: str = "auto",
    id: str = "auto",  # noqa: A002 - as the column is called
    value: str = "auto",
    format: str = "iso",  # noqa: A002 - as strptime's argument is called
) -> ForecastProblem:
    """Series of your own, from a .csv or .parquet file, a column a series or a row a value.

    A .arrow file is one that Hugging Face's ``datasets`` saved, such as a set of GIFT-Eval.
    ``time``, ``id`` and ``value`` name columns, ``frequency`` is pandas' alias, ``format`` that of
    the times; see ``readers.read_panel`` for what ``auto`` finds, and for gaps and time zones. A
    ``horizon``, ``season`` or number of ``windows`` of 0 is what GIFT-Eval's rules say of the
    frequency and the lengths. In track ``long-horizon``, ``validation`` and ``test`` are shares of
    the columns, the last ones; every window of the test part counts. The terms ``medium`` and
    ``long`` forecast 10 and 15 times as far.
    """
    if track not in _TRACKS:
        raise unknown("track", track, _TRACKS)
    for name, given in (("horizon", horizon), ("season", season), ("windows", windows)):
        if given < 0:
            raise TiltyardError(f"{name}={given} is no number of values; 0 leaves it to the rules")
    if file.endswith(".arrow"):
        panel = _arrow_panel(file)
    else:
        panel = read_panel(file, time=time, id=id, value=value, frequency=frequency, format=format)
    if (np.nanmin(panel.values, axis=1) == np.nanmax(panel.values, axis=1)).all():
        raise TiltyardError(f"{file}: every series is constant; there is nothing to forecast")
    if track == "long-horizon":
        return _long_horizon(panel, horizon, season, (validation, test))
    unit, _ = parse_frequency(panel.frequency)
    horizons = {unit: horizon} if horizon else HORIZONS
    return rolling(panel, term, horizons=horizons, season=season, windows=windows)


def _arrow_panel(file: str) -> Panel:
    if lacking := missing({"pyarrow": "tiltyard[parquet]"}):
        raise TiltyardError(f"{file} {lacking}")
    try:
        return gift_panel(read_arrow(Path(file)))
    except OSError as error:
        raise TiltyardError(f"{file} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise TiltyardError(f"{file}: {' '.join(str(error).split())}") from None


def _long_horizon(
    panel: Panel, horizon: int, season: int, shares: tuple[float, float]
) -> ForecastProblem:
    if min(shares) <= 0.0 or sum(shares) >= 1.0:
        raise TiltyardError(
            f"validation={shares[0]} and test={shares[1]} are no shares that leave something to "
            "train on"
        )
    columns = panel.values.shape[1]
    validation, test = (int(share * columns) for share in shares)
    return long_horizon(
        panel,
        horizon or 96,
        parts=(columns - validation - test, validation, test),
        season=season or season_of(panel.frequency),
    )
