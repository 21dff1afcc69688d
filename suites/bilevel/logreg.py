"""Logistic regression with a regulariser for each feature, of the sizes of ijcnn1 and covtype."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiltyard.dataset import Arrays
from tiltyard.datasets.libsvm import read_classes
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel._split import halved, standardised
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem

_IJCNN1 = {"samples": 49_990, "features": 22, "classes": 2}
_COVTYPE = {"samples": 581_012, "features": 54, "classes": 7}


@problem(
    suite="bilevel",
    name="logreg-synthetic",
    track="stochastic",
    tiers={"full": (_IJCNN1, _COVTYPE)},
)
def synthetic(
    rng: np.random.Generator,
    *,
    samples: int = 49_990,
    features: int = 22,
    classes: int = 2,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Regularise the features of a logistic regression of which every second one says nothing.

    f = mean loss + sum of e^{x_j} |column j of W|^2 / 2, with x in [-12, 6] from -3; a loss is the
    logistic one of a single score for two classes, cross-entropy for more. F is the mean loss of
    the validation samples. A random half of the samples is the lower level's, a quarter the upper
    level's, a quarter tells the test error. Features are standard normal; labels are drawn from
    the model itself, its weights normal of deviation 1/sqrt(j) for feature j = 1, 3, ... and zero
    for the others.

    Raises:
        TiltyardError: fewer than 2 classes, no features, too few or too many samples.
    """
    if classes < 2 or features < 1 or not 4 <= samples <= 2**28 // features:
        raise TiltyardError(
            "logreg-synthetic: takes 2 classes or more, a feature or more, and from 4 samples to "
            f"{2**28} entries"
        )
    scale = np.where(np.arange(features) % 2, 0.0, 1.0 / np.sqrt(np.arange(1, features + 1)))
    truth = scale[:, None] * rng.standard_normal((features, classes))
    X = rng.standard_normal((samples, features))
    labels = (X @ truth + rng.gumbel(size=(samples, classes))).argmax(axis=1)
    return _problem(rng, X, labels, classes)


@problem(suite="bilevel", name="logreg-covtype", track="stochastic", datasets=("covtype",))
def covtype(
    rng: np.random.Generator,
    data: Arrays,
    *,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Regularise the features of a logistic regression of forest cover types; downloads 11 MB.

    The rest is as in ``logreg-synthetic``, with features standardised on the lower level's samples.
    """
    return _problem(rng, data["X"], data["y"].astype(np.int64) - 1, 7)


@problem(suite="bilevel", name="logreg-libsvm", track="stochastic", files=("file",))
def libsvm(
    rng: np.random.Generator,
    *,
    file: str = "",
    features: int = 0,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Regularise the features of a logistic regression of a user's file in LIBSVM's format.

    The rest is as in ``logreg-synthetic``, with features standardised on the lower level's samples
    and as many classes as the file has labels: ijcnn1 has two, covtype seven. ``features`` is their
    number where the file's largest index falls short of it.

    Raises:
        TiltyardError: the file is at fault.
    """
    X, labels = read_classes(file, features)
    return _problem(rng, X, labels, int(labels.max()) + 1)


def _problem(
    rng: np.random.Generator, X: Array, labels: NDArray[np.int64], classes: int
) -> BilevelProblem:
    from tiltyard.suites.bilevel._classifiers import Regularised
    from tiltyard.suites.bilevel._held_out import TestError

    data, rest, truth = halved(rng, X, labels)
    rest = standardised(data, rest)
    model = Regularised(data, classes, (1, X.shape[1]), start=-3.0, box=(-12.0, 6.0))
    return BilevelProblem(
        model=model,
        track="stochastic",
        held_out=TestError(features=rest, labels=truth, outputs=model.width),
    )
