"""Packs what Super-Linear learns from: ``python -m tiltyard.datasets._pack_super_linear_series``.

Its argument is a folder with copies of the sources' files, into which the .npz is written. Every
series becomes means over steps of 30 or 60 minutes. Gaps of a few hours are interpolated, a longer
one ends a series. In NAB's series, the largest thousandth of the values is clipped to the smallest
of them. Values are rounded to 256 levels between a series' extremes. The data is thus changed, as
CC-BY-4.0 asks to be said. New York's taxis, which a problem of the forecasting suite is made of,
are left out.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tiltyard.download import file_sha256
from tiltyard.errors import TiltyardError

SHORTEST = 900
"""Values of a series that is worth keeping."""

PIECES = 3
"""Longest pieces of a series with gaps that are kept."""

FILES_SHA256 = "ccb602b5b48abf54b353db74fc3631fc295432110440c7b673b038ddff9b18f5"
"""Of the lines that ``sha256sum *.csv`` prints in the folder."""

_APPLIANCES = ("Appliances", "T1", "T2", "T3", "T6", "T7", "T9", "T_out", "RH_1", "RH_5", "RH_out")

_STOCKS = ("AAPL", "AMZN", "CRM", "CVS", "FB", "GOOG", "IBM", "KO", "PFE", "UPS")

_NAB_HOURLY = (
    "ambient_temperature_system_failure",
    *(f"exchange-{i}_{what}_results" for i in (2, 3, 4) for what in ("cpc", "cpm")),
)

_NAB_HALF_HOURLY = (
    "machine_temperature_system_failure",
    *(f"Twitter_volume_{name}" for name in _STOCKS),
    "cpu_utilization_asg_misconfiguration",
)

Steps = tuple[pd.Series, int]
"""Values, with the times they begin at, and the minutes of a step."""


def main(folder: Path) -> None:
    """Write ``super_linear_series.npz``.

    Raises:
        TiltyardError: the files are not those that are expected.
    """
    lines = "".join(f"{file_sha256(path)}  {path.name}\n" for path in sorted(folder.glob("*.csv")))
    if hashlib.sha256(lines.encode()).hexdigest() != FILES_SHA256:
        raise TiltyardError(f"the .csv files in {folder} are not those that were packed")
    codes, lengths, minutes = [], [], []
    for series, step in _series(folder):
        for piece in _pieces(series.interpolate(limit=6 * 60 // step)):
            low, high = piece.min(), piece.max()
            codes.append(np.rint((piece - low) / (high - low) * 255).astype(np.uint8))
            lengths.append(len(piece))
            minutes.append(step)
    path = folder / "super_linear_series.npz"
    # Differences compress better than values.
    differences = np.diff(np.concatenate(codes), prepend=np.uint8(0))
    np.savez_compressed(
        path, differences=differences, lengths=np.array(lengths), minutes=np.array(minutes)
    )
    sys.stdout.write(f"{len(lengths)} series, {sum(lengths)} values, {path.stat().st_size} bytes\n")
    sys.stdout.write(f"{file_sha256(path)}\n")


def _series(folder: Path) -> Iterator[Steps]:
    """Yield the series of every source, in an order that never changes."""
    yield from _energy(folder)
    yield from _traffic(folder)
    for name in _APPLIANCES:
        values = pd.read_csv(folder / f"appliances_{name}.csv").iloc[:, 0]
        times = pd.date_range("2016-01-11 17:00", periods=len(values), freq="10min")
        yield _means(times, values, 30)
    for step, names in ((60, _NAB_HOURLY), (30, _NAB_HALF_HOURLY)):
        for name in names:
            table = pd.read_csv(folder / f"{name}.csv")
            values = table["value"].clip(upper=float(table["value"].quantile(0.999)))
            yield _means(pd.to_datetime(table["timestamp"]), values, step)


def _energy(folder: Path) -> Iterator[Steps]:
    """Yield Tetouan's loads and weather, and the loads of a steel works."""
    table = pd.read_csv(folder / "tetouan.csv")
    times = pd.to_datetime(table["DateTime"], format="%m/%d/%Y %H:%M")
    for name in table.columns[-3:]:
        yield _means(times, table[name], 30)
    for name in ("Temperature", "Humidity"):
        yield _means(times, table[name], 60)
    table = pd.read_csv(folder / "steel.csv", encoding="utf-8-sig")
    # The file's times jump back at midnight; its rows are in order.
    rows = pd.date_range("2018-01-01", periods=len(table), freq="15min")
    for name, step in zip(table.columns[1:4], (30, 60, 60), strict=True):
        yield _means(rows, table[name], step)


def _traffic(folder: Path) -> Iterator[Steps]:
    """Yield hired bicycles and the weather of two cities, and cars on a motorway."""
    table = pd.read_csv(folder / "seoul.csv")
    days = pd.to_datetime(table["Date"], format="%d/%m/%Y")
    times = days + pd.to_timedelta(table["Hour"], unit="h")
    hired = table["RentedBikeCount"].where(table["FunctioningDay"] == "Yes")
    for values in (hired, table["Temperature"], table["Humidity"]):
        yield _means(times, values, 60)
    table = pd.read_csv(folder / "bike.csv")
    days = pd.to_datetime(table["dteday"], format="%m/%d/%Y")
    times = days + pd.to_timedelta(table["hr"], unit="h")
    for name in ("casual", "registered", "temp", "hum"):
        yield _means(times, table[name], 60)
    table = pd.read_csv(folder / "metro.csv")
    yield _means(pd.to_datetime(table["date_time"]), table["traffic_volume"], 60)


def _means(times: pd.Series | pd.DatetimeIndex, values: pd.Series, step: int) -> Steps:
    """Return means over steps of some minutes; NaN where a step has no value."""
    series = pd.Series(values.to_numpy(float), index=pd.DatetimeIndex(times)).sort_index()
    return series.resample(f"{step}min").mean(), step


def _pieces(series: pd.Series) -> Iterator[NDArray[np.float64]]:
    """Yield the longest pieces without gaps, the longest one first."""
    known = series.notna().to_numpy()
    ends = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0))
    pieces = [series.to_numpy()[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True)]
    pieces = [piece for piece in pieces if len(piece) >= SHORTEST and np.ptp(piece) > 0]
    yield from sorted(pieces, key=len, reverse=True)[:PIECES]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
