"""Trains Super-Linear's gate and its complementary experts, by Adam."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tiltyard.implementations.forecasting._super_linear_experts import spectra
from tiltyard.implementations.forecasting._super_linear_shape import BLOCK, LOOK_BACK
from tiltyard.implementations.forecasting._super_linear_weights import Weights

Array = NDArray[np.float64]

LEVELS = tuple(i / 10 for i in range(1, 10))

_HELD_OUT = 0.1


@dataclass(frozen=True, kw_only=True)
class Mixing:
    """How the gate is trained.

    Attributes:
        top_k: experts that share a window.
        epochs: passes over the windows.
        batch: windows of a step.
        rate: Adam's, of the gate; falls to 0 as a cosine.
        expert_rate: Adam's, of the complementary experts.
        noise: standard deviation of what is added to the gate's outputs in training.
    """

    top_k: int = 12
    epochs: int = 20
    batch: int = 256
    rate: float = 0.05
    expert_rate: float = 2e-3
    noise: float = 0.1


def mix(
    weights: Weights,
    windows: Array,
    counts: Array,
    mixing: Mixing,
    *,
    seed: int,
    report: Callable[[str], None],
) -> Weights:
    """Return the weights with a gate, with complementary experts trained on, and with quantiles.

    Minimised is the mean absolute error of normalised windows. A tenth of them is held out, for the
    quantiles of the errors.

    Args:
        weights: before.
        windows: (N, 608), normalised, in random order.
        counts: (N,), how much each window counts.
        mixing: see there.
        seed: of batches and noise.
        report: takes a line about each epoch.
    """
    data = torch.from_numpy(windows.astype(np.float32))
    spectrum = torch.from_numpy(spectra(windows[:, :LOOK_BACK]))
    count = torch.from_numpy((counts / counts.mean()).astype(np.float32))
    held = max(round(len(data) * _HELD_OUT), 1)
    model = _Model(weights, mixing.top_k)
    random = torch.Generator().manual_seed(seed)
    steps = mixing.epochs * -(-(len(data) - held) // mixing.batch)
    adam = torch.optim.Adam(
        [
            {"params": [model.gate, model.gate_bias], "lr": mixing.rate},
            {"params": [model.own, model.own_bias], "lr": mixing.expert_rate},
        ]
    )
    cosine = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda step: 0.5 * (1.0 + math.cos(math.pi * step / steps))
    )
    for epoch in range(mixing.epochs):
        order = held + torch.randperm(len(data) - held, generator=random)
        for first in range(0, len(order), mixing.batch):
            rows = order[first : first + mixing.batch]
            part = data[rows]
            noise = torch.randn((len(rows), len(model.gate)), generator=random)
            made = model(part[:, :LOOK_BACK], spectrum[rows], mixing.noise * noise)
            errors = (made - part[:, LOOK_BACK:]).abs().mean(dim=1)
            adam.zero_grad()
            torch.autograd.backward((errors * count[rows]).mean())
            adam.step()
            cosine.step()
        with torch.no_grad():
            made = model(data[:held, :LOOK_BACK], spectrum[:held])
        errors = data[:held, LOOK_BACK:] - made
        report(f"epoch {epoch + 1}: mean absolute error {errors.abs().mean():.4f} held out")
    return model.weights(torch.quantile(errors, torch.tensor(LEVELS), dim=0).numpy())


class _Model:
    """The mixture: frequency experts are given, the gate and the complementary experts learn."""

    def __init__(self, weights: Weights, top_k: int) -> None:
        given = len(weights.periods)
        self._before, self._top_k = weights, min(top_k, len(weights.gate_bias))
        self._matrix = _columns(torch.tensor(weights.expert_weight[:given]))
        self._bias = torch.tensor(weights.expert_bias[:given]).flatten()
        self.own = torch.tensor(weights.expert_weight[given:], requires_grad=True)
        self.own_bias = torch.tensor(weights.expert_bias[given:], requires_grad=True)
        self.gate = torch.tensor(weights.gate_weight, requires_grad=True)
        self.gate_bias = torch.tensor(weights.gate_bias, requires_grad=True)

    def __call__(self, x: Tensor, spectrum: Tensor, noise: Tensor | None = None) -> Tensor:
        """Return forecasts (B, 96) of normalised windows (B, 512)."""
        logits = spectrum @ self.gate.T + self.gate_bias
        values, chosen = (logits if noise is None else logits + noise).topk(self._top_k, dim=1)
        shares = torch.zeros_like(logits).scatter(1, chosen, values.softmax(dim=1))
        given = torch.addmm(self._bias, x, self._matrix)
        own = torch.addmm(self.own_bias.flatten(), x, _columns(self.own))
        experts = torch.cat([given, own], dim=1).view(len(x), -1, BLOCK)
        # The mean expert says 0, the naive one the last value.
        mixed: Tensor = torch.bmm(shares[:, None, 2:], experts)[:, 0] + shares[:, 1:2] * x[:, -1:]
        return mixed

    def weights(self, quantiles: NDArray[np.float32]) -> Weights:
        """Return what was learnt."""
        given = len(self._before.periods)
        before = self._before
        own, bias = self.own.detach().numpy(), self.own_bias.detach().numpy()
        return dataclasses.replace(
            before,
            expert_weight=np.concatenate([before.expert_weight[:given], own]),
            expert_bias=np.concatenate([before.expert_bias[:given], bias]),
            gate_weight=self.gate.detach().numpy(),
            gate_bias=self.gate_bias.detach().numpy(),
            residual_quantiles=quantiles,
        )


def _columns(weight: Tensor) -> Tensor:
    """Return matrices (E, 96, 512) as one, (512, 96 E)."""
    return weight.reshape(-1, LOOK_BACK).T
