"""Networks of random weights: wide and deep ones for how methods grow, small ones for tests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tiltyard.errors import TiltyardError, unknown
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.lipschitz._trained import chosen
from tiltyard.suites.lipschitz.layers import KINDS, Activation, Dense, Kind, Layer
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Grid = list[dict[str, Value]]

_MODEST: Grid = [
    {"width": 16, "depth": 2},
    {"width": 64, "depth": 2},
    {"width": 128, "depth": 2},
    {"width": 32, "depth": 2},
    {"width": 32, "depth": 4},
    {"width": 32, "depth": 8},
]
_GROWTH: Grid = [
    {"width": 256, "depth": 2},
    {"width": 512, "depth": 2},
    {"width": 1024, "depth": 2},
    {"width": 32, "depth": 3},
    {"width": 32, "depth": 6},
    {"width": 256, "depth": 4},
    {"width": 1024, "depth": 8},
]
_MNIST_SIZED: Grid = [
    {"inputs": 784, "width": 256, "depth": 1, "instance": instance} for instance in range(3)
]


def mlp(
    rng: np.random.Generator, inputs: int, hidden: list[int], outputs: int, kind: str
) -> Network:
    """Return a network of ``hidden`` widths, weights from N(0, 2 / inputs of the layer).

    Biases are from N(0, 0.01). The scale is that of He et al. (2015), arXiv:1502.01852.

    Raises:
        TiltyardError: a size is not positive, or there is no such activation.
    """
    sizes = [inputs, *hidden, outputs]
    if min(sizes) < 1 or not hidden:
        raise TiltyardError("a random network needs positive inputs, width, depth and outputs")
    activation = Activation(_kind(kind))
    layers: list[Layer] = []
    for before, after in pairwise(sizes):
        weight = rng.standard_normal((after, before)) * np.sqrt(2.0 / before)
        layers += [Dense(weight, 0.1 * rng.standard_normal(after)), activation]
    return Network(inputs, tuple(layers[:-1]))


def _kind(name: str) -> Kind:
    for kind in KINDS:
        if kind == name:
            return kind
    raise unknown("activation", name, KINDS)


@problem(
    suite="lipschitz",
    track="local-linf",
    tiers={
        "smoke": [
            {"inputs": 6, "width": 8, "depth": depth, "outputs": 3, "kind": kind, "points": 2}
            for kind, depth in (("tanh", 1), ("gelu", 2))
        ],
        "standard": [{**one, "points": 20} for one in _MODEST],
        "full": [{**one, "points": 20} for one in _MODEST]
        + [{**one, "radius": radius} for one in _GROWTH for radius in (0.01, 0.05)]
        + [{**one, "kind": "gelu"} for one in _GROWTH[:4]]
        + _MNIST_SIZED,
    },
)
def random_local_linf(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    inputs: int = 64,
    width: int = 64,
    depth: int = 2,
    outputs: int = 10,
    kind: str = "relu",
    radius: float = 0.01,
    points: int = 5,
    output: str = "all",
    instance: int = 0,
) -> LipschitzProblem:
    """Largest absolute row sum of the Jacobian of a random network, over boxes cut to [0, 1].

    ``points`` centers are uniform in [0, 1]^n; weights are those of ``mlp``.
    """
    del instance  # the generator is derived from it
    f = mlp(rng, inputs, [width] * depth, outputs, kind)
    selected, words = chosen(f, output)
    return LipschitzProblem(
        network=selected,
        track="local-linf",
        norm="linf",
        region="box",
        centers=rng.uniform(size=(points, inputs)),
        radius=radius,
        clip=(0.0, 1.0),
        outputs=words,
        input_scaling="as given, each in [0, 1]",
    )


@problem(
    suite="lipschitz",
    track="global-l2",
    tiers={
        "smoke": [{"inputs": 6, "width": 8, "depth": 1, "outputs": 3}],
        "standard": _MODEST,
        "full": [*_MODEST, *_GROWTH, *_MNIST_SIZED],
    },
)
def random_global_l2(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    inputs: int = 64,
    width: int = 64,
    depth: int = 2,
    outputs: int = 10,
    kind: str = "relu",
    output: str = "all",
    instance: int = 0,
) -> LipschitzProblem:
    """Spectral norm of the Jacobian of a random network over all of R^n; weights as ``mlp``."""
    del instance  # the generator is derived from it
    f = mlp(rng, inputs, [width] * depth, outputs, kind)
    selected, words = chosen(f, output)
    return LipschitzProblem(
        network=selected,
        track="global-l2",
        norm="l2",
        region="global",
        outputs=words,
        input_scaling="as given",
        points=rng.uniform(size=(20, inputs)),
    )
