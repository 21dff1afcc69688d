"""Global Lipschitz constants, in the Euclidean norm, of trained networks.

Fazlyab et al. (2019), arXiv:1906.04893, bound such by semidefinite programs.
"""

from __future__ import annotations

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.family import problem
from tiltyard.suites.lipschitz._trained import (
    FULL_POINTS,
    MEANS,
    PIXELS,
    chosen,
    each,
    every_seed,
    some,
    trained,
)
from tiltyard.suites.lipschitz.problem import LipschitzProblem

_STANDARD = each("network", ("64-16-10", "64-32-10", "64-32-32-10", "64-64-64-10"))


@problem(
    suite="lipschitz",
    track="global-l2",
    datasets=("digits-relu-networks", "digits-other-networks"),
    tiers={
        "smoke": [{"network": "16-8-8-10", "output": "7"}],
        "standard": _STANDARD,
        "full": [
            *each("network", ("64-100x3-10", "conv", "residual", "tanh", "softplus", "gelu")),
            *every_seed(network="64-32-32-10", output="7"),
        ],
    },
)
def digits_global_l2(
    _rng: np.random.Generator,
    relu: Arrays,
    other: Arrays,
    *,
    network: str = "64-32-10",
    seed: int = 0,
    output: str = "all",
) -> LipschitzProblem:
    """Spectral norm of the Jacobian of a network that reads digits, over all of R^n.

    ``seed`` is the training seed; ``output`` is all rows (``all``), one (``7``), or the difference
    of two (``1-2``).
    """
    f, every = trained(network, seed, relu, other)
    selected, words = chosen(f, output)
    return LipschitzProblem(
        network=selected,
        track="global-l2",
        norm="l2",
        region="global",
        outputs=words,
        input_scaling=MEANS if f.inputs == 16 else PIXELS,
        points=some(every, 0, FULL_POINTS),
    )
