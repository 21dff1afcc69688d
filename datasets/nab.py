"""A series of the Numenta Anomaly Benchmark (MIT), which ships with its licence."""

from __future__ import annotations

from pathlib import Path

from tiltyard.dataset import Arrays, dataset
from tiltyard.datasets._series import dated


@dataset(
    licence="MIT",
    source="Lavin & Ahmad (2015), Numenta Anomaly Benchmark, doi:10.1109/ICMLA.2015.141; "
    "https://github.com/numenta/NAB/blob/ea702d75cc2258d9d7dd35ca8e5e2539d71f3140"
    "/data/realKnownCause/nyc_taxi.csv",
    path="nyc_taxi.csv",
    sha256="d8fa6f7f0734bf5c8be12c52a94e20a82664c397d9dec4449156bd453d32856d",
)
def nyc_taxi(path: Path) -> Arrays:
    """Passengers of New York's taxis in each half hour from July 2014 to January 2015.

    Returns:
        values: (1, 10320) float64, passengers.
        ends: (1,) int64, seconds since 1970, New York's clock taken as UTC.
    """
    return dated(path, columns=("timestamp", "value"), step=1800)
