"""Training and validation windows out of ``problem.history``, pooled over series.

Models are channel independent: one map from L values to the next H serves every series. A window
for training ends before column ``problem.train``; the values to forecast of one for validation lie
at or after it, its context may reach further back. The test windows are nowhere in sight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tiltyard.errors import Unsupported
from tiltyard.implementations.forecasting._context import context, filled
from tiltyard.suites.forecasting.problem import ForecastProblem

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

LOOK_BACKS = (96, 192, 336, 512, 720)
"""Of the long-horizon literature."""

_SHORT = (4, 8, 16, 24, 48, 64)
"""Look-backs for series on which not two of the others leave windows to train on."""

_SERIES_SHARE = 0.5
"""Of the series, those that a look-back must leave a training window."""

MOST_WINDOWS = 1 << 18
"""Windows that are used; of more, evenly spaced ones. ETTm1-96 has 241 000 for training."""


@dataclass(frozen=True)
class Scaling:
    """Units in which the series of a panel can be pooled: values = location + scale * scaled.

    Attributes:
        location: (S,).
        scale: (S,), positive.
    """

    location: Array
    scale: Array

    def into(self, values: Array) -> Array:
        """Return values, (S, t), in scaled units."""
        return (values - self.location[:, None]) / self.scale[:, None]

    def back(self, scaled: Array) -> Array:
        """Return scaled values, (S, ..., H), in the problem's units."""
        axes = (slice(None), *(None,) * (scaled.ndim - 1))
        return self.location[axes] + self.scale[axes] * scaled


@dataclass(frozen=True)
class Windows:
    """Windows of L + H values in scaled units, cut when they are asked for.

    Attributes:
        values: (S, T) without gaps.
        look_back: L.
        horizon: H.
        rows: (N,), the series of each window.
        starts: (N,), the column of ``values`` that it begins with.
    """

    values: Array
    look_back: int
    horizon: int
    rows: Indices
    starts: Indices

    def __len__(self) -> int:
        """Return N."""
        return len(self.rows)

    def take(self, which: Indices | slice) -> tuple[Array, Array]:
        """Return contexts, (n, L), and what follows them, (n, H), of some windows."""
        view = sliding_window_view(self.values, self.look_back + self.horizon, axis=1)
        both = view[self.rows[which], self.starts[which]]
        return both[:, : self.look_back], both[:, self.look_back :]

    def blocks(self, size: int = 8192) -> Iterator[tuple[Array, Array]]:
        """Yield contexts and what follows them, every window once, so many at a time."""
        for first in range(0, len(self), size):
            yield self.take(slice(first, first + size))

    def thinned(self, most: int) -> Windows:
        """Return at most so many of the windows, evenly spaced."""
        if len(self) <= most:
            return self
        return self.of(np.linspace(0, len(self) - 1, most).astype(np.intp))

    def of(self, which: Indices | slice) -> Windows:
        """Return some of the windows."""
        return Windows(
            self.values, self.look_back, self.horizon, self.rows[which], self.starts[which]
        )


@dataclass(frozen=True)
class Split:
    """What a model of one look-back is fitted on.

    Attributes:
        train: windows before the validation columns.
        validation: windows to choose on, and to take residuals from.
        everything: both, and those across the cut.
        scaling: the units of all three.
    """

    train: Windows
    validation: Windows
    everything: Windows
    scaling: Scaling

    @property
    def look_back(self) -> int:
        """L."""
        return self.train.look_back

    def contexts(self, past: Array) -> Array:
        """Return the last L values of the past, (S, L), in scaled units and without gaps."""
        return self.scaling.into(context(past, self.look_back))


