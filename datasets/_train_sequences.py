"""Trains the sequence networks: ``python -m tiltyard.datasets._train_sequences DIR``.

Transformers whose weights are norm-constrained in training (Newhouse et al. 2025,
arXiv:2507.13338), and recurrent networks that are input-convex and Lipschitz (Wang, Yu & Wu 2024,
arXiv:2401.07494) beside plain ones. All read scikit-learn's digits row by row; every fifth digit is
for testing. Another CPU may give other weights: the file is what counts. Parameters are rounded to
float32, after which the norms that training kept to hold to that precision.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn.functional import cross_entropy, gelu

from tiltyard.suites.lipschitz.sequences import GELU

SEEDS = range(5)
POINTS = 100
TOKENS, WIDTH, HEADS, HIDDEN, BLOCKS = 8, 16, 2, 32, 2
# Steps by rows of an image: transformers read eight, recurrent networks four.
STEPS, BATCH = {8: 600, 4: 1500}, 128
CAP = 2.0
"""The largest norm, from root mean square to root mean square, of a capped weight."""

DECAY = 0.05
"""What the learning rate is multiplied by for the share of a weight that a step takes away."""

RATE = {
    ("muon", "cap"): 0.1,
    ("muon", "decay"): 0.05,
    ("adamw", "cap"): 0.05,
    ("adamw", "decay"): 0.05,
}
"""The most accurate of 0.005 to 0.1, by seed 0."""

Weights = dict[str, Tensor]
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def transformer_weights(seed: int) -> Weights:
    """Return orthogonal weights, of norm 1 from root mean square to root mean square."""
    torch.manual_seed(seed)
    head = WIDTH // HEADS
    shapes = {"embed": (WIDTH, 8), "readout": (10, WIDTH)}
    for b in range(BLOCKS):
        shapes |= {f"{b}.{h}.{name}": (head, WIDTH) for h in range(HEADS) for name in "qkv"}
        shapes |= {f"{b}.{h}.o": (WIDTH, head) for h in range(HEADS)}
        shapes |= {f"{b}.up": (HIDDEN, WIDTH), f"{b}.down": (WIDTH, HIDDEN)}
    weights = {name: _unit(torch.randn(shape)) for name, shape in shapes.items()}
    weights["positions"] = torch.zeros(TOKENS, WIDTH)
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def transformer(weights: Weights, x: Tensor) -> Tensor:
    """Return the (batch, 10) mean over tokens of the logits; x is (batch, tokens, 8)."""
    z = x @ weights["embed"].T + weights["positions"]
    share = 1.0 / (2 * BLOCKS)
    head = WIDTH // HEADS
    for b in range(BLOCKS):
        mixed = torch.zeros_like(z)
        for h in range(HEADS):
            q, k, v = (z @ weights[f"{b}.{h}.{name}"].T for name in "qkv")
            mixed = mixed + (q @ k.mT / head).softmax(dim=2) @ v @ weights[f"{b}.{h}.o"].T / HEADS
        z = (1 - share) * z + share * mixed / 3.0
        inner = gelu(z @ weights[f"{b}.up"].T) / GELU
        z = (1 - share) * z + share * inner @ weights[f"{b}.down"].T
    logits: Tensor = (z @ weights["readout"].T).mean(dim=1)
    return logits


def recurrent_weights(seed: int) -> Weights:
    """Return the weights of a recurrent network of 16 units on four rows of four pixels."""
    torch.manual_seed(seed)
    shapes = {"input": (16, 8), "state": (16, 16), "output": (10, 16)}
    weights = {name: torch.rand(shape) / shape[1] for name, shape in shapes.items()}
    weights |= {"bias": torch.zeros(16), "shift": torch.zeros(10)}
    return {name: weight.requires_grad_() for name, weight in weights.items()}


def recurrent(weights: Weights, x: Tensor) -> Tensor:
    """Return the (batch, 10) logits: h <- relu(U [x, 1 - x] + W h + b) row by row, then V h + c."""
    state = x.new_zeros(len(x), 16)
    for row in x.unbind(dim=1):
        both = torch.cat([row, 1.0 - row], dim=1)
        state = (both @ weights["input"].T + state @ weights["state"].T + weights["bias"]).relu()
    return state @ weights["output"].T + weights["shift"]


def _unit(weight: Tensor) -> Tensor:
    """Return the orthogonal factor, times the square root of outputs over inputs."""
    u, _, v = torch.linalg.svd(weight, full_matrices=False)
    unit: Tensor = (len(weight) / weight.shape[1]) ** 0.5 * u @ v
    return unit


def _capped(weight: Tensor, largest: float) -> Tensor:
    """Return the weight with its singular values cut to ``largest``."""
    u, s, v = torch.linalg.svd(weight, full_matrices=False)
    capped: Tensor = u @ (s.clamp(max=largest)[:, None] * v)
    return capped


def _orthogonalised(update: Tensor) -> Tensor:
    """Return about the orthogonal factor, by five Newton-Schulz steps (Jordan et al. 2024)."""
    a, b, c = NEWTON_SCHULZ
    x = update / (update.norm() + 1e-7)
    if flip := len(x) > x.shape[1]:
        x = x.T
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    made: Tensor = x.T if flip else x
    return made


class Muon:
    """Momentum steps of orthogonalised length for matrices; positions step by sign."""

    def __init__(self, weights: Weights, rate: float) -> None:
        self._weights, self._rate = weights, rate
        self._momentum = {name: torch.zeros_like(weight) for name, weight in weights.items()}

    def step(self, left: float) -> None:
        """Step, with the learning rate times ``left``."""
        for name, weight in self._weights.items():
            gradient = weight.grad
            assert gradient is not None  # noqa: S101 - every weight is used
            momentum = self._momentum[name].mul_(0.95).add_(gradient)
            ahead = gradient + 0.95 * momentum
            if name == "positions":
                weight.data -= 0.1 * self._rate * left * ahead.sign()
            else:
                scale = (len(weight) / weight.shape[1]) ** 0.5
                weight.data -= self._rate * left * scale * _orthogonalised(ahead)
            weight.grad = None


class AdamW:
    """Adam; decay of weights is the caller's."""

    def __init__(self, weights: Weights, rate: float) -> None:
        self._adam = torch.optim.Adam(weights.values(), lr=rate, betas=(0.9, 0.95))
        self._rate = rate

    def step(self, left: float) -> None:
        """Step, with the learning rate times ``left``."""
        for group in self._adam.param_groups:
            group["lr"] = self._rate * left
        self._adam.step()
        self._adam.zero_grad()


