"""Networks that read digits row by row: norm-constrained transformers, recurrent networks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import unknown
from tiltyard.family import problem
from tiltyard.suites.lipschitz._trained import FULL_POINTS, MEANS, PIXELS, each, of_seed, scaled
from tiltyard.suites.lipschitz.attention import Attention
from tiltyard.suites.lipschitz.layers import (
    Activation,
    Array,
    Dense,
    Layer,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

TRANSFORMERS = ("muon-cap", "muon-decay", "adamw-cap", "adamw-decay")
RECURRENT = ("input-convex", "plain")
GELU = 1.1289041
"""What training divided GELU by: about its Lipschitz constant, 1.12890415."""


@problem(
    suite="lipschitz",
    track="transformer",
    datasets=("sequence-networks",),
    tiers={
        "smoke": [{}],
        "standard": each("network", TRANSFORMERS),
    },
)
def digits_transformer(
    _rng: np.random.Generator,
    data: Arrays,
    *,
    network: str = "muon-cap",
    seed: int = 0,
    radius: float = 1.0,
) -> LipschitzProblem:
    """A transformer of two blocks that reads digits as eight tokens of eight pixels.

    Its outputs are ten logits a token, of which the prediction is the mean. ``network`` names the
    optimiser and what kept weights small: a cap on singular values, or weight decay. The region is
    every sequence whose tokens have a root mean square of at most ``radius``; 1 admits all images.
    """
    weights = _of(
        data, f"transformer-{network}", seed, tuple(f"transformer-{t}" for t in TRANSFORMERS)
    )
    f = transformer(weights)
    return LipschitzProblem(
        network=f,
        track="transformer",
        norm="max-rms",
        region="tokens",
        radius=radius,
        tokens=8,
        outputs="ten logits of every token",
        input_scaling=PIXELS,
        points=scaled(data["points"][:FULL_POINTS], 64),
    )


@problem(
    suite="lipschitz",
    track="global-l2",
    datasets=("sequence-networks",),
    tiers={"standard": each("network", RECURRENT)},
)
def digits_recurrent(
    _rng: np.random.Generator,
    data: Arrays,
    *,
    network: str = "input-convex",
    seed: int = 0,
) -> LipschitzProblem:
    """An unrolled recurrent network of 16 units that reads digits as four rows of four pixels.

    Rows that wait for their turn pass through the ReLU of the steps before, which changes nothing
    where pixels are not negative. ``input-convex`` has weights of at least 0 and of spectral norm
    at most 1 (Wang, Yu & Wu 2024, arXiv:2401.07494); ``plain`` is free.
    """
    weights = _of(data, f"recurrent-{network}", seed, tuple(f"recurrent-{r}" for r in RECURRENT))
    return LipschitzProblem(
        network=unrolled(weights, 4),
        track="global-l2",
        norm="l2",
        region="global",
        input_scaling=MEANS,
        points=scaled(data["points"][:FULL_POINTS], 16),
    )


def transformer(weights: Mapping[str, Array]) -> Network:
    """Return the transformer of stored weights; see ``tiltyard.datasets._train_sequences``."""
    positions = weights["positions"]
    tokens = len(positions)
    embed = np.kron(np.eye(tokens), weights["embed"]).astype(np.float64)
    layers: list[Layer] = [Dense(embed, positions.ravel())]
    blocks = 1 + max(int(name[0]) for name in weights if name[0].isdecimal())
    share = 1.0 / (2 * blocks)
    for b in range(blocks):
        branches = (_mixing(weights, b, tokens), _perceptron(weights, b, tokens))
        factors = (1.0 / 3.0, 1.0)
        layers += [
            Residual(branch, 1.0 - share, share * factor)
            for branch, factor in zip(branches, factors, strict=True)
        ]
    layers.append(PerToken(_linear(weights["readout"]), tokens))
    return Network(embed.shape[1], tuple(layers))


def _mixing(weights: Mapping[str, Array], block: int, tokens: int) -> tuple[Layer, ...]:
    heads = sum(name.startswith(f"{block}.") and name.endswith(".q") for name in weights)
    query, key, value, output = (
        np.stack([weights[f"{block}.{h}.{part}"] for h in range(heads)]) for part in "qkvo"
    )
    scale = 1.0 / query.shape[1]
    return (Attention(query, key, value, output / heads, tokens, scale, causal=False),)


def _perceptron(weights: Mapping[str, Array], block: int, tokens: int) -> tuple[Layer, ...]:
    return (
        PerToken(_linear(weights[f"{block}.up"]), tokens),
        Activation("gelu"),
        PerToken(_linear(weights[f"{block}.down"] / GELU), tokens),
    )


def _linear(weight: Array) -> Dense:
    return Dense(weight, np.zeros(len(weight)))


def unrolled(weights: Mapping[str, Array], steps: int) -> Network:
    """Return the recurrent network h <- relu(U [x, 1 - x] + W h + b) of ``steps`` rows, then V h.

    Between two steps the entries are the state and the rows that are still to come.
    """
    U, W, b = weights["input"], weights["state"], weights["bias"]
    units, size = len(U), U.shape[1] // 2
    # U [x, 1 - x] = (U_1 - U_2) x + U_2 1
    slope, shift = U[:, :size] - U[:, size:], b + U[:, size:].sum(axis=1)
    layers: list[Layer] = []
    for step in range(steps):
        left = (steps - step - 1) * size
        state = units if step else 0
        matrix = np.zeros((units + left, state + size + left))
        matrix[:units, :state] = W[:, :state]
        matrix[:units, state : state + size] = slope
        matrix[units:, state + size :] = np.eye(left)
        layers += [
            Dense(matrix, np.concatenate([shift, np.zeros(left)])),
            Activation("relu"),
        ]
    layers.append(Dense(weights["output"], weights["shift"]))
    return Network(steps * size, tuple(layers))


def _of(data: Arrays, name: str, seed: int, known: tuple[str, ...]) -> dict[str, Array]:
    """Return the weights of one training seed, in float64.

    Raises:
        TiltyardError: there is no such network, or no such seed.
    """
    if name not in known:
        raise unknown("network", name.partition("-")[2], [one.partition("-")[2] for one in known])
    return {key: array.astype(np.float64) for key, array in of_seed(data, name, seed).items()}
