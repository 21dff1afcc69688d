"""Electricity transformer temperature: four tables, fetched as they are.

Their licence (CC BY-ND 4.0) allows copies of the files alone, so nothing made of them ships.
"""

from __future__ import annotations

from pathlib import Path

from tiltyard.dataset import Arrays, dataset
from tiltyard.datasets._series import dated

COLUMNS = ("date", "HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")
LICENCE = "CC-BY-ND-4.0"
SOURCE = (
    "Zhou, Zhang, Peng, Zhang, Li, Xiong & Zhang (2021), Informer, AAAI, "
    "doi:10.1609/aaai.v35i12.17325; https://github.com/zhouhaoyi/ETDataset"
)
AT = (
    "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/"
    "1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/"
)


@dataset(
    licence=LICENCE,
    source=SOURCE,
    url=f"{AT}ETTh1.csv",
    sha256="f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
)
def etth1(path: Path) -> Arrays:
    """Loads and oil temperature of a transformer, hourly from July 2016 to June 2018.

    Returns:
        values: (7, 17420) float64: high, middle and low useful and useless loads, and the
            temperature in degrees Celsius.
        ends: (7,) int64, seconds since 1970.
    """
    return dated(path, columns=COLUMNS, step=3600)


@dataset(
    licence=LICENCE,
    source=SOURCE,
    url=f"{AT}ETTh2.csv",
    sha256="a3dc2c597b9218c7ce1cd55eb77b283fd459a1d09d753063f944967dd6b9218b",
)
def etth2(path: Path) -> Arrays:
    """Loads and oil temperature of a second transformer, hourly; as ``etth1``."""
    return dated(path, columns=COLUMNS, step=3600)


@dataset(
    licence=LICENCE,
    source=SOURCE,
    url=f"{AT}ETTm1.csv",
    blob="62c9f979e2dc5b05d9cc5b38891e60e6baf77417",
)
def ettm1(path: Path) -> Arrays:
    """Loads and oil temperature of the first transformer, every 15 minutes.

    Returns:
        values: (7, 69680) float64, as those of ``etth1``.
        ends: (7,) int64, seconds since 1970.
    """
    return dated(path, columns=COLUMNS, step=900)


@dataset(
    licence=LICENCE,
    source=SOURCE,
    url=f"{AT}ETTm2.csv",
    blob="f9d46027c987d442d2d8f81308d1d8c4d1d35db8",
)
def ettm2(path: Path) -> Arrays:
    """Loads and oil temperature of the second transformer, every 15 minutes; as ``ettm1``."""
    return dated(path, columns=COLUMNS, step=900)
