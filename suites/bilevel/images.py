"""Regularisers of images learned from pairs of noisy and clean ones: MAID's experiments.

M. S. Salehi, S. Mukherjee, L. Roberts and M. J. Ehrhardt, An adaptively inexact first-order method
for bilevel optimization with application to hyperparameter learning, SIAM Journal on Mathematics of
Data Science 2025, arXiv:2308.10098. They took the Kodak images; these are scikit-learn's.
"""

from __future__ import annotations

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem

NOISE = 0.1
LUMA = (0.299, 0.587, 0.114)


@problem(
    suite="bilevel",
    track="deterministic",
    datasets=("photographs",),
    tiers={
        "standard": ({"size": 48},),
        "full": ({"size": 48}, {"size": 96}),
    },
)
def tv2(
    rng: np.random.Generator,
    photographs: Arrays,
    *,
    size: int = 48,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Weight and smoothing of total variation, for denoising two photographs of size x size pixels.

    f = |u - noisy|^2 / 2 + e^{x_1} sum of sqrt(d^2 + e^{2 x_2}) over the differences d of
    neighbours in rows and in columns of both images, and F the mean of |u - clean|^2 / 2, with x in
    [-8, 0] from (-5, -5) and u from 0. Noise is normal with deviation 0.1. The photographs are grey
    (0.299, 0.587 and 0.114 of red, green and blue, from 0 to 1), each pixel the mean of a square of
    k x k, k = 427 // size, in the middle of the photograph.

    Raises:
        TiltyardError: the size is below 2 or above 427.
    """
    from tiltyard.suites.bilevel._denoising import TotalVariation

    clean, noisy = noisy_pair(rng, photographs["images"], size, least=2)
    model = TotalVariation(clean, noisy, np.full(2, -5.0))
    return BilevelProblem(model=model, track="deterministic")


@problem(
    suite="bilevel",
    track="deterministic",
    datasets=("photographs",),
    tiers={"full": ({}, {"filters": 48, "size": 7, "pixels": 256})},
)
def foe(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    photographs: Arrays,
    *,
    filters: int = 8,
    size: int = 5,
    pixels: int = 64,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """A field of experts: filters of size x size, for denoising two photographs of pixels x pixels.

    f = |u - noisy|^2 / 2 + sum over filters k of e^{a + b_k} sum of sqrt(z_k^2 + e^{2 c_k}) where
    z_k are the correlations of both images with the filter, where it fits in. F and the images are
    as in ``tv2``. x = (a, b, c, filters): logarithms in [-8, 0] from -3, of smoothings from -3.5,
    and filters in [-2, 2] from normal entries of deviation 1 / sqrt(size), less their mean. 48
    filters of 7 x 7 have 2,449 hyperparameters and are meant for a GPU.

    Raises:
        TiltyardError: no filter, or one below 2 x 2 or larger than the images.
    """
    from tiltyard.suites.bilevel._denoising import FieldOfExperts

    if filters < 1 or size < 2:
        raise TiltyardError(f"foe: {filters} filters of {size} x {size}")
    clean, noisy = noisy_pair(rng, photographs["images"], pixels, least=size)
    kernels = rng.standard_normal((filters, size * size)) / np.sqrt(size)
    kernels -= kernels.mean(axis=1, keepdims=True)
    logarithms = np.full(1 + filters, -3.0), np.full(filters, -3.5)
    x0 = np.concatenate((*logarithms, kernels.clip(-2.0, 2.0).ravel()))
    model = FieldOfExperts(clean, noisy, x0, filters, size)
    return BilevelProblem(model=model, track="deterministic")


def noisy_pair(
    rng: np.random.Generator, photographs: Array, size: int, least: int
) -> tuple[Array, Array]:
    """Return (images, size, size) grey images, and the same with noise.

    Raises:
        TiltyardError: no such size.
    """
    rows, columns = photographs.shape[1:3]
    if not least <= size <= min(rows, columns):
        raise TiltyardError(f"{size} pixels a side: must be from {least} to {min(rows, columns)}")
    k = min(rows, columns) // size
    top, left = (rows - k * size) // 2, (columns - k * size) // 2
    middle = photographs[:, top : top + k * size, left : left + k * size]
    grey = middle @ np.array(LUMA) / 255.0
    clean = grey.reshape(-1, size, k, size, k).mean(axis=(2, 4))
    return clean, clean + NOISE * rng.standard_normal(clean.shape)
