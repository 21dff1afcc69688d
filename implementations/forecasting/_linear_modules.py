"""The linear forecasters as torch modules: (B, L) to (B, H), one map for all series."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_EPSILON = 1e-5
"""Added to RevIN's variance: a constant context is divided by 0.003 instead of 0."""


class DLinear(nn.Module):
    """Linear maps of a moving average and of what it leaves, added (Zeng et al. 2023, section 4).

    Args:
        look_back: L.
        horizon: H.
        kernel: length of the moving average; ends are padded with the first and the last value.
    """

    def __init__(self, look_back: int, horizon: int, kernel: int) -> None:
        super().__init__()
        self._before, self._after = (kernel - 1) // 2, kernel // 2
        self._average = nn.AvgPool1d(kernel, stride=1)
        self.trend, self.rest = nn.Linear(look_back, horizon), nn.Linear(look_back, horizon)

    def forward(self, x: Tensor) -> Tensor:
        """Return the forecasts."""
        padded = nn.functional.pad(x[:, None], (self._before, self._after), mode="replicate")
        average = self._average(padded)[:, 0]
        return self.trend(average) + self.rest(x - average)  # type: ignore[no-any-return]


class NLinear(nn.Module):
    """A linear map of differences to the last value (Zeng et al. 2023, section 4)."""

    def __init__(self, look_back: int, horizon: int) -> None:
        super().__init__()
        self.map = nn.Linear(look_back, horizon)

    def forward(self, x: Tensor) -> Tensor:
        """Return the forecasts."""
        last = x[:, -1:]
        return self.map(x - last) + last  # type: ignore[no-any-return]


class RevIN(nn.Module):
    """Reversible instance normalisation around a module (Kim et al. 2022), without affine weights.

    Those are one pair for each series in the original; here series share everything.
    """

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor, *place: Tensor) -> Tensor:
        """Return the forecasts."""
        mean = x.mean(dim=1, keepdim=True)
        scale = (x.var(dim=1, keepdim=True, correction=0) + _EPSILON).sqrt()
        return self.inside((x - mean) / scale, *place) * scale + mean  # type: ignore[no-any-return]


class Fits(nn.Module):
    """A complex linear map from the low frequencies of L values to those of L + H (Xu et al.).

    Args:
        look_back: L.
        horizon: H.
        cut: C, frequencies that are kept, the mean among them.
    """

    def __init__(self, look_back: int, horizon: int, cut: int) -> None:
        super().__init__()
        self._look_back, self._horizon = look_back, horizon
        self._cut = min(cut, look_back // 2 + 1)
        self._ratio = (look_back + horizon) / look_back
        out = min(int(self._cut * self._ratio), (look_back + horizon) // 2 + 1)
        bound = self._cut**-0.5
        self.weight = nn.Parameter(torch.empty(2, self._cut, out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(2, out))

    def forward(self, x: Tensor) -> Tensor:
        """Return the forecasts."""
        low = torch.fft.rfft(x, dim=1)[:, : self._cut]
        high = low @ torch.complex(self.weight[0], self.weight[1])
        high = high + torch.complex(self.bias[0], self.bias[1])
        # irfft pads with zeros, and divides by L + H where rfft left a factor of L.
        whole: Tensor = torch.fft.irfft(high, n=self._look_back + self._horizon, dim=1)
        return whole[:, self._look_back :] * self._ratio


class SparseTsf(nn.Module):
    """The same map for each phase of a period, from its past to its next values (Lin et al. 2024).

    What is older than a whole number of periods is not looked at. The mean of the context is
    subtracted, and a convolution over one period, added to the values, smooths them first.

    Args:
        look_back: L, at least ``period``.
        horizon: H.
        period: w.
    """

    _band: Tensor
    _inside: Tensor

    def __init__(self, look_back: int, horizon: int, period: int) -> None:
        super().__init__()
        self._horizon, self._period, self._half = horizon, period, period // 2
        self._used = look_back // period * period
        bound = (2 * self._half + 1) ** -0.5
        self.kernel = nn.Parameter(torch.empty(2 * self._half + 1).uniform_(-bound, bound))
        self.map = nn.Linear(look_back // period, -(-horizon // period), bias=False)
        # A convolution with one channel is slow; as a product with a banded matrix it is not.
        band = torch.arange(period + 2 * self._half)[:, None] - torch.arange(period)
        self.register_buffer("_inside", (band >= 0) & (band <= 2 * self._half), persistent=False)
        self.register_buffer("_band", band.clamp(0, 2 * self._half), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the forecasts."""
        x = x[:, -self._used :]
        mean = x.mean(dim=1, keepdim=True)
        x = x - mean
        around = nn.functional.pad(x, (self._half, self._half))
        around = around.unfold(1, self._period + 2 * self._half, self._period)
        smooth = around @ (self.kernel[self._band] * self._inside)
        phases = x.reshape(len(x), -1, self._period) + smooth
        made = (self.map.weight @ phases).flatten(1)
        return made[:, : self._horizon] + mean


class CycleNet(nn.Module):
    """A learnt cycle of each series, taken out before a map and added after (Lin et al. 2024).

    Stands inside ``RevIN``: cycles are in units of a context's standard deviation.

    Args:
        series: S.
        cycle: W, its length; position 0 is column 0 of the history.
        backbone: maps (B, L) to (B, H).
        look_back: L.
        horizon: H.
    """

    _steps: Tensor

    def __init__(
        self, series: int, cycle: int, backbone: nn.Module, look_back: int, horizon: int
    ) -> None:
        super().__init__()
        self.cycles, self.backbone = nn.Parameter(torch.zeros(series, cycle)), backbone
        self._look_back = look_back
        self.register_buffer("_steps", torch.arange(look_back + horizon), persistent=False)

    def forward(self, x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
        """Return the forecasts of contexts of series ``rows`` that begin at ``columns``."""
        phase = (columns[:, None] + self._steps) % self.cycles.shape[1]
        cycle = self.cycles[rows[:, None], phase]
        L = self._look_back
        return self.backbone(x - cycle[:, :L]) + cycle[:, L:]  # type: ignore[no-any-return]
