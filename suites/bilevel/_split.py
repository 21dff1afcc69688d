"""Samples for the lower level, the upper level, and for testing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import TiltyardError
from tiltyard.suites.bilevel.model import Array

Labelled = dict[str, NDArray[Any]]


def split(
    features: Array, labels: NDArray[Any], order: NDArray[np.int64], lower: int, upper: int
) -> tuple[Labelled, Array, NDArray[Any]]:
    """Return a model's data, and the features and labels that are left for testing.

    Args:
        features: (n, d).
        labels: (n,).
        order: of the samples to take, those of the lower level first.
        lower: how many of them are the lower level's.
        upper: how many of them are the upper level's.

    Raises:
        TiltyardError: one of the three has none.
    """
    if min(lower, upper, len(order) - lower - upper) < 1:
        raise TiltyardError(f"{len(order)} samples are too few for two levels and a test")
    first, second, rest = np.split(order, [lower, lower + upper])
    data = {
        "features": features[first],
        "labels": labels[first],
        "upper_features": features[second],
        "upper_labels": labels[second],
    }
    return data, features[rest], labels[rest]


def halved(
    rng: np.random.Generator, features: Array, labels: NDArray[Any]
) -> tuple[Labelled, Array, NDArray[Any]]:
    """Give a random half to the lower level, a quarter to the upper level; see ``split``."""
    n = len(features)
    return split(features, labels, rng.permutation(n), (n + 1) // 2, n // 4)


def standardised(data: Labelled, rest: Array) -> Array:
    """Scale features by mean and deviation of the lower level's; return those for testing.

    A feature that is constant there is only centred.
    """
    mean, deviation = data["features"].mean(axis=0), data["features"].std(axis=0)
    deviation = np.where(deviation > 0.0, deviation, 1.0)
    for name in ("features", "upper_features"):
        data[name] = (data[name] - mean) / deviation
    return np.asarray((rest - mean) / deviation)


def corrupted(
    rng: np.random.Generator, labels: NDArray[np.int64], share: float, classes: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Replace a share of labels, to the nearest sample, by others; also tell which are left.

    Raises:
        TiltyardError: the share leaves no clean label, or no corrupted one.
    """
    count = round(share * len(labels)) if 0.0 < share < 1.0 else 0
    if not 0 < count < len(labels):
        raise TiltyardError(f"corruption={share:g} must leave labels of both kinds")
    wrong = rng.choice(len(labels), count, replace=False)
    labels, clean = labels.copy(), np.ones(len(labels), dtype=bool)
    labels[wrong] = (labels[wrong] + rng.integers(1, classes, count)) % classes
    clean[wrong] = False
    return labels, clean
