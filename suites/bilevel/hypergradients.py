"""One hypergradient at one x: error against cost, over inner and linear iterations.

The models are those of the problems that they are named after, at an x that is not optimal, and y
starts cold. Methods answer with the gradient of Phi(x) = F(x, y*(x)) at that x.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suite import Problem
from tiltyard.suites.bilevel.digits import mlr_digits
from tiltyard.suites.bilevel.images import noisy_pair
from tiltyard.suites.bilevel.problem import BilevelProblem
from tiltyard.suites.bilevel.quadratic import quad

CONDITIONINGS = (10, 100, 1000)


@problem(
    suite="bilevel",
    track="hypergradient",
    tiers={
        "smoke": ({"conditioning": 10},),
        "standard": tuple({"conditioning": conditioning} for conditioning in CONDITIONINGS),
        "full": tuple(
            {"conditioning": conditioning, "instance": instance}
            for conditioning in CONDITIONINGS
            for instance in range(3)
        ),
    },
)
def hypergradient_quad(
    rng: np.random.Generator,
    *,
    dim_x: int = 20,
    dim_y: int = 200,
    conditioning: float = 10.0,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """The hypergradient of a quadratic problem at a random x.

    It is ``quad`` with one sample, and with more variables than conjugate gradients have patience
    for. x is normal, and y starts at 0.

    Raises:
        TiltyardError: a size or the conditioning is below 1.
    """
    whole = quad.build(rng, dim_x=dim_x, dim_y=dim_y, samples=1, conditioning=conditioning)
    return _at_start(whole)


@problem(
    suite="bilevel",
    track="hypergradient",
    datasets=("photographs",),
    tiers={"standard": ({},), "full": ({},)},
)
def hypergradient_tv2(
    rng: np.random.Generator,
    photographs: Arrays,
    *,
    size: int = 48,
    weight: float = -2.0,
    smoothing: float = -5.0,
) -> BilevelProblem:
    """The hypergradient of total variation denoising at a weight that is too large.

    It is ``tv2`` at x = (``weight``, ``smoothing``), where the lower level's condition number is
    at most 162, and u starts at 0.

    Raises:
        TiltyardError: the size is below 2 or above 427, or x is not in [-8, 0].
    """
    from tiltyard.suites.bilevel._denoising import BOX, TotalVariation

    if not BOX[0] <= min(weight, smoothing) <= max(weight, smoothing) <= BOX[1]:
        raise TiltyardError(f"hypergradient-tv2: x = ({weight:g}, {smoothing:g}) is not in {BOX}")
    clean, noisy = noisy_pair(rng, photographs["images"], size, least=2)
    model = TotalVariation(clean, noisy, np.array([weight, smoothing]))
    return BilevelProblem(model=model, track="hypergradient")


@problem(
    suite="bilevel",
    track="hypergradient",
    datasets=("digits",),
    tiers={
        "standard": ({"hyperparameters": 640},),
        "full": ({"hyperparameters": 640}, {"hyperparameters": 10}),
    },
)
def hypergradient_mlr_digits(
    rng: np.random.Generator, digits: Arrays, *, hyperparameters: int = 640
) -> BilevelProblem:
    """The hypergradient of regularised multinomial logistic regression of digits.

    It is ``mlr-digits`` at its start, where all x are -3, and the weights start at 0.

    Raises:
        TiltyardError: neither 640 nor 10 hyperparameters.
    """
    return _at_start(mlr_digits.build(rng, digits, hyperparameters=hyperparameters))


def _at_start(whole: Problem) -> BilevelProblem:
    """Return the problem of the hypergradient at the start of a family's problem."""
    return replace(cast("BilevelProblem", whole), track="hypergradient", held_out=None)
