"""Trained sequence networks: norm-constrained transformers and recurrent networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tiltyard.dataset import Arrays, dataset


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
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}
