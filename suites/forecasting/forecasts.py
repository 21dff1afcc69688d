"""What a method hands over: forecasts, each copied before the next values are shown."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tiltyard.answers import real
from tiltyard.errors import InvalidAnswer
from tiltyard.names import Value
from tiltyard.suites.forecasting.panel import Array


class Taken(NamedTuple):
    """Forecasts as they were when each window was shown, an array a window.

    Attributes:
        point: (S, H) float64 each, of memory that nothing can write to.
        quantiles: (S, Q, H) float64 each, likewise; empty if the method gave none.
        fault: what is wrong with the first forecast that was refused, or None.
    """

    point: tuple[Array, ...]
    quantiles: tuple[Array, ...]
    fault: InvalidAnswer | None


class Forecasts:
    """What ``ForecastProblem.roll`` returns, and the only thing to yield.

    Attributes:
        parameters: of the model, as the method says.
        notes: what the method tells of its forecasts, such as the look-back it chose on validation
            or an expert's mean weight; becomes part of the certificate.
    """

    def __init__(self, taken: Taken, parameters: int) -> None:
        self.parameters = parameters
        self.notes: dict[str, Value] = {}
        self._taken = taken

    @property
    def point(self) -> Array:
        """The forecasts, (W, S, H) float64; a copy."""
        return np.stack(self._taken.point)

    @property
    def quantiles(self) -> Array | None:
        """The quantiles, (W, S, Q, H) float64; a copy, or None if there are none."""
        return np.stack(self._taken.quantiles) if self._taken.quantiles else None

    @property
    def fault(self) -> str:
        """What is wrong with the first forecast that was refused, or the empty string."""
        return str(self._taken.fault or "")


class Taker:
    """Copies what a forecaster returns, window after window.

    Args:
        windows: W, how many are to come.
        series: S.
        horizon: H.
        levels: Q, how many quantiles may come with the point; 0 if they do not count.
    """

    def __init__(self, windows: int, series: int, horizon: int, levels: int) -> None:
        self._windows, self._shape, self._levels = windows, (series, horizon), levels
        self._point: list[Array] = []
        self._quantiles: list[Array] = []
        self._fault: InvalidAnswer | None = None

    def take(self, given: Any) -> bool:
        """Copy the forecast of the next window; if it is none, keep why and return False."""
        try:
            self._take(given)
        except InvalidAnswer as error:
            window = f"window {len(self._point) + 1} of {self._windows}"
            self._fault = type(error)(f"{window}: {error}")
        return self._fault is None

    def taken(self) -> Taken:
        """Return what was taken; it is at fault if windows are missing."""
        given = len(self._point)
        fault = self._fault
        if given < self._windows and not fault:
            fault = InvalidAnswer(f"{given} of {self._windows} windows were forecast")
        return Taken(tuple(self._point), tuple(self._quantiles), fault)

    def _take(self, given: Any) -> None:
        pair = isinstance(given, tuple) and len(given) == 2
        series, horizon = self._shape
        point = _frozen(
            "the point forecast", given[0] if pair else given, series=series, horizon=horizon
        )
        if self._levels:
            if self._point and pair != bool(self._quantiles):
                raise InvalidAnswer("quantiles come with every window or with none")
            if pair:
                shape = {"series": series, "levels": self._levels, "horizon": horizon}
                self._quantiles.append(_frozen("the quantiles", given[1], **shape))
        self._point.append(point)


def _frozen(what: str, given: Any, **shape: int) -> Array:
    """Return a copy in memory of bytes, which NumPy never makes writable again."""
    sizes = tuple(shape.values())
    wanted = f"{' x '.join(map(str, sizes))} real numbers ({' x '.join(shape)})"
    copied = real(what, given, sizes, wanted=wanted)
    return np.frombuffer(copied.tobytes(), dtype=np.float64).reshape(sizes)
