"""Global Lipschitz constants of networks that sort: MaxMin, GroupSort and Householder.

Anil, Lucas & Grosse (2019), arXiv:1811.05381; Singla, Singla & Feizi (2022), arXiv:2108.04062;
their semidefinite bounds are of Pauli et al. (2024), arXiv:2401.14033.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError, unknown
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.lipschitz._trained import FULL_POINTS, PIXELS, chosen, each, some, trained
from tiltyard.suites.lipschitz.layers import Array, Dense, GroupSort, Householder, Layer
from tiltyard.suites.lipschitz.network import Network
from tiltyard.suites.lipschitz.problem import LipschitzProblem, Norm

_NORMS: tuple[Norm, ...] = ("l2", "linf")
_STANDARD = [
    *each("network", ("maxmin", "groupsort4", "householder"), norm="l2"),
    *each("network", ("maxmin", "householder"), norm="linf"),
]
_ORTHOGONAL = ("maxmin-orthogonal", "householder-orthogonal")


def _track(parameters: Mapping[str, Value]) -> str:
    return f"sorting-{_norm(str(parameters['norm']))}"


def _norm(name: str) -> Norm:
    for norm in _NORMS:
        if norm == name:
            return norm
    raise unknown("norm", name, _NORMS)


@problem(
    suite="lipschitz",
    track=_track,
    datasets=("digits-sorting-networks",),
    tiers={
        "standard": _STANDARD,
        "full": [
            *(one for norm in _NORMS for one in each("network", _ORTHOGONAL, norm=norm)),
            *each("network", ("groupsort4",), norm="linf"),
        ],
    },
)
def digits_sorting(
    _rng: np.random.Generator,
    data: Arrays,
    *,
    network: str = "maxmin",
    seed: int = 0,
    norm: str = "l2",
    output: str = "all",
) -> LipschitzProblem:
    """Norm of the Jacobian of a 64-32-32-10 sorting network that reads digits, over all of R^n.

    ``norm`` is ``l2`` or ``linf``, of inputs and outputs both; ``seed`` is the training seed.
    """
    f, every = trained(network, seed, data)
    selected, words = chosen(f, output)
    return _everywhere(selected, norm, words, PIXELS, some(every, 0, FULL_POINTS))


def _maxmin(_rng: np.random.Generator, _width: int) -> Layer:
    return GroupSort(2)


def _groupsort4(_rng: np.random.Generator, _width: int) -> Layer:
    return GroupSort(4)


def _householder(rng: np.random.Generator, width: int) -> Layer:
    if width % 2:
        raise TiltyardError(f"{width} neurons do not divide into pairs")
    angles = rng.uniform(0.0, 2.0 * np.pi, width // 2)
    return Householder(np.stack((np.cos(angles), np.sin(angles)), axis=1))


_LAYERS: Mapping[str, Callable[[np.random.Generator, int], Layer]] = {
    "maxmin": _maxmin,
    "groupsort4": _groupsort4,
    "householder": _householder,
}


@problem(
    suite="lipschitz",
    track=_track,
    tiers={
        "smoke": [
            {"norm": norm, "kind": kind, "inputs": 4, "width": 8, "depth": depth, "outputs": 4}
            for norm, kind, depth in (
                ("l2", "maxmin", 1),
                ("l2", "householder", 2),
                ("linf", "maxmin", 1),
            )
        ],
        "full": [
            {"norm": norm, "kind": kind, "width": width, "depth": depth}
            for norm in _NORMS
            for kind in ("maxmin", "householder")
            for width, depth in ((16, 2), (128, 2), (256, 2), (64, 4), (64, 8))
        ],
    },
)
def random_sorting(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    norm: str = "l2",
    kind: str = "maxmin",
    inputs: int = 64,
    width: int = 64,
    depth: int = 2,
    outputs: int = 10,
    instance: int = 0,
) -> LipschitzProblem:
    """Norm of the Jacobian of a random sorting network over all of R^n.

    ``depth`` layers that sort, of ``kind`` ``maxmin``, ``groupsort4`` or ``householder``, stand
    between dense ones with entries from N(0, 1 / inputs of the layer); ``depth`` 0 is one sorting
    layer of ``width`` alone, whose constant in ``l2`` is 1.
    """
    del instance  # the generator is derived from it
    if kind not in _LAYERS:
        raise unknown("kind", kind, _LAYERS)
    if min(inputs, width, outputs) < 1 or depth < 0:
        raise TiltyardError("random-sorting needs positive sizes and a depth of at least 0")
    layer = _LAYERS[kind]
    if depth == 0:
        return _everywhere(Network(width, (layer(rng, width),)), norm, "all rows", "as given", None)
    layers: list[Layer] = []
    before = inputs
    for _ in range(depth):
        layers += [_dense(rng, before, width), layer(rng, width)]
        before = width
    layers.append(_dense(rng, before, outputs))
    return _everywhere(Network(inputs, tuple(layers)), norm, "all rows", "as given", None)


def _dense(rng: np.random.Generator, inputs: int, outputs: int) -> Dense:
    return Dense(
        rng.standard_normal((outputs, inputs)) / np.sqrt(inputs),
        0.1 * rng.standard_normal(outputs),
    )


def _everywhere(
    network: Network, norm: str, outputs: str, scaling: str, points: Array | None
) -> LipschitzProblem:
    return LipschitzProblem(
        network=network,
        track=f"sorting-{_norm(norm)}",
        norm=_norm(norm),
        region="global",
        outputs=outputs,
        input_scaling=scaling,
        points=np.empty((0, 0)) if points is None else points,
    )
