"""Forest cover types, fetched from where scikit-learn fetches them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tiltyard.dataset import Arrays, dataset


@dataset(
    licence="CC-BY-4.0",
    source="Blackard (1998), Covertype, UCI Machine Learning Repository, doi:10.24432/C50K5N",
    url="https://ndownloader.figshare.com/files/5976039",
    sha256="614360d0257557dd1792834a85a1cdebfadc3c4f30b011d56afee7ffb5b15771",
)
def covtype(path: Path) -> Arrays:
    """Cartographic variables and one of seven cover types of 581,012 patches of forest.

    Returns:
        X: (581012, 54) float64: ten quantities, then indicators of 4 areas and 40 soils.
        y: (581012,) float64, the cover type from 1 to 7.
    """
    import pandas as pd

    table = pd.read_csv(path, header=None, compression="gzip").to_numpy(dtype=np.float64)
    if table.shape[1] != 55:
        raise ValueError(f"{table.shape[1]} columns instead of 55")
    return {"X": table[:, :-1], "y": table[:, -1]}
