"""One hypergradient by approximate implicit differentiation with a Neumann series."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tiltyard import implementation

if TYPE_CHECKING:
    from tiltyard.suites.bilevel.problem import Answer, BilevelProblem


@implementation(
    suite="bilevel",
    cites="arXiv:1802.02246",
    tune={"linear": (0.125, 8.0, "log"), "accelerated": (False, True)},
    requires={"track": ("hypergradient",)},
    devices=("cpu", "cuda"),
)
def hypergradient_aid_neumann(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    linear: float = 1.0,
    accelerated: bool = False,
) -> Iterator[Answer]:
    """AID with a Neumann series at one x: T gradient steps on f, linear * T terms for H^-1 F_y.

    Ghadimi and Wang (2018). T doubles from 1; y goes on where it was, the series starts anew at
    every y, as its terms belong to one H.

    Args:
        problem: of the hypergradient track.
        rng: unused, the method is deterministic.
        linear: terms for each gradient step.
        accelerated: Nesterov's steps on f in place of plain ones of 1 / L.
    """
    del rng
    from tiltyard.implementations.bilevel._doubling import inner_iterates
    from tiltyard.implementations.bilevel._implicit import implicit_gradient, neumann

    x, _ = problem.start()
    total = 0
    for more, y, step in inner_iterates(problem, accelerated=accelerated):
        total += more
        q = neumann(
            partial(problem.hessian_product, x, y),
            problem.upper_gradient_y(x, y),
            step,
            max(1, round(linear * total)),
        )
        yield {"hypergradient": implicit_gradient(problem, x, y, q)}
