"""Datasets that ship inside scikit-learn (BSD-3-Clause)."""

from __future__ import annotations

import numpy as np

from tiltyard.dataset import Arrays, dataset


@dataset(
    licence="BSD-3-Clause (as redistributed by scikit-learn; the origin states no licence)",
    source="Efron, Hastie, Johnstone & Tibshirani (2004), doi:10.1214/009053604000000067; "
    "https://www4.stat.ncsu.edu/~boos/var.select/diabetes.html",
    sha256="8c8ab78a4fea2187865f7a473a9abcb302de0612f15650b23e4f83a462f23a35",
)
def diabetes() -> Arrays:
    """Disease progression of 442 diabetes patients, one year after ten baseline measurements.

    Returns:
        X: (442, 10) float64, in the units of the source (age in years, body mass index, ...).
        y: (442,) float64, a quantitative measure of progression, 25 to 346.
    """
    from sklearn.datasets import load_diabetes

    bunch = load_diabetes(scaled=False)
    # The source has at most four decimals; scikit-learn's releases differ in the last bit.
    return {"X": np.round(bunch.data, 4), "y": bunch.target.astype(np.float64)}


@dataset(
    licence="CC-BY-4.0",
    source="Wolberg, Mangasarian, Street & Street (1995), Breast Cancer Wisconsin (Diagnostic), "
    "UCI Machine Learning Repository, doi:10.24432/C5DW2B",
    sha256="6639250a28e2205ba594e1e0dd674dd9ab34384687483cc4c432aa1304c202ce",
)
def breast_cancer() -> Arrays:
    """Thirty features of cell nuclei of 569 breast masses, 357 of them benign.

    Returns:
        X: (569, 30) float64, in the units of the source.
        y: (569,) float64, 0 malignant and 1 benign.
    """
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    return {"X": bunch.data.astype(np.float64), "y": bunch.target.astype(np.float64)}


@dataset(
    licence="CC-BY-4.0",
    source="Alpaydin & Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine "
    "Learning Repository, doi:10.24432/C50P49",
    sha256="be6d35173055a3f26a1fb5b69e053011730fe256ceed532c00e62446d6e8f3cc",
)
def digits() -> Arrays:
    """Handwritten digits, 1,797 of them, of 8 x 8 pixels: the source's test set.

    Returns:
        X: (1797, 64) float64, pixels from 0 to 16.
        y: (1797,) float64, the digit.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return {"X": bunch.data.astype(np.float64), "y": bunch.target.astype(np.float64)}


@dataset(
    licence="CC-BY-2.0",
    source="danielbuechele, https://www.flickr.com/photos/danielbuechele/6061409035; "
    "vultilion, https://www.flickr.com/photos/vultilion/6056698931",
    sha256="ec8fcb83aafb951384e2120295f0b5aff52f30b93d7f363def848f4a0466ffb9",
)
def photographs() -> Arrays:
    """Two photographs in colour, of a temple in China and of a flower.

    Returns:
        images: (2, 427, 640, 3) uint8, red, green and blue.
    """
    from sklearn.datasets import load_sample_images

    return {"images": np.stack(load_sample_images().images)}
