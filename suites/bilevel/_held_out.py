"""Measures of answers on data that no method sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.bilevel.model import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class TestError:
    """The share of test samples that a linear classifier, the first entries of y, misclassifies.

    Attributes:
        features: (n, d).
        labels: (n,) from 0; 0 and 1 where there is one score.
        outputs: scores of a sample; with one, it is of class 1 where the score is positive.
    """

    features: Array
    labels: NDArray[np.int64]
    outputs: int = 1

    def __call__(self, x: Array, y: Array) -> dict[str, float]:
        """Return ``test_error``."""
        del x
        d = self.features.shape[1]
        scores = y[: self.outputs * d].reshape(self.outputs, d) @ self.features.T
        found = scores[0] > 0.0 if self.outputs == 1 else scores.argmax(axis=0)
        return {"test_error": float(np.mean(found != self.labels))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The test error, and how well the weights x tell clean labels from corrupted ones.

    Attributes:
        test: measures the classifier.
        clean: (dim_x,) which of the lower level's labels are the true ones, not all nor none.
    """

    test: TestError
    clean: NDArray[np.bool_]

    def __call__(self, x: Array, y: Array) -> dict[str, float]:
        """Return ``test_error``, ``auc`` and ``f1``."""
        return {**self.test(x, y), "auc": auc(x, self.clean), "f1": f1(x > 0.0, self.clean)}


def auc(scores: Array, positive: NDArray[np.bool_]) -> float:
    """Return the chance that a positive has a higher score than a negative; ties count half."""
    from scipy.stats import rankdata

    ahead = int(positive.sum())
    behind = len(positive) - ahead
    ranks = float(rankdata(scores)[positive].sum())
    return (ranks - ahead * (ahead + 1) / 2.0) / (ahead * behind)


def f1(found: NDArray[np.bool_], positive: NDArray[np.bool_]) -> float:
    """Return the harmonic mean of precision and recall; 0 where nothing is found."""
    hits = int((found & positive).sum())
    return 2.0 * hits / (int(found.sum()) + int(positive.sum()))
