"""The rules by which a panel becomes a problem: horizons, windows, seasons, splits.

The rolling track follows GIFT-Eval (Aksu et al., 2024, arXiv:2410.10393).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.suites.forecasting.panel import Array, Panel
from tiltyard.suites.forecasting.problem import ForecastProblem

TERMS = {"short": 1, "medium": 10, "long": 15}
"""What the horizon of a frequency is multiplied with."""

HORIZONS = {"Y": 6, "Q": 8, "M": 12, "W": 8, "D": 30, "B": 30, "h": 48, "min": 48, "s": 60}
"""GIFT-Eval's horizons; those of years and quarters, which it lacks, are the M4 competition's, and
that of business days is that of days."""

M4_HORIZONS = {"Y": 6, "Q": 8, "M": 18, "W": 13, "D": 14, "h": 48}
"""The horizons of the M4 competition."""

SEASONS = {"Y": 1, "Q": 4, "M": 12, "W": 1, "D": 1, "B": 5, "h": 24, "min": 1440, "s": 3600}
"""Values in a season, as gluonts' ``get_seasonality`` counts them."""

MOST_WINDOWS = 20
TEST_SHARE = 0.1

_ALIAS = re.compile(r"(Y|Q|M|W|D|B|h|min|s)(?:S|E|BS|BE)?(?:-[A-Z]{3})?")


def rolling(
    panel: Panel,
    term: str = "short",
    *,
    horizons: Mapping[str, int] = HORIZONS,
    windows: int = 0,
    season: int = 0,
) -> ForecastProblem:
    """Return the problem of track ``rolling`` of a panel: GIFT-Eval's windows at its end.

    Windows do not overlap, ceil(0.1 n / horizon) of them, n being the length of the shortest
    series, but at least one and at most 20. The horizon just before the first one is for
    validation.

    Args:
        panel: the series; where one begins later, it is shorter.
        term: ``short``, ``medium`` (10 times the horizon) or ``long`` (15 times).
        horizons: of each unit of time, for the term ``short``.
        windows: their number, instead of the one above.
        season: values in a season, instead of what the frequency says.

    Raises:
        TiltyardError: the term or the frequency is unknown, or a series has no value before the
            first window.
    """
    if term not in TERMS:
        raise TiltyardError(f"term {term!r} is none of {', '.join(TERMS)}")
    unit, _ = parse_frequency(panel.frequency)
    if unit not in horizons:
        raise TiltyardError(
            f"frequency {panel.frequency} has no horizon here; those of {', '.join(horizons)} have"
        )
    horizon = horizons[unit] * TERMS[term]
    lengths = lengths_of(panel.values)
    if not windows:
        windows = windows_of(int(lengths.min()), horizon)
    shortest = int(lengths.argmin())
    if lengths[shortest] <= windows * horizon:
        raise TiltyardError(
            f"series {panel.names[shortest]} has {lengths[shortest]} values, and the windows to "
            f"forecast ({windows} x {horizon}) leave nothing before them"
        )
    origin = panel.values.shape[1] - windows * horizon
    return ForecastProblem(
        panel=panel,
        track="rolling",
        horizon=horizon,
        season=season or season_of(panel.frequency),
        origin=origin,
        windows=windows,
        stride=horizon,
        train=max(1, origin - horizon),
    )


def long_horizon(
    panel: Panel, horizon: int, *, parts: tuple[int, int, int], season: int
) -> ForecastProblem:
    """Return the problem of track ``long-horizon``: every window of the test part, stride 1.

    Values are scaled with the means and standard deviations (ddof 0) of the training part alone;
    a constant series keeps its unit. The last window counts, so there are test - horizon + 1.

    Args:
        panel: the series; columns after the three parts are not used.
        horizon: H.
        parts: columns of the training, validation and test parts, one after another.
        season: values in a season.

    Raises:
        TiltyardError: the parts do not fit into the panel, or the horizon into the test part.
    """
    train, validation, test = parts
    origin, every = train + validation, train + validation + test
    if panel.values.shape[1] < every:
        raise TiltyardError(
            f"series of {panel.values.shape[1]} values are shorter than the {every} of the "
            "training, validation and test parts"
        )
    if not 1 <= horizon <= test:
        raise TiltyardError(f"a horizon of {horizon} does not fit into a test part of {test}")
    unused = panel.values.shape[1] - every
    location, scale = scaler(panel.values[:, :train])
    scaled = Panel(
        values=(panel.values[:, :every] - location[:, None]) / scale[:, None],
        frequency=panel.frequency,
        ends=_earlier(panel, unused),
        names=panel.names,
    )
    return ForecastProblem(
        panel=scaled,
        track="long-horizon",
        horizon=horizon,
        season=season,
        origin=origin,
        windows=test - horizon + 1,
        stride=1,
        train=train,
        location=location,
        scale=scale,
    )


def windows_of(length: int, horizon: int) -> int:
    """Return GIFT-Eval's number of windows for a shortest series of that length."""
    return min(max(math.ceil(TEST_SHARE * length / horizon), 1), MOST_WINDOWS)


def scaler(values: Array) -> tuple[Array, Array]:
    """Return the mean and the standard deviation (ddof 0) of each series, (S,) each.

    Missing values do not count; where the deviation is 0 it is 1 instead.
    """
    location, scale = np.nanmean(values, axis=1), np.nanstd(values, axis=1)
    return location, np.where(scale > 0.0, scale, 1.0)


def lengths_of(values: Array) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how many columns each series has from its first value on, (S,) int64."""
    begun = ~np.isnan(values)
    return np.where(begun.any(axis=1), values.shape[1] - begun.argmax(axis=1), 0)


def season_of(frequency: str) -> int:
    """Return how many values a season has: 24 for ``h``, 96 for ``15min``, 1 for ``D``.

    As gluonts does: 1 where the frequency's multiple does not divide the unit's season.

    Raises:
        TiltyardError: the frequency is unknown.
    """
    unit, multiple = parse_frequency(frequency)
    seasons, rest = divmod(SEASONS[unit], multiple)
    return 1 if rest else seasons


def parse_frequency(frequency: str) -> tuple[str, int]:
    """Return the unit of time, a key of ``SEASONS``, and the multiple of it.

    Raises:
        TiltyardError: pandas does not know the frequency, or it is none of those units.
    """
    from pandas.tseries.frequencies import to_offset

    try:
        offset = to_offset(frequency)
    except ValueError:
        offset = None
    if offset is None or not (match := _ALIAS.fullmatch(offset.rule_code)) or offset.n < 1:
        raise TiltyardError(
            f"frequency {frequency!r} is unknown; known are pandas' aliases such as h, 15min, D, "
            "W-SUN, MS, QS and YS"
        )
    return match[1], int(offset.n)


def _earlier(panel: Panel, columns: int) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    from pandas import Timestamp
    from pandas.tseries.frequencies import to_offset

    step = to_offset(panel.frequency)
    return np.array([Timestamp(end) - columns * step for end in panel.ends], "datetime64[s]")