def _cap(weights: Weights) -> None:
    for name, weight in weights.items():
        if name == "positions":  # a token is at most 1 + 1 long
            rms = weight.data.pow(2).mean(dim=1, keepdim=True).sqrt()
            weight.data /= rms.clamp(min=1.0)
        else:
            weight.data = _capped(weight.data, CAP * (len(weight) / weight.shape[1]) ** 0.5)


def _decay(rate: float) -> Callable[[Weights], None]:
    def shrink(weights: Weights) -> None:
        for weight in weights.values():
            weight.data *= 1.0 - rate * DECAY

    return shrink


def _convex(weights: Weights) -> None:
    """Weights are at least 0, of spectral norm at most 1."""
    for name in ("input", "state", "output"):
        weight = weights[name].data.clamp(min=0.0)
        weights[name].data = weight / torch.linalg.matrix_norm(weight, 2).clamp(min=1.0)


def _free(weights: Weights) -> None:
    """Nothing is asked of a plain network."""


def rows(side: int) -> tuple[Tensor, Tensor, np.ndarray]:
    """Return the digits as sequences of rows, their labels, and which are for testing."""
    pixels, y = load_digits(return_X_y=True)
    x = pixels.reshape(-1, 8, 8) / 16.0
    if side == 4:
        x = x.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    test = np.arange(len(x)) % 5 == 0
    return torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y), test


def recipes() -> Iterator[tuple[str, Callable[[int], tuple[Weights, float]]]]:
    """Yield the networks' names, and what trains one and returns its accuracy on the test rows."""
    for (optimiser, name), rate in RATE.items():
        step = Muon if optimiser == "muon" else AdamW
        keep = _cap if name == "cap" else _decay(rate)
        yield f"transformer-{optimiser}-{name}", _trainer(8, partial(step, rate=rate), keep, 1.0)
    for name, keep in (("input-convex", _convex), ("plain", _free)):
        # The loss of a network of bounded slope needs sharper logits.
        sharpness = 20.0 if keep is _convex else 1.0
        yield f"recurrent-{name}", _trainer(4, partial(AdamW, rate=0.005), keep, sharpness)


def _trainer(
    side: int,
    optimiser: Callable[[Weights], Muon | AdamW],
    keep: Callable[[Weights], None],
    sharpness: float,
) -> Callable[[int], tuple[Weights, float]]:
    x, y, test = rows(side)
    start, network = (
        (transformer_weights, transformer) if side == 8 else (recurrent_weights, recurrent)
    )

    def train(seed: int) -> tuple[Weights, float]:
        weights = start(seed)
        made = optimiser(weights)
        learnt = np.flatnonzero(~test)
        for step in range(STEPS[side]):
            batch = learnt[torch.randint(len(learnt), (BATCH,)).numpy()]
            cross_entropy(sharpness * network(weights, x[batch]), y[batch]).backward()  # type: ignore[no-untyped-call]
            made.step(1.0 - step / STEPS[side])
            keep(weights)
        with torch.no_grad():
            right = network(weights, x[test]).argmax(dim=1) == y[test]
        return weights, float(right.double().mean())

    return train


def main(folder: Path) -> None:
    """Write ``sequence_networks.npz`` into the folder."""
    torch.use_deterministic_algorithms(mode=True)
    torch.set_num_threads(1)
    arrays: dict[str, np.ndarray] = {}
    for name, train in recipes():
        made = [train(seed) for seed in SEEDS]
        print(name, [round(accuracy, 3) for _, accuracy in made])  # noqa: T201
        for key in made[0][0]:
            stacked = np.stack([weights[key].detach().numpy() for weights, _ in made])
            arrays[f"{name}/{key}"] = stacked.astype(np.float32)
        arrays[f"{name}/accuracy"] = np.array([accuracy for _, accuracy in made])
    x, _, test = rows(8)
    arrays["points"] = np.round(16 * x[test][:POINTS].numpy()).astype(np.uint8).reshape(-1, 64)
    np.savez_compressed(folder / "sequence_networks.npz", **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
