"""PatchTST: a transformer over patches of single series (Nie et al. 2023).

Nie, Nguyen, Sinthong & Kalagnanam, A time series is worth 64 words, ICLR 2023, arXiv:2211.14730.
Written from section 3.1 and appendix A.1 of the paper.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


def patches(past: Tensor, length: int, stride: int) -> Tensor:
    """Return overlapping patches of windows (n, L), as (n, (L - length) // stride + 2, length).

    The last value is repeated ``stride`` times first, so that the last patch ends beyond L.
    """
    padded = functional.pad(past[:, None], (0, stride), mode="replicate")[:, 0]
    return padded.unfold(1, length, stride)


class _EncoderLayer(nn.Module):
    """Attention and a feed-forward net, each added to its input, then normalised over the batch."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width)
        )
        self.dropout = nn.Dropout(dropout)
        self.norms = nn.ModuleList([nn.BatchNorm1d(width), nn.BatchNorm1d(width)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, patches, width) onto the same shape."""
        attention, feed = self.norms
        x = _normalised(attention, x + self.dropout(self._attend(x)))
        return _normalised(feed, x + self.dropout(self.feed_forward(x)))

    def _attend(self, x: Tensor) -> Tensor:
        n, count, width = x.shape
        split = self.project(x).view(n, count, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        made: Tensor = self.merge(mixed.transpose(1, 2).reshape(n, count, width))
        return made


def _normalised(norm: nn.Module, x: Tensor) -> Tensor:
    """Normalise each feature over windows and patches together."""
    made: Tensor = norm(x.reshape(-1, x.shape[-1])).reshape(x.shape)
    return made


class PatchTransformer(nn.Module):
    """Forecast every series by itself, with weights that all share.

    Stands inside ``RevIN``, whose instance normalisation is the paper's.

    Args:
        look_back: L, values of a window.
        horizon: H, values to forecast.
        patch: values of a patch.
        stride: from one patch to the next.
        width: of the embedding of a patch.
        heads: of the attention; divides ``width``.
        hidden: width of the feed-forward nets.
        layers: of the encoder.
        dropout: share of activations that training drops.
    """

    def __init__(
        self,
        look_back: int,
        horizon: int,
        *,
        patch: int,
        stride: int,
        width: int,
        heads: int,
        hidden: int,
        layers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.patch, self.stride = patch, stride
        count = (look_back - patch) // stride + 2
        self.embed = nn.Linear(patch, width)
        self.position = nn.Parameter(torch.empty(count, width).uniform_(-0.02, 0.02))
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.Sequential(
            *(_EncoderLayer(width, heads, hidden, dropout) for _ in range(layers))
        )
        self.head = nn.Linear(count * width, horizon)

    def forward(self, past: Tensor) -> Tensor:
        """Return forecasts (n, H) of windows (n, L)."""
        embedded = self.embed(patches(past, self.patch, self.stride)) + self.position
        made: Tensor = self.head(self.encoder(self.dropout(embedded)).flatten(1))
        return made
