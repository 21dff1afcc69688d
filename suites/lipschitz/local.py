"""Local Lipschitz constants of trained networks, around test points.

Weng et al. (2018), arXiv:1804.09699, and Shi et al. (2022), arXiv:2210.07394, measure such bounds.
"""

from __future__ import annotations

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.lipschitz._trained import (
    MEANS,
    PIXELS,
    chosen,
    each,
    every_seed,
    some,
    trained,
)
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Grid = list[dict[str, Value]]

_FILES = ("digits-relu-networks", "digits-other-networks")
_SMALL = ("16-8-8-10", "64-32-10", "64-32-32-10")
_OTHERS = ("conv", "residual", "tanh", "softplus", "gelu")
_RADII = (0.01, 0.05, 0.1, 0.25)

_BOXES: Grid = [
    *(one for network in _SMALL for one in each("radius", _RADII, network=network)),
    *each("radius", (0.01, 0.05), network="64-100x3-10"),
    *each("network", _OTHERS, radius=0.05),
    *each("output", ("7", "1-2"), network="64-32-10", radius=0.1),
]
_ONE_POINT: Grid = [
    {"network": network, "radius": radius, "points": 1}
    for network, radii in (
        ("16-8-8-10", (0.05, 0.1, 0.25, 0.5)),
        ("64-32-10", (0.05, 0.1, 0.25)),
        ("64-32-32-10", (0.01, 0.05, 0.1)),
    )
    for radius in radii
]
_BALLS: Grid = [
    *each("radius", (0.1, 0.5), network="64-32-10"),
    *every_seed(network="64-32-32-10", radius=0.1),
]


@problem(
    suite="lipschitz",
    track="local-linf",
    datasets=_FILES,
    tiers={
        "smoke": [
            {"network": "16-8-8-10", "points": 3},
            {"network": "16-8-8-10", "points": 2, "output": "1-2"},
            {"network": "conv", "points": 1, "radius": 0.01},
            {"network": "residual", "points": 1, "radius": 0.01},
        ],
        "standard": _BOXES,
        "full": [
            *each("radius", (0.1, 0.25), network="64-100x3-10"),
            *(
                one
                for network in _OTHERS
                for one in each("radius", (0.01, 0.1, 0.25), network=network)
            ),
            *each("radius", _RADII, network="64-64-64-10"),
            *every_seed(network="16-8-8-10", radius=0.5),
            *_ONE_POINT,
        ],
    },
)
def digits_local_linf(  # noqa: PLR0913 - a problem's parameters
    _rng: np.random.Generator,
    relu: Arrays,
    other: Arrays,
    *,
    network: str = "64-32-10",
    seed: int = 0,
    radius: float = 0.05,
    points: int = 20,
    first: int = 0,
    output: str = "all",
) -> LipschitzProblem:
    """Largest absolute row sum of the Jacobian of a network that reads digits, over boxes.

    The boxes are those of a ``radius`` around ``points`` test points from number ``first`` on, cut
    to [0, 1]. ``seed`` is the training seed; ``output`` is all rows (``all``), one (``7``), or the
    difference of two (``1-2``).
    """
    f, every = trained(network, seed, relu, other)
    selected, words = chosen(f, output)
    return LipschitzProblem(
        network=selected,
        track="local-linf",
        norm="linf",
        region="box",
        centers=some(every, first, points),
        radius=radius,
        clip=(0.0, 1.0),
        outputs=words,
        input_scaling=MEANS if f.inputs == 16 else PIXELS,
    )


@problem(
    suite="lipschitz",
    track="local-l2",
    datasets=_FILES,
    tiers={
        "smoke": [{"network": "16-8-8-10", "radius": 0.05, "points": 3}],
        "standard": _BALLS,
        "full": [
            *each("radius", (0.1, 0.5), network="64-64-64-10"),
            *each("network", ("64-100x3-10", *_OTHERS)),
        ],
    },
)
def digits_local_l2(  # noqa: PLR0913 - a problem's parameters
    _rng: np.random.Generator,
    relu: Arrays,
    other: Arrays,
    *,
    network: str = "64-32-10",
    seed: int = 0,
    radius: float = 0.1,
    points: int = 20,
    first: int = 0,
    output: str = "all",
) -> LipschitzProblem:
    """Spectral norm of the Jacobian of a network that reads digits, over Euclidean balls.

    The balls are not cut to valid inputs. The parameters are those of ``digits-local-linf``.
    """
    f, every = trained(network, seed, relu, other)
    selected, words = chosen(f, output)
    return LipschitzProblem(
        network=selected,
        track="local-l2",
        norm="l2",
        region="ball",
        centers=some(every, first, points),
        radius=radius,
        outputs=words,
        input_scaling=MEANS if f.inputs == 16 else PIXELS,
    )
