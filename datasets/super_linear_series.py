"""The real series that Super-Linear is trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tiltyard.dataset import Arrays, dataset

_SOURCE = (
    "means over 30 or 60 minutes, in 256 levels, packed by "
    "tiltyard.datasets._pack_super_linear_series from: the Numenta Anomaly Benchmark, "
    "github.com/numenta/NAB@ea702d75 (MIT), and, from the UCI Machine Learning Repository "
    "(CC-BY-4.0), Salam & El Hibaoui (2018), Power Consumption of Tetouan City, "
    "doi:10.24432/C5B034; "
    "Sathishkumar, Shin & Cho (2021), Steel Industry Energy Consumption, doi:10.24432/C52G8C; "
    "Seoul Bike Sharing Demand (2020), doi:10.24432/C5F62R; "
    "Fanaee-T (2013), Bike Sharing, doi:10.24432/C5W894; "
    "Hogue (2019), Metro Interstate Traffic Volume, doi:10.24432/C5X60B; "
    "Candanedo (2017), Appliances Energy Prediction, doi:10.24432/C5VC8G"
)


@dataset(
    licence="MIT AND CC-BY-4.0",
    source=_SOURCE,
    sha256="77c7b36452930f224f4b1fd8dd380f221c184973e1f9d01d7f637a189f14c1c8",
    path="super_linear_series.npz",
)
def super_linear_series(path: Path) -> Arrays:
    """Loads, traffic, hired bicycles, weather, rooms, tweets and computers: 58 series.

    ``values`` (N,) float32 between 0 and 1, series after series; ``lengths`` (58,) int64, of each
    series; ``minutes`` (58,) int64, between its values. No ETT, no M4, no taxis of New York.
    """
    with np.load(path) as file:
        codes = np.cumsum(file["differences"], dtype=np.uint8)
        return {
            "values": codes.astype(np.float32) / 255.0,
            "lengths": file["lengths"].astype(np.int64),
            "minutes": file["minutes"].astype(np.int64),
        }
