"""Trained networks: the weights of five training seeds each, and test points of their tables.

``python -m tiltyard.datasets._train_networks DIR`` made the files, from tables inside scikit-learn.
An array is named ``<network>/<array>``, as ``tiltyard.suites.lipschitz.storage`` names a network's,
with the training seeds as its first axis; ``<network>/points`` has one test row a row. The file of
sequence networks is ``_train_sequences``' and has names of its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tiltyard.dataset import Arrays, dataset

_DIGITS = (
    "trained by tiltyard.datasets._train_networks on Alpaydin & Kaynak (1998), Optical Recognition "
    "of Handwritten Digits, UCI Machine Learning Repository, doi:10.24432/C50P49, in scikit-learn"
)
_DIGITS_LICENCE = "MIT (weights); CC-BY-4.0 (points)"


@dataset(
    licence=_DIGITS_LICENCE,
    source=_DIGITS,
    sha256="7e4a0dcd73ef9be7b6c9610dd75fd65aa1bd74eba1f03b32d3902d378e12f24b",
    path="digits_relu_networks.npz",
)
def digits_relu_networks(path: Path) -> Arrays:
    """ReLU networks that read digits: 16-8-8-10 to 64-100x3-10, five seeds each.

    Their inputs are pixels / 16, for 16-8-8-10 the means of 2x2 pixels; ``points`` are (100, 64)
    uint8, pixels from 0 to 16.
    """
    return _arrays(path)


@dataset(
    licence=_DIGITS_LICENCE,
    source=_DIGITS,
    sha256="c0febb1ebaa02bfc221b3f0acf82e5d1e04c5f9a7e3f3ef3f372d577f873674b",
    path="digits_other_networks.npz",
)
def digits_other_networks(path: Path) -> Arrays:
    """Networks that read digits: convolutions, residual blocks, tanh, softplus, GELU.

    Inputs and ``points`` are those of ``digits_relu_networks``.
    """
    return _arrays(path)


@dataset(
    licence=_DIGITS_LICENCE,
    source=_DIGITS,
    sha256="24c5d63ca1cbb3b92c6d3c50e472d4ef5e0cb1183ddade2c7732c992601f6f6e",
    path="digits_sorting_networks.npz",
)
def digits_sorting_networks(path: Path) -> Arrays:
    """MaxMin, GroupSort and Householder networks that read digits, some of orthogonal layers.

    Inputs and ``points`` are those of ``digits_relu_networks``.
    """
    return _arrays(path)


@dataset(
    licence="MIT (weights); those of the datasets diabetes and breast-cancer (points)",
    source="trained by tiltyard.datasets._train_networks on the tables of the datasets diabetes "
    "and breast-cancer",
    sha256="934f7c2b5c8a214896b05b693d55d6b390508edf97de383cdb23a80bec8887c7",
    path="table_networks.npz",
)
def table_networks(path: Path) -> Arrays:
    """ReLU networks for tables: a regression on diabetes, a logit on breast-cancer.

    Every feature and the response of the regression are scaled to [0, 1] by their ranges over all
    rows; ``points`` are rows so scaled.
    """
    return _arrays(path)


@dataset(
    licence="MIT (weights); CC-BY-4.0 (points)",
    source="trained by tiltyard.datasets._train_sequences on Alpaydin & Kaynak (1998), Optical "
    "Recognition of Handwritten Digits, UCI Machine Learning Repository, doi:10.24432/C50P49, in "
    "scikit-learn",
    sha256="d292c903128174fb785be4c0fc4ca4b8b79e5b05121d498240c26284f8826476",
    path="sequence_networks.npz",
)
def sequence_networks(path: Path) -> Arrays:
    """Four kinds of transformers and two of recurrent networks that read digits, five seeds each.

    Arrays are named ``<network>/<weight>``, with the training seeds as their first axis;
    ``<network>/accuracy`` (5,) is the share of right predictions on the 360 test rows. ``points``
    are (100, 64) uint8, pixels of test rows from 0 to 16.
    """
    return _arrays(path)


def _arrays(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}
