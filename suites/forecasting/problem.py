"""What a method of the forecasting suite sees: the past, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

from tiltyard.errors import InvalidAnswer, TiltyardError
from tiltyard.names import Value
from tiltyard.suite import Problem
from tiltyard.suites.forecasting.forecasts import Forecasts, Taken, Taker
from tiltyard.suites.forecasting.panel import Array, Panel, Times

Track = Literal["rolling", "long-horizon"]

Copied = TypeVar("Copied", Array, Times)

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The quantiles that the rolling track asks for."""

Forecaster = Callable[[Array], Any]
"""Takes the past, (S, t) float64 and read-only, NaN where a value is missing or a series has not
begun; returns the point forecast (S, H), or a pair of it and the quantiles (S, len(levels), H)."""


@dataclass(eq=False, kw_only=True)
class ForecastProblem(Problem):
    """Forecast the next ``horizon`` values of every series, window after window.

    ``history`` is everything before the first test window; its columns from ``train`` on are for
    validation. Fit on it, then hand a forecaster to ``roll``: it is called for each test window in
    the order of time, with the past of that window, and returns before the next values are shown.

    Facts: ``track``, ``frequency``, ``series``, ``horizon``, ``season``, ``windows``, ``levels``
    (number of quantiles; 0 where only the point counts).

    Attributes:
        panel: the whole data; None for methods.
        track: ``rolling`` (non-overlapping windows, quantiles) or ``long-horizon`` (every window).
        horizon: H, values to forecast.
        season: values in a season, as MASE and the seasonal naive forecast take it.
        origin: the column of the first test window's first value.
        windows: W, test windows.
        stride: columns from one window to the next.
        train: the column where validation begins.
        levels: of the quantiles, ascending.
        location: (S,) and ``scale``: raw values are ``location + scale * values``; 0 and 1 if not
            given.
        history: (S, origin) float64, read-only.
    """

    panel: Panel | None
    track: Track
    horizon: int
    season: int
    origin: int
    windows: int
    stride: int
    train: int
    location: Array = field(default_factory=lambda: np.zeros(0))
    scale: Array = field(default_factory=lambda: np.zeros(0))
    device: str = "cpu"
    levels: tuple[float, ...] = field(init=False)
    history: Array = field(init=False)
    frequency: str = field(init=False)
    names: tuple[str, ...] = field(init=False)
    facts: Mapping[str, Value] = field(init=False)

    def __post_init__(self) -> None:
        """Derive what methods see.

        Raises:
            TiltyardError: the windows do not fit into the panel.
        """
        panel = self.panel
        if panel is None:
            raise TiltyardError("a forecasting problem is made from a panel")
        last = self.origin + self.stride * (self.windows - 1) + self.horizon
        if min(self.horizon, self.windows, self.stride, self.season, self.train) < 1 or not (
            self.train <= self.origin < last <= panel.values.shape[1]
        ):
            raise TiltyardError(
                f"{self.windows} windows of {self.horizon} values from column {self.origin} on do "
                f"not fit into series of {panel.values.shape[1]} values"
            )
        series = len(panel.values)
        self.levels = LEVELS if self.track == "rolling" else ()
        self.history = panel.values[:, : self.origin].copy()
        self.history.flags.writeable = False
        self.location = _read_only(self.location if self.location.size else np.zeros(series))
        self.scale = _read_only(self.scale if self.scale.size else np.ones(series))
        self.frequency, self.names = panel.frequency, panel.names
        self.facts = {
            "track": self.track,
            "frequency": panel.frequency,
            "series": series,
            "horizon": self.horizon,
            "season": self.season,
            "windows": self.windows,
            "levels": len(self.levels),
        }
        self._ends, self._length = _read_only(panel.ends), panel.values.shape[1]

    @property
    def series(self) -> int:
        """S, the number of series."""
        return len(self.history)

    def on(self, device: str) -> Self:
        """Return the problem for one run, without the future, which windows show bit by bit."""
        fresh = super().on(device)
        if self.panel is not None:
            _FEEDS[fresh] = _pasts(self.panel.values, self.origin, self.stride, self.windows)
            fresh.panel = None
        return fresh

    def times(self, first: int, last: int) -> Times:
        """Return the times of columns ``first`` to ``last`` - 1, (S, last - first) datetime64[s].

        Args:
            first: a column of ``history``, or beyond it: times are known in advance.
            last: the column after the last one.
        """
        import pandas as pd

        step = pd.tseries.frequencies.to_offset(self.frequency)
        made = np.empty((self.series, last - first), "datetime64[s]")
        for end in np.unique(self._ends):
            begin = pd.Timestamp(end) - (self._length - 1 - first) * step
            made[self._ends == end] = pd.date_range(begin, periods=last - first, freq=step)
        return made

    def roll(self, forecast: Forecaster, *, parameters: int = 0) -> Forecasts:
        """Call ``forecast`` for every test window; return the answer, which is to be yielded.

        A run sees the test windows once. The calls are the run's phase ``inference``; each series
        of each window is charged as one ``window``.

        Args:
            forecast: see ``Forecaster``.
            parameters: of the model, learnt or given.

        Raises:
            TiltyardError: the windows were shown before.
        """
        feed = _FEEDS.pop(self, None)
        if feed is None:
            raise TiltyardError("the test windows are shown once a run")
        taker = Taker(self.windows, self.series, self.horizon, len(self.levels))
        for past in feed:
            with self.phase("inference"):
                given = forecast(past)
            if not taker.take(given):
                break
        self.count("window", self.windows * self.series)
        taken = taker.taken()
        made = Forecasts(taken, parameters)
        _ROLLED[made] = taken
        return made


def rolled(answer: object) -> Taken:
    """Return the forecasts that ``roll`` took, whatever has become of its answer since.

    Raises:
        InvalidAnswer: it is none of ``roll``, or a forecast was refused; ``NonFiniteAnswer`` if
            one held NaN or infinity.
    """
    expected = "expected what problem.roll returns"
    if not isinstance(answer, Forecasts):
        raise InvalidAnswer(f"{expected}, found {type(answer).__name__}")
    taken = _ROLLED.get(answer)
    if taken is None:
        raise InvalidAnswer(f"{expected}, found forecasts made elsewhere")
    if taken.fault:
        raise taken.fault
    return taken


_ROLLED: WeakKeyDictionary[Forecasts, Taken] = WeakKeyDictionary()
"""What the judge measures: no attribute of an answer leads to it."""

_FEEDS: WeakKeyDictionary[ForecastProblem, Iterator[Array]] = WeakKeyDictionary()
"""What each run is still to be shown: no attribute of a problem leads to the future."""


def _pasts(values: Array, origin: int, stride: int, windows: int) -> Iterator[Array]:
    """Yield the past of each window: views of a buffer that holds nothing of what comes later."""
    shown = np.full((len(values), origin + stride * (windows - 1)), np.nan)
    known = 0
    for window in range(windows):
        now = origin + stride * window
        shown.flags.writeable = True
        shown[:, known:now] = values[:, known:now]
        shown.flags.writeable = False
        known = now
        yield shown[:, :now]


def _read_only(values: Copied) -> Copied:
    copied = values.copy()
    copied.flags.writeable = False
    return copied
