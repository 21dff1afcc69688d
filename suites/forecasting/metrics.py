"""Sums of forecast errors over each window, and the seasonal errors that they are divided by.

Missing labels are NaN and count nowhere. The sums of many windows and series are enough for every
metric of the suite, see ``scores``; the forecasts themselves are not.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.forecasting.panel import Array

_TINY = np.finfo(np.float64).tiny


class SeasonalErrors(NamedTuple):
    """How far values of the past are from those of one season before, (W, S) each.

    NaN where the past has no two values so far apart.

    Attributes:
        mean: of the absolute differences; those of neighbours, as in ``gluonts.ev``, where the
            past, from the first known value on, is shorter than a season.
        rms: the root of the mean squared difference.
    """

    mean: Array
    rms: Array


def seasonal_errors(values: Array, season: int, nows: NDArray[np.int64]) -> SeasonalErrors:
    """Return the seasonal errors of the past of each window.

    Args:
        values: (S, T), NaN where missing or not begun.
        season: values in a season.
        nows: (W,) the columns at which the windows begin, ascending; the past is what is before.
    """
    known = ~np.isnan(values)
    begun = np.where(known.any(axis=1), known.argmax(axis=1), values.shape[1])
    short = season > nows[:, None] - begun
    count, absolute, squared = _differences(values, season, nows)
    with np.errstate(invalid="ignore"):
        mean, rms = absolute / count, np.sqrt(squared / count)
        if short.any():
            count, absolute, _ = _differences(values, 1, nows)
            mean = np.where(short, absolute / count, mean)
    return SeasonalErrors(mean, rms)


def point_sums(y: Array, point: Array, location: Array, scale: Array) -> dict[str, Array]:
    """Return sums over the horizon of what point forecasts miss, each of shape (..., S).

    ``count`` known labels; ``absolute`` and ``squared`` errors; the ``size`` of raw labels, that is
    absolute values; and ``symmetric``: raw absolute errors over the sizes of label and forecast
    together, where 0 over 0 is 0, as in ``utilsforecast``.

    Args:
        y: (..., S, H) labels.
        point: (..., S, H) forecasts.
        location: (S,) and ``scale``: raw values are ``location + scale * values``.
        scale: see above.
    """
    error = y - point
    missing = np.isnan(error)
    some = bool(missing.any())
    if some:
        error[missing] = 0.0
    squared = np.einsum("...h,...h->...", error, error)
    np.abs(error, out=error)
    sizes, together = _raw(y, location, scale), _raw(point, location, scale)
    np.abs(sizes, out=sizes)
    np.abs(together, out=together)
    if some:
        sizes[missing] = 0.0
    together += sizes
    np.maximum(together, _TINY, out=together)
    return {
        "count": error.shape[-1] - missing.sum(axis=-1, dtype=np.float64),
        "absolute": error.sum(axis=-1),
        "squared": squared,
        "size": sizes.sum(axis=-1),
        "symmetric": scale * np.divide(error, together, out=together).sum(axis=-1),
    }


def quantile_sums(y: Array, quantiles: Array, levels: tuple[float, ...]) -> dict[str, Array]:
    """Return sums over the horizon of what quantile forecasts miss, each of shape (..., S).

    ``quantile``: twice the quantile loss, summed over the levels. Of the interval from the lowest
    level to the highest: labels ``inside``, and the ``interval`` score of Gneiting and Raftery
    (2007, eq. 43), doi:10.1198/016214506000001437, as given even if the ends are crossed.

    Args:
        y: (..., S, H) labels.
        quantiles: (..., S, Q, H) forecasts.
        levels: of the quantiles, ascending.
    """
    missing = np.isnan(y)
    some = bool(missing.any())
    width = quantiles[..., -1, :] - quantiles[..., 0, :]
    inside = ~missing
    if some:
        width[missing] = 0.0
    alpha = levels[0] + 1.0 - levels[-1]
    outside, loss = np.zeros(y.shape[:-1]), np.zeros(y.shape[:-1])
    above = np.empty(y.shape)
    for place, level in enumerate(levels):  # one at a time, so that it stays in the cache
        np.subtract(y, quantiles[..., place, :], out=above)
        if some:
            above[missing] = 0.0
        if place == 0:
            inside &= above >= 0.0
            outside -= np.minimum(above, 0.0).sum(axis=-1)
        if place == len(levels) - 1:
            inside &= above <= 0.0
            outside += np.maximum(above, 0.0).sum(axis=-1)
        # Twice the loss, 2 max(q d, (q - 1) d), is |d| + (2 q - 1) d.
        loss += (2.0 * level - 1.0) * above.sum(axis=-1)
        loss += np.abs(above, out=above).sum(axis=-1)
    return {
        "quantile": loss,
        "inside": inside.sum(axis=-1, dtype=np.float64),
        "interval": width.sum(axis=-1) + 2.0 / alpha * outside,
    }


def _differences(values: Array, lag: int, nows: NDArray[np.int64]) -> tuple[Array, ...]:
    """Return how many pairs the past holds, and their absolute and squared differences, (W, S)."""
    last = int(nows[-1])
    apart = np.abs(values[:, lag:last] - values[:, : max(last - lag, 0)])
    missing = np.isnan(apart)
    apart[missing] = 0.0
    ends = np.maximum(nows - lag, 0)
    return tuple(_running(one, ends) for one in (~missing, apart, apart * apart))


def _running(values: NDArray[np.generic], ends: NDArray[np.int64]) -> Array:
    """Return the sums of each row's values before each of the ascending ends, (W, S)."""
    first = int(ends[0])
    head = values[:, :first].sum(axis=1, dtype=np.float64)
    tail = np.zeros((len(values), values.shape[1] - first + 1))
    np.cumsum(values[:, first:], axis=1, out=tail[:, 1:])
    sums: Array = head[:, None] + tail[:, ends - first]
    return sums.T


def _raw(values: Array, location: Array, scale: Array) -> Array:
    raw: Array = location[:, None] + scale[:, None] * values
    return raw
