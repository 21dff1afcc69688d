"""The series of the M4 competition by frequency, a training and a test table for each; fetched.

The competition's repository states no licence, so none of it ships. The tables have no times.
"""

from __future__ import annotations

from pathlib import Path

from tiltyard.dataset import Arrays, Dataset, dataset
from tiltyard.datasets._series import ragged

SERIES = {
    "hourly": 414,
    "daily": 4227,
    "weekly": 359,
    "monthly": 48000,
    "quarterly": 24000,
    "yearly": 23000,
}
AT = (
    "https://raw.githubusercontent.com/Mcompetitions/M4-methods/"
    "6c1067e5a57161249b17289a565178dc7a3fb3ca/Dataset/"
)


def _table(frequency: str, part: str, *, sha256: str = "", blob: str = "") -> Dataset:
    def load(path: Path) -> Arrays:
        return ragged(path, series=SERIES[frequency])

    load.__name__ = f"m4_{frequency}_{part}"
    load.__doc__ = (
        f"The {part} part of the M4 competition's {SERIES[frequency]:,} {frequency} series.\n\n"
        "Returns:\n    values: (S, T) float64, each series at the end of its row, NaN before it.\n"
        "    numbers: (S,) int64, the numbers in the series' names."
    )
    return dataset(
        licence="none stated",
        source="Makridakis, Spiliotis & Assimakopoulos (2020), The M4 Competition, "
        "doi:10.1016/j.ijforecast.2019.04.014; https://github.com/Mcompetitions/M4-methods",
        url=f"{AT}{part.capitalize()}/{frequency.capitalize()}-{part}.csv",
        sha256=sha256,
        blob=blob,
        missing=True,
    )(load)


hourly_train = _table(
    "hourly", "train", sha256="ea59b7783573c49077a835ab6465c7d66f1474783360f310988a9a737fbca62f"
)
hourly_test = _table(
    "hourly", "test", sha256="71a57fccb15e534d973626ada4fb87febf789e9317715b7cc6dd3b5f90db6f42"
)
daily_train = _table("daily", "train", blob="2393f4c26e7e002b3df8d173d83902ab26596928")
daily_test = _table(
    "daily", "test", sha256="633b0815626ae266d36872c4d53e95eb93ee8d43e79587fceec519eba3e6b05e"
)
weekly_train = _table(
    "weekly", "train", sha256="d478d3f6ed673e6ed3c2cb0fbed5425f72eedd51318ebebeb0b5ecfcefc37714"
)
weekly_test = _table(
    "weekly", "test", sha256="3b2bc4be8e636e802260dcd843ca3c5da40536a1fbe1ecb3229a97dae4f44688"
)
monthly_train = _table("monthly", "train", blob="d956904cd5991422f70598453571572f5e6ba7f3")
monthly_test = _table("monthly", "test", blob="c27ca44ca20b15a40da9e96ca1867f1fff7aeecb")
quarterly_train = _table("quarterly", "train", blob="94ce474ab74463e3db3edb616b5948be6af5079c")
quarterly_test = _table(
    "quarterly", "test", sha256="bf1cab3b969a744c220cdc148e3829803eaa5da2754270fc4f376e775cd7d0ae"
)
yearly_train = _table("yearly", "train", blob="639f4aa455f07fe83776ba2459be782730b45ed6")
yearly_test = _table(
    "yearly", "test", sha256="6dc2dd45b3af320389e2d3735cb4b3cdf320b63cbcda15d1a17193ab99702306"
)
