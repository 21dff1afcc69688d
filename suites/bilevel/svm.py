"""Prices of the slacks of a support vector machine: the experiment of LV-HBA's authors.

W. Yao, C. Yu, S. Zeng and J. Zhang, Constrained bi-level optimization: proximal Lagrangian value
function approach and Hessian-free algorithm, ICLR 2024, arXiv:2401.16164. They took LIBSVM's
diabetes and fourclass, which ``svm-libsvm`` reads.
"""

from __future__ import annotations

import numpy as np

from tiltyard.dataset import Arrays
from tiltyard.datasets.libsvm import read_libsvm
from tiltyard.errors import TiltyardError
from tiltyard.family import problem
from tiltyard.suites.bilevel._split import halved, standardised
from tiltyard.suites.bilevel.model import Array
from tiltyard.suites.bilevel.problem import BilevelProblem

MOST = 5000
"""Samples of the lower level: each has a hyperparameter, a slack and a constraint."""


@problem(
    suite="bilevel",
    track="constrained",
    datasets=("breast-cancer",),
    tiers={
        "standard": ({},),
        "full": tuple({"instance": instance} for instance in range(3)),
    },
)
def svm(rng: np.random.Generator, cancer: Arrays, *, instance: int = 0) -> BilevelProblem:  # noqa: ARG001 - seeds rng
    """Prices of slacks of a support vector machine that tells malignant breast masses from benign.

    y = (w, b, s) minimises f = |w|^2 / 2 + sum of e^{x_i} s_i^2 / 2 subject to
    1 - s_i - t_i (w'a_i + b) <= 0, with x in [-10, 5] from -5.5. F is the sum of
    1 / (1 + exp(t (w'a + b) / |w|)) over the validation samples. Of the 569 masses, in random
    order, 285 are the lower level's, 142 the upper level's, and 142 tell the test error; features
    are standardised by mean and deviation of the lower level's.
    """
    return _problem(rng, cancer["X"], 2.0 * cancer["y"] - 1.0)


@problem(suite="bilevel", track="constrained", files=("file",))
def svm_libsvm(
    rng: np.random.Generator,
    *,
    file: str = "",
    features: int = 0,
    instance: int = 0,  # noqa: ARG001 - seeds rng
) -> BilevelProblem:
    """Prices of slacks of a support vector machine for a user's two-class file in LIBSVM's format.

    The rest is as in ``svm``: half the samples are the lower level's, a quarter the upper level's.
    ``features`` is their number where the file's largest index falls short of it.

    Raises:
        TiltyardError: the file is at fault or has too many samples, or too few of a class.
    """
    return _problem(rng, *read_libsvm(file, features))


def _problem(rng: np.random.Generator, X: Array, labels: Array) -> BilevelProblem:
    from tiltyard.suites.bilevel._held_out import TestError
    from tiltyard.suites.bilevel._svm import SupportVectorMachine

    data, rest, truth = halved(rng, X, labels)
    if len(data["labels"]) > MOST or len(np.unique(data["labels"])) < 2:
        raise TiltyardError(
            f"{len(X)} samples: a random half, the lower level's, must have some of each label "
            f"and at most {MOST}"
        )
    ones = np.ones((len(rest), 1))
    features = np.hstack((standardised(data, rest), ones))
    return BilevelProblem(
        model=SupportVectorMachine(data),
        track="constrained",
        held_out=TestError(features=features, labels=(truth > 0.0).astype(np.int64)),
    )
