"""One hypergradient by approximate implicit differentiation with conjugate gradients."""

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
    cites="arXiv:2006.16218",
    tune={"linear": (0.125, 8.0, "log"), "accelerated": (False, True)},
    requires={"track": ("hypergradient",)},
    devices=("cpu", "cuda"),
)
def hypergradient_aid_cg(
    problem: BilevelProblem,
    rng: np.random.Generator,
    *,
    linear: float = 1.0,
    accelerated: bool = False,
) -> Iterator[Answer]:
    """AID-CG at one x: T gradient steps on f, then linear * T steps of CG for H q = F_y.

    Grazzi, Franceschi, Pontil and Salzo (2020) bound its error. T doubles from 1: y goes on
    where it was, and CG from the last q, so that one run gives the error over the cost of T and of
    the linear iterations.

    Args:
        problem: of the hypergradient track.
        rng: unused, the method is deterministic.
        linear: CG steps for each gradient step.
        accelerated: Nesterov's steps on f in place of plain ones of 1 / L.
    """
    del rng
    from tiltyard.implementations.bilevel._doubling import inner_iterates
    from tiltyard.implementations.bilevel._implicit import conjugate_gradients, implicit_gradient

    x, y = problem.start()
    q = 0.0 * y
    for more, y, _ in inner_iterates(problem, accelerated=accelerated):
        q, _ = conjugate_gradients(
            partial(problem.hessian_product, x, y),
            problem.upper_gradient_y(x, y),
            q,
            iterations=max(1, round(linear * more)),
        )
        yield {"hypergradient": implicit_gradient(problem, x, y, q)}
