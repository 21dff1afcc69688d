"""Quantiles from residuals on validation windows: split conformal prediction for each step ahead.

Vovk, Gammerman & Shafer (2005); Lei et al., "Distribution-free predictive inference for regression"
(2018, arXiv:1604.04173), signed residuals instead of absolute ones, relative to a scale of what is
known when the forecast is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_FEWEST = 20
"""Residuals of one step ahead; with fewer, those of all steps are one sample."""


class ResidualQuantiles:
    """Adds empirical quantiles of scaled residuals to a point forecast; they never cross.

    Of n residuals, level q > 1/2 takes the ceil((n + 1) q)-th smallest, level q < 1/2 the
    floor((n + 1) q)-th, and 1/2 the median, with ranks kept within 1 and n: at least q of the
    values of exchangeable windows lie below an upper quantile once n >= q / (1 - q).

    Args:
        levels: ascending, between 0 and 1.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self._levels = np.asarray(levels, dtype=np.float64)
        self.offsets: Array = np.zeros((len(self._levels), 1))

    def fit(self, residuals: Array, scales: Array) -> Self:
        """Keep the quantiles of ``residuals / scales``; return self.

        Args:
            residuals: (N, H), value minus point forecast; NaN where the value is missing.
            scales: (N,), of the windows' contexts; windows of scale 0 do not count.
        """
        use = scales > 0.0
        relative = residuals[use] / scales[use, None]
        if relative.size and np.isfinite(relative).sum(axis=0).min() < _FEWEST:
            relative = relative.reshape(-1, 1)
        self.offsets = np.stack([self._quantiles(column) for column in relative.T], axis=1)
        return self

    def __call__(self, point: Array, scales: Array) -> Array:
        """Return the quantiles, (S, levels, H).

        Args:
            point: (S, H), the point forecasts.
            scales: (S,), of their contexts, as in ``fit``.
        """
        return point[:, None, :] + scales[:, None, None] * self.offsets

    def _quantiles(self, sample: Array) -> Array:
        ordered = np.sort(sample[np.isfinite(sample)])
        n = len(ordered)
        if not n:
            return np.zeros(len(self._levels))
        rank = (n + 1) * self._levels
        # The products of decimal levels are off by an ulp: (n + 1) q may be meant to be whole.
        upper, lower = np.ceil(rank - 1e-9), np.floor(rank + 1e-9)
        k = np.where(self._levels > 0.5, upper, lower).clip(1, n).astype(np.intp)
        made: Array = ordered[k - 1]
        made[self._levels == 0.5] = np.median(ordered)
        return made


def context_scales(x: Array, season: int) -> Array:
    """Return the mean absolute seasonal difference of each context, (N,).

    Where that is 0, or a context is no longer than a season, it is that of neighbouring values; a
    constant context has scale 0.

    Args:
        x: (N, L), contexts without gaps.
        season: values in a season.
    """
    length = x.shape[1]
    if length < 2:
        return np.zeros(len(x))
    near: Array = np.abs(np.diff(x, axis=1)).mean(axis=1)
    if length <= season:
        return near
    seasonal = np.abs(x[:, season:] - x[:, :-season]).mean(axis=1)
    return np.where(seasonal > 0.0, seasonal, near)
