"""Small networks and problems whose values are known, or cheap."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tiltyard.suites.lipschitz.attention import Attention
from tiltyard.suites.lipschitz.layers import (
    Activation,
    Conv2d,
    Dense,
    GroupSort,
    Householder,
    PerToken,
    Residual,
)
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

TRACKS = {"l2": "local-l2", "partial": "monotonicity", "max-rms": "transformer"}


def linear(weight):
    """Return x -> weight x."""
    weight = np.asarray(weight, dtype=float)
    return Network(weight.shape[1], (Dense(weight, np.zeros(len(weight))),))


def chain(*widths, activation="relu", seed=0):
    """Return a random chain; ``activation`` is a kind, or makes a layer of a width."""
    rng = np.random.default_rng(seed)
    layers = []
    for inputs, outputs in pairwise(widths):
        if layers:
            layers.append(
                Activation(activation) if isinstance(activation, str) else activation(inputs)
            )
        weight = rng.standard_normal((outputs, inputs)) * (2.0 / inputs) ** 0.5
        layers.append(Dense(weight, 0.1 * rng.standard_normal(outputs)))
    return Network(widths[0], tuple(layers))


def mirrors(width):
    """Return a Householder layer."""
    angles = np.random.default_rng(width).uniform(0.0, 6.0, width // 2)
    return Householder(np.stack([np.cos(angles), np.sin(angles)], axis=1))


def residual(seed=0):
    """Return a residual network of 4 inputs and 2 outputs."""
    inner = chain(4, 6, 4, seed=seed).layers
    return Network(4, (Residual(inner, 0.5, 0.5), *chain(4, 2, seed=seed + 1).layers))


def convolution(seed=0):
    """Return two convolutions of 8 x 8 images and a dense layer."""
    rng = np.random.default_rng(seed)
    return Network(
        64,
        (
            Conv2d(rng.standard_normal((3, 1, 3, 3)) / 3.0, np.zeros(3), (1, 8, 8), 2, 1),
            Activation("relu"),
            Conv2d(rng.standard_normal((4, 3, 3, 3)) / 5.0, np.zeros(4), (3, 4, 4), 2, 1),
            Activation("relu"),
            Dense(rng.standard_normal((5, 16)) / 4.0, np.zeros(5)),
        ),
    )


def transformer(tokens=3, d=4, seed=0):
    """Return a residual attention and a residual GELU layer, on every token alike."""
    rng = np.random.default_rng(seed)

    def draw(*shape):
        return rng.standard_normal(shape) / shape[-1] ** 0.5

    heads = draw(2, 2, d), draw(2, 2, d), draw(2, 2, d), draw(2, d, 2)
    return Network(
        tokens * d,
        (
            Residual((Attention(*heads, tokens, 0.5),)),
            Residual(
                (
                    PerToken(Dense(draw(8, d), draw(8)), tokens),
                    Activation("gelu"),
                    PerToken(Dense(draw(d, 8), draw(d)), tokens),
                )
            ),
        ),
    )


def problem(network, norm="linf", region="box", **given):
    """Return a problem; two boxes or balls of radius 0.5 unless told otherwise."""
    given.setdefault("track", TRACKS.get(norm, "local-linf"))
    if region != "global":
        given.setdefault("radius", 0.5)
    if region in ("box", "ball"):
        rng = np.random.default_rng(3)
        given.setdefault("centers", rng.uniform(-0.5, 0.5, (2, network.inputs)))
    return LipschitzProblem(network=network, norm=norm, region=region, **given)


def various():
    """Return a problem of every kind by name."""
    one_row = chain(4, 6, 1)
    return {
        "box": problem(chain(4, 6, 3)),
        "clipped": problem(chain(4, 6, 3), clip=(-0.4, 0.4), centers=np.zeros((2, 4))),
        "ball": problem(chain(4, 6, 3), "l2", "ball"),
        "global": problem(chain(4, 6, 3, activation="tanh"), "l2", "global"),
        "maxmin": problem(chain(4, 6, 4, 2, activation=lambda _: GroupSort(2)), "l2", "global"),
        "sorting": problem(chain(4, 6, 2, activation=GroupSort), "linf", "global"),
        "mirrors": problem(chain(4, 6, 2, activation=mirrors), "l2", "global"),
        "gelu": problem(chain(4, 5, 2, activation="gelu"), "linf"),
        "partial": problem(one_row, "partial", features=(0, 2)),
        "residual": problem(residual(), "l2", "ball"),
        "convolution": problem(convolution(), "linf", radius=0.1),
        "transformer": problem(transformer(), "max-rms", "tokens", radius=1.0, tokens=3),
        "one token": problem(transformer(1), "max-rms", "tokens", radius=1.0),
    }
