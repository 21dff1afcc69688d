"""Tables of many series that Lai, Chang, Yang & Liu (2018) published; fetched.

Their repository states no licence, so none of it ships. The tables have no times.
"""

from __future__ import annotations

from pathlib import Path

from tiltyard.dataset import Arrays, dataset
from tiltyard.datasets._series import undated

LICENCE = "none stated"
SOURCE = (
    "Lai, Chang, Yang & Liu (2018), Modeling Long- and Short-Term Temporal Patterns with Deep "
    "Neural Networks, arXiv:1703.07015; "
    "https://github.com/laiguokun/multivariate-time-series-data"
)
AT = (
    "https://raw.githubusercontent.com/laiguokun/multivariate-time-series-data/"
    "7f402f185cc2435b5e66aed13a3b560ed142e023/"
)


@dataset(
    licence=LICENCE,
    source=SOURCE,
    url=f"{AT}exchange_rate/exchange_rate.txt.gz",
    sha256="6a4fbb561dcdee43f071a83badbeec9223a335552278348656738b556f1c2e9d",
)
def exchange_rate(path: Path) -> Arrays:
    """Daily exchange rates of eight countries' currencies.

    The repository says 1990 to 2016, which 7,588 days do not fill; they are dated from 1990 on.

    Returns:
        values: (8, 7588) float64: of Australia, Britain, Canada, Switzerland, China, Japan, New
            Zealand and Singapore.
        ends: (8,) int64, seconds since 1970.
    """
    return undated(path, shape=(7588, 8), end="2010-10-10")


@dataset(
    licence="CC-BY-4.0 (the origin's; the repository of this table states none)",
    source=f"{SOURCE}; of Trindade (2015), ElectricityLoadDiagrams20112014, UCI Machine Learning "
    "Repository, doi:10.24432/C58C86",
    url=f"{AT}electricity/electricity.txt.gz",
    blob="df158a9fff65428ece107200432a72c992d5e4e9",
)
def electricity(path: Path) -> Arrays:
    """Hourly consumption of electricity of 321 clients, 2012 to 2014.

    Returns:
        values: (321, 26304) float64, kWh.
        ends: (321,) int64, seconds since 1970.
    """
    return undated(path, shape=(26304, 321), end="2014-12-31T23:00")


@dataset(
    licence=LICENCE,
    source=f"{SOURCE}; of the California Department of Transportation, https://pems.dot.ca.gov",
    url=f"{AT}traffic/traffic.txt.gz",
    blob="63ddb74bf7602568f36056a0b1a47aa407f0a6fe",
)
def traffic(path: Path) -> Arrays:
    """Hourly road occupancy at 862 sensors around San Francisco, 2015 and 2016.

    Returns:
        values: (862, 17544) float64, rates from 0 to 1.
        ends: (862,) int64, seconds since 1970.
    """
    return undated(path, shape=(17544, 862), end="2016-12-31T23:00")
