"""A sparsely gated mixture of small nets: each window goes to its top-k experts alone.

Shazeer et al., Outrageously large neural networks, ICLR 2017, arXiv:1701.06538, without the noise
of their gate; the balancing loss is that of Fedus, Zoph & Shazeer, Switch transformers, JMLR 2022,
arXiv:2101.03961, equations 4 to 6, for k experts a window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def imbalance(logits: Tensor, chosen: Tensor) -> Tensor:
    """Return the load-balancing loss: E times the sum of shares chosen times mean probability.

    It is 1 where all experts are chosen equally often, and E where one takes all.

    Args:
        logits: (n, E) of the router.
        chosen: (n, k) the experts of each window.
    """
    experts = logits.shape[1]
    share = torch.bincount(chosen.reshape(-1), minlength=experts) / chosen.numel()
    return experts * (share * logits.softmax(dim=1).mean(dim=0)).sum()


class RoutedMixture(nn.Module):
    """Forecast every series by itself with the experts that a linear router picks.

    Stands inside ``RevIN``.

    Attributes:
        penalty: of the last windows, which training adds to its loss.

    Args:
        look_back: L, values of a window.
        horizon: H, values to forecast.
        experts: E, perceptrons with one hidden layer of ReLU.
        hidden: their width.
        top: k, experts for each window.
        balance: weight of the load-balancing loss in ``penalty``.
    """

    def __init__(
        self,
        look_back: int,
        horizon: int,
        *,
        experts: int,
        hidden: int,
        top: int,
        balance: float = 0.01,
    ) -> None:
        super().__init__()
        self.top, self._balance = top, balance
        self.penalty = torch.zeros(())
        self.router = nn.Linear(look_back, experts)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(look_back, hidden), nn.ReLU(), nn.Linear(hidden, horizon))
            for _ in range(experts)
        )

    def route(self, past: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the router's logits (n, E), the experts chosen (n, k) and their weights (n, k).

        Weights are a softmax over the chosen experts' logits alone.
        """
        logits: Tensor = self.router(past)
        best, chosen = logits.topk(self.top, dim=1)
        return logits, chosen, best.softmax(dim=1)

    def forward(self, past: Tensor) -> Tensor:
        """Return forecasts (n, H) of windows (n, L)."""
        logits, chosen, weights = self.route(past)
        self.penalty = self._balance * imbalance(logits, chosen)
        # Sorted by expert, each is asked once, for its own windows alone.
        order = chosen.reshape(-1).argsort(stable=True)
        counts = torch.bincount(chosen.reshape(-1), minlength=len(self.experts)).tolist()
        inputs = torch.split(past[order // self.top], counts)
        pairs = zip(self.experts, inputs, strict=True)
        outputs = torch.cat([expert(rows) for expert, rows in pairs if len(rows)])
        mixed = outputs[order.argsort()].view(len(past), self.top, -1)
        return (weights[:, :, None] * mixed).sum(dim=1)
