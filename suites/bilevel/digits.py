"""Hyperparameters and labels of a classifier of scikit-learn's handwritten digits.

Both problems classify with a softmax of 64 pixels, without intercepts. Of the 1,797 digits, in the
order of one permutation, 600 are the lower level's, 400 the upper level's, and 797 tell the test
error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiltyard.dataset import Arrays
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel._split import Labelled, corrupted, split
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem

_SHARED = {640: (10, 64), 10: (10, 1), 1: (1, 1)}


def _split(digits: Arrays) -> tuple[Labelled, Array, NDArray[np.int64]]:
    """Return a model's data, and the features and labels of the test samples."""
    # This permutation is part of the problem: published values of the optimum belong to it.
    order = np.random.RandomState(0).permutation(len(digits["X"]))
    return split(digits["X"] / 16.0, digits["y"].astype(np.int64), order, 600, 400)


def _regularised(digits: Arrays, hyperparameters: int) -> BilevelProblem:
    from tiltyard.suites.bilevel._classifiers import Regularised
    from tiltyard.suites.bilevel._held_out import TestError

    data, X, labels = _split(digits)
    return BilevelProblem(
        model=Regularised(data, 10, _SHARED[hyperparameters], start=-3.0, box=(-12.0, 6.0)),
        track="deterministic",
        held_out=TestError(features=X, labels=labels, outputs=10),
    )


@problem(
    suite="bilevel",
    track="deterministic",
    datasets=("digits",),
    tiers={
        "standard": ({"hyperparameters": 640}, {"hyperparameters": 10}),
        "full": ({"hyperparameters": 640}, {"hyperparameters": 10}),
    },
)
def mlr_digits(
    _rng: np.random.Generator, digits: Arrays, *, hyperparameters: int = 640
) -> BilevelProblem:
    """Regularise multinomial logistic regression of digits: a hyperparameter a weight, or a class.

    f = mean cross-entropy + sum of e^x W^2 / 2, with x in [-12, 6] from -3, and F the mean
    cross-entropy of the validation samples. 640 hyperparameters can fit all 400 of those, which
    the test error shows; 10 cannot.

    Raises:
        TiltyardError: neither 640 nor 10 hyperparameters.
    """
    if hyperparameters not in (640, 10):
        raise TiltyardError(f"mlr-digits: hyperparameters={hyperparameters} is neither 640 nor 10")
    return _regularised(digits, hyperparameters)


@problem(
    suite="bilevel",
    track="deterministic",
    datasets=("digits",),
    tiers={"smoke": ({},), "standard": ({},), "full": ({},)},
)
def mlr_scalar(_rng: np.random.Generator, digits: Arrays) -> BilevelProblem:
    """Regularise multinomial logistic regression of digits by one hyperparameter.

    It is ``mlr-digits`` with all 640 weights under one x.
    """
    return _regularised(digits, 1)


@problem(
    suite="bilevel",
    track="stochastic",
    datasets=("digits",),
    tiers={
        # 0.45 is what is wrong where half the labels are drawn anew from all ten.
        "standard": ({"corruption": 0.5}, {"corruption": 0.45}, {"corruption": 0.1}),
        "full": tuple(
            {"corruption": corruption, "instance": instance}
            for corruption in (0.5, 0.45, 0.1)
            for instance in range(3)
        ),
    },
)
def clean_digits(
    rng: np.random.Generator,
    digits: Arrays,
    *,
    corruption: float = 0.5,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Weigh the training samples of a classifier of digits, a share of which has a wrong label.

    f = mean of s(x_i) cross-entropy_i + 0.01 |W|^2, s the logistic function, with x in [-10, 10]
    from 0, and F the mean cross-entropy of the validation samples, whose labels are right. A
    corrupted label is any of the nine others, and never the digit's own.

    Raises:
        TiltyardError: the corruption leaves no clean label, or no corrupted one.
    """
    from tiltyard.suites.bilevel._classifiers import Cleaning
    from tiltyard.suites.bilevel._held_out import Cleaned, TestError

    data, X, labels = _split(digits)
    data["labels"], clean = corrupted(rng, data["labels"], corruption, classes=10)
    return BilevelProblem(
        model=Cleaning(data, 10, ridge=2e-2, box=(-10.0, 10.0)),
        track="stochastic",
        held_out=Cleaned(test=TestError(features=X, labels=labels, outputs=10), clean=clean),
    )
