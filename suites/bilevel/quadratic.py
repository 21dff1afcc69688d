"""Quadratic bilevel problems, as finite sums or whole; their optima are exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.names import Value
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem, Track


def _track(parameters: Mapping[str, Value]) -> Track:
    return "stochastic" if int(parameters["samples"]) > 1 else "deterministic"


@problem(
    suite="bilevel",
    track=_track,
    tiers={
        "smoke": ({"samples": 256, "conditioning": 10}, {"samples": 1, "conditioning": 10}),
        "standard": tuple(
            {"samples": samples, "conditioning": conditioning}
            for samples in (1, 256)
            for conditioning in (10, 100, 1000)
        ),
        "full": tuple(
            {"samples": 256, "conditioning": conditioning, "instance": instance}
            for conditioning in (10, 100, 1000)
            for instance in range(5)
        ),
    },
)
def quad(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    dim_x: int = 10,
    dim_y: int = 20,
    samples: int = 256,
    conditioning: float = 10.0,
    spread: float = 1.0,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Quadratic levels of which the Hessians have a given condition number.

    The mean of A_i has eigenvalues from 1/conditioning to 1, evenly spaced in their logarithms, in
    a random orthogonal basis; A_i = B z_i z_i'B with B B the mean and z_i of mean square exactly I.
    E and H are alike with condition number 10, and K is small enough for F to be convex. C has
    normal entries of deviation 1/sqrt(dim_y), times B; linear terms are normal, a times B: y*(x)
    then grows with the square root of the conditioning, and the condition number of Phi with it.
    ``spread`` is the deviation of a sample's entries from the mean, relative to their size.

    Raises:
        TiltyardError: a size below 1, conditioning below 1, or fewer than dim_y samples but one.
    """
    if min(dim_x, dim_y, samples) < 1 or not 1.0 <= conditioning < np.inf:
        raise TiltyardError("quad: sizes and conditioning must be at least 1")
    if 1 < samples < max(dim_x, dim_y):
        raise TiltyardError(f"quad: samples must be 1 or at least {max(dim_x, dim_y)}")
    from tiltyard.suites.bilevel._quadratic import Quadratic

    def scattered(mean: Array, size: float) -> Array:
        noise = spread * size * rng.standard_normal((samples, *mean.shape))
        return np.asarray(mean + noise - noise.mean(axis=0))

    def normal(*shape: int, size: float = 1.0) -> Array:
        return scattered(size * rng.standard_normal(shape), size)

    scale = 1.0 / np.sqrt(dim_y)
    A, B = _hessians(rng, dim_y, samples, conditioning)
    data: dict[str, NDArray[Any]] = {
        "A": A,
        "C": scattered(scale * rng.standard_normal((dim_x, dim_y)) @ B, scale),
        "a": scattered(B @ rng.standard_normal(dim_y), 1.0),
        "E": _hessians(rng, dim_y, samples, 10.0)[0],
        "H": _hessians(rng, dim_x, samples, 10.0)[0],
        "K": normal(dim_x, dim_y, size=0.05 / (np.sqrt(dim_x) + np.sqrt(dim_y))),
        "e": normal(dim_y),
        "h": normal(dim_x),
    }
    x0, y0 = rng.standard_normal(dim_x), np.zeros(dim_y)
    return BilevelProblem(model=Quadratic(data, x0, y0), track=_track({"samples": samples}))


def _hessians(
    rng: np.random.Generator, d: int, samples: int, conditioning: float
) -> tuple[Array, Array]:
    """Return (samples, d, d) positive semidefinite matrices, and the square root of their mean.

    The mean has that condition number and a largest eigenvalue of 1. A single one is the mean.
    """
    basis, _ = np.linalg.qr(rng.standard_normal((d, d)))
    values = np.logspace(-np.log10(conditioning), 0.0, d) if d > 1 else np.ones(1)
    root = (basis * np.sqrt(values)) @ basis.T
    if samples == 1:
        return ((basis * values) @ basis.T)[None], root
    # Orthonormal columns w: the mean of n w w' is I.
    white, _ = np.linalg.qr(rng.standard_normal((samples, d)))
    factors = np.sqrt(samples) * white @ root
    return factors[:, :, None] * factors[:, None, :], root
