"""Hyperparameters and labels of a softmax classifier of a user's copy of MNIST.

``images`` and ``labels`` are idx files, packed or not, such as train-images-idx3-ubyte.gz and
train-labels-idx1-ubyte.gz; any other images of ten classes in this format do, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiltyard.datasets.idx import read_images
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel._split import Labelled, corrupted, split
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem


@problem(suite="bilevel", track="stochastic", files=("images", "labels"))
def clean_mnist(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    images: str = "",
    labels: str = "",
    lower: int = 5000,
    upper: int = 5000,
    corruption: float = 0.5,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Weigh the training samples of a classifier of MNIST, a share of which has a wrong label.

    The rest is as in ``clean-digits``; ``lower`` and ``upper`` random samples are the two levels',
    all others tell the test error.

    Raises:
        TiltyardError: the files are at fault, have too few samples, or the corruption leaves no
            clean label or no corrupted one.
    """
    from tiltyard.suites.bilevel._classifiers import Cleaning
    from tiltyard.suites.bilevel._held_out import Cleaned, TestError

    data, X, truth = _split(rng, images, labels, lower, upper)
    data["labels"], clean = corrupted(rng, data["labels"], corruption, classes=10)
    return BilevelProblem(
        model=Cleaning(data, 10, ridge=2e-2, box=(-10.0, 10.0)),
        track="stochastic",
        held_out=Cleaned(test=TestError(features=X, labels=truth, outputs=10), clean=clean),
    )


@problem(suite="bilevel", track="stochastic", files=("images", "labels"))
def mlr_mnist(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    images: str = "",
    labels: str = "",
    lower: int = 40_000,
    upper: int = 10_000,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Regularise each weight of multinomial logistic regression of MNIST.

    The rest is as in ``mlr-digits``; ``lower`` and ``upper`` random samples are the two levels',
    all others tell the test error.

    Raises:
        TiltyardError: the files are at fault or have too few samples.
    """
    from tiltyard.suites.bilevel._classifiers import Regularised
    from tiltyard.suites.bilevel._held_out import TestError

    data, X, truth = _split(rng, images, labels, lower, upper)
    return BilevelProblem(
        model=Regularised(data, 10, (10, X.shape[1]), start=-3.0, box=(-12.0, 6.0)),
        track="stochastic",
        held_out=TestError(features=X, labels=truth, outputs=10),
    )


def _split(
    rng: np.random.Generator, images: str, labels: str, lower: int, upper: int
) -> tuple[Labelled, Array, NDArray[np.int64]]:
    X, y = read_images(images, labels)
    if min(lower, upper) < 1 or lower + upper >= len(X):
        raise TiltyardError(
            f"lower={lower} and upper={upper} samples: at least one each, and fewer in all than "
            f"the file's {len(X)}"
        )
    return split(X, y, rng.permutation(len(X)), lower, upper)
