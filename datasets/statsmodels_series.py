"""Series that ship inside statsmodels; all of them are in the public domain."""

from __future__ import annotations

from typing import Any

import numpy as np

from tiltyard.dataset import Arrays, dataset

NEEDS = {"statsmodels": "tiltyard[statsmodels]"}
LICENCE = "public domain (as redistributed by statsmodels)"


@dataset(
    licence=LICENCE,
    source="Keeling & Whorf (2004), Atmospheric CO2 concentrations derived from flask air samples, "
    "CDIAC, https://cdiac.ornl.gov/trends/co2/sio-keel-flask/sio-keel-flaskmlo_c.html",
    sha256="2d35e3318236016ff88d47c00b80eeb489238e55e999a9d803a027c6c9f24937",
    missing=True,
    needs=NEEDS,
)
def co2() -> Arrays:
    """Carbon dioxide in the air above Mauna Loa, weekly from 1958 to 2001; 59 weeks are missing.

    Returns:
        values: (1, 2284) float64, parts per million.
        ends: (1,) int64, seconds since 1970.
    """
    from statsmodels.datasets import co2 as module

    table = module.load_pandas().data
    return _series(table["co2"], str(table.index[-1].date()))


@dataset(
    licence=LICENCE,
    source="National Geophysical Data Center, https://www.ngdc.noaa.gov/stp/solar/solarda3.html",
    sha256="0e7fe1e2de707c9f62b5839178e19bea212dbb920a95097f2f90293bcb4aa4d3",
    needs=NEEDS,
)
def sunspots() -> Arrays:
    """Sunspots, yearly from 1700 to 2008.

    Returns:
        values: (1, 309) float64, the yearly mean of the sunspot number.
        ends: (1,) int64, seconds since 1970.
    """
    from statsmodels.datasets import sunspots as module

    return _series(module.load_pandas().data["SUNACTIVITY"], "2008-01-01")


@dataset(
    licence=LICENCE,
    source="Cobb (1978), doi:10.1093/biomet/65.2.243",
    sha256="b8b29a9011e5132ff7c265830897e19fce883fcba1f0f807ec027366f6806254",
    needs=NEEDS,
)
def nile() -> Arrays:
    """Flow of the Nile at Aswan, yearly from 1871 to 1970.

    Returns:
        values: (1, 100) float64, 1e8 cubic metres.
        ends: (1,) int64, seconds since 1970.
    """
    from statsmodels.datasets import nile as module

    return _series(module.load_pandas().data["volume"], "1970-01-01")


@dataset(
    licence=LICENCE,
    source="National Weather Service, ERSST.V3B, Nino 1+2, "
    "https://www.cpc.ncep.noaa.gov/data/indices/",
    sha256="6fc7ee5228eea2cb6edc4dbad56f494f7ffcb4af8fe212e9babf5808f9ccbede",
    needs=NEEDS,
)
def elnino() -> Arrays:
    """Temperature of the sea off Ecuador and Peru, monthly from 1950 to 2010.

    Returns:
        values: (1, 732) float64, degrees Celsius.
        ends: (1,) int64, seconds since 1970.
    """
    from statsmodels.datasets import elnino as module

    table = module.load_pandas().data
    return _series(table.drop(columns="YEAR").to_numpy().ravel(), "2010-12-01")


@dataset(
    licence=LICENCE,
    source="Federal Reserve Bank of St. Louis, https://fred.stlouisfed.org; National Bureau of "
    "Labor Statistics",
    sha256="d8c896dd54fdb32c35d2702177dc4f8fa567fa1b81352a7c68c01443c66816ff",
    needs=NEEDS,
)
def macrodata() -> Arrays:
    """Twelve quantities of the United States' economy, quarterly from 1959 to 2009.

    Returns:
        values: (12, 203) float64: gross domestic product, consumption, investment, government's
            spending, income, consumer prices, money, treasury bills' rate, unemployment,
            population, inflation and the real interest rate.
        ends: (12,) int64, seconds since 1970.
    """
    from statsmodels.datasets import macrodata as module

    table = module.load_pandas().data
    return _series(table.drop(columns=["year", "quarter"]).to_numpy().T, "2009-07-01")


def _series(values: Any, end: str) -> Arrays:
    # The sources have at most four decimals; readers of text differ in the last bit.
    rows = np.round(np.atleast_2d(np.asarray(values, dtype=np.float64)), 4)
    last = np.datetime64(end, "s").astype(np.int64)
    return {"values": rows, "ends": np.full(len(rows), last)}
