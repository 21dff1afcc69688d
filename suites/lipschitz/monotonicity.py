"""Monotonicity of trained networks for tables: which partial derivatives keep their sign on a box.

Shi et al. (2022), arXiv:2210.07394, certify monotonicity by local bounds of the Jacobian.
"""

from __future__ import annotations

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.lipschitz._trained import RANGES, each, every_seed, some, trained
from tiltyard.suites.lipschitz.problem import LipschitzProblem

_STANDARD = [
    *every_seed(network="diabetes", radius=0.1),
    *every_seed(network="breast-cancer", radius=0.05),
]


@problem(
    suite="lipschitz",
    track="monotonicity",
    datasets=("table-networks",),
    tiers={
        "smoke": [{"radius": 0.05, "points": 3, "features": "2-3-8"}],
        "standard": _STANDARD,
        "full": [
            *each("radius", (0.05, 0.25, 0.5), network="diabetes"),
            *each("radius", (0.01, 0.1), network="breast-cancer"),
        ],
    },
)
def table_monotonicity(  # noqa: PLR0913 - a problem's parameters
    _rng: np.random.Generator,
    data: Arrays,
    *,
    network: str = "diabetes",
    seed: int = 0,
    radius: float = 0.1,
    points: int = 20,
    first: int = 0,
    features: str = "all",
) -> LipschitzProblem:
    """Ranges of the partial derivatives of a network for a table, over boxes cut to [0, 1].

    ``network`` is ``diabetes`` (progression from ten measurements) or ``breast-cancer`` (the logit
    of benign from thirty features). Boxes have a ``radius`` around ``points`` test rows from number
    ``first`` on. ``features`` are joined by hyphens: ``2-3-8``, or all of them.
    """
    f, every = trained(network, seed, data)
    return LipschitzProblem(
        network=f,
        track="monotonicity",
        norm="partial",
        region="box",
        centers=some(every, first, points),
        radius=radius,
        clip=(0.0, 1.0),
        outputs="row 0",
        input_scaling=RANGES,
        features=numbered(features, f.inputs),
    )


def numbered(features: str, inputs: int) -> tuple[int, ...]:
    """Return the features that ``2-3-8`` or ``all`` names.

    Raises:
        TiltyardError: it is neither, or names a feature twice.
    """
    if features == "all":
        return tuple(range(inputs))
    parts = features.split("-")
    if not all(part.isdecimal() for part in parts) or len(set(parts)) != len(parts):
        raise TiltyardError(f"features={features} is neither all nor different numbers (2-3-8)")
    return tuple(int(part) for part in parts)