def split(problem: ForecastProblem, look_back: int, most: int = MOST_WINDOWS) -> Split:
    """Return the windows of a look-back, of which there is at least one to train on.

    A gap in a context is filled with the value before it. Windows for training begin after their
    series does. A context for validation may begin earlier, and is then filled with the series'
    first value, as a forecast's is: so windows to choose on do not depend on the look-back. Windows
    with a missing value to forecast are dropped, unless none would remain.

    Where no window fits before the validation columns, all of the history is trained on; where
    none fits after them, the last tenth of the training windows is chosen on.

    Args:
        problem: with its history.
        look_back: L.
        most: windows of each kind; of more, evenly spaced ones.

    Raises:
        Unsupported: no series has look_back + horizon values.
    """
    H, cut, S = problem.horizon, problem.train, problem.series
    scaling = panel_scaling(problem)
    ahead = np.full((S, look_back), np.nan)
    padded = np.concatenate([ahead, scaling.into(problem.history)], axis=1)
    known = ~np.isnan(padded)
    values = filled(padded)
    first = np.where(known.any(axis=1), known.argmax(axis=1), padded.shape[1])
    # Window j of a series looks at columns j to j + L - 1, and forecasts from column ``cut`` of the
    # history on if j >= cut, since L columns are put before it.
    j = np.arange(padded.shape[1] - look_back - H + 1)
    begun, sees = j >= first[:, None], j + look_back > first[:, None]
    wanted = _complete(known[:, look_back:], H)
    if not (begun & wanted).any():
        wanted = np.ones_like(wanted)
    if not (begun & wanted).any():
        raise Unsupported(f"no series has the {look_back + H} values of one window")

    def chosen(mask: NDArray[np.bool_]) -> Windows:
        return Windows(values, look_back, H, *np.nonzero(mask)).thinned(most)

    everything = chosen(begun & wanted)
    train = chosen(begun & wanted & (j + H <= cut)) or everything
    last = np.argsort(train.starts, kind="stable")[-max(1, len(train) // 10) :]
    validation = chosen(sees & wanted & (j >= cut)) or train.of(last)
    return Split(train, validation, everything, scaling)


def look_backs(problem: ForecastProblem, wanted: Sequence[int] = LOOK_BACKS) -> list[int]:
    """Return the look-backs that leave at least half of the series a training window, ascending.

    If fewer than two of the wanted ones do, or the only one wanted does not, shorter ones join
    them. There is always one: the last resort are two values.
    """
    known = ~np.isnan(problem.history)
    begins = np.where(known.any(axis=1), known.argmax(axis=1), problem.origin)
    for end in (problem.train, problem.origin):
        longest = int(np.quantile(end - begins, 1.0 - _SERIES_SHARE)) - problem.horizon
        fitting = [length for length in sorted(set(wanted)) if length <= longest]
        if len(fitting) < min(2, len(set(wanted))):
            below = min(longest, *wanted)
            fitting += [length for length in (*_SHORT, *LOOK_BACKS) if length <= below]
        if fitting:
            return sorted(set(fitting))
    return [2]


def panel_scaling(problem: ForecastProblem) -> Scaling:
    """Return the units in which the series are pooled, from the columns before validation.

    On the long-horizon track values are scaled already. Otherwise a series' location is its mean,
    its scale the mean absolute seasonal difference, by which MASE divides; if that is 0 or there
    are no two values a season apart, the mean absolute deviation, and if that is 0, 1.
    """
    S, m = problem.series, problem.season
    if problem.track == "long-horizon":
        return Scaling(np.zeros(S), np.ones(S))
    values = np.where(
        np.isnan(problem.history[:, : problem.train]).all(axis=1, keepdims=True),
        problem.history[:, -1:],
        problem.history[:, : problem.train],
    )
    location = _mean(values)
    scale = _mean(np.abs(values[:, m:] - values[:, :-m]))
    spread = _mean(np.abs(values - location[:, None]))
    scale = np.where(scale > 0.0, scale, np.where(spread > 0.0, spread, 1.0))
    return Scaling(location, scale)


def _mean(values: Array) -> Array:
    """Return the mean of the known values of each row; 0 where there are none."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.asarray(total / np.maximum(known.sum(axis=1), 1), dtype=np.float64)


def _complete(known: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Return at each place whether the next ``length`` values are known, (S, T - length + 1)."""
    lack = np.cumsum(~known, axis=1)
    before = np.pad(lack, ((0, 0), (1, 0)))
    return np.asarray(before[:, length:] == before[:, :-length], dtype=np.bool_)
