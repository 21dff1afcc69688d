"""Seasonal ARIMA by stepwise search (Hyndman and Khandakar, 2008), of statsforecast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation

_LONGEST = 24


@implementation(
    suite="forecasting",
    cites="doi:10.18637/jss.v027.i03",
    needs={"statsforecast": "statsforecast>=2"},
    requires={"track": ("rolling",)},
)
def auto_arima(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    seasons: int = 5,
    values: int = 100,
) -> Iterator[Any]:
    """Search the orders of a seasonal ARIMA model for each series at each window.

    Orders are compared by the conditional sum of squares where R would, for more than 150 values or
    12 in a season; the look-back is short because a search takes from a tenth of a second to many.
    A season of more than 24 values is taken out by STL first, as R's ``stlm`` does. A local model:
    thousands of windows, as of the long-horizon track, are not what it is for.

    Args:
        problem: of track rolling.
        rng: not used.
        seasons: to look back.
        values: to look back at the least.
    """
    from statsforecast.models import MSTL, AutoARIMA

    from tiltyard.implementations.forecasting._statsforecast import look_back, roll

    m = problem.season
    length = look_back(m, seasons, values)

    def make() -> Any:
        quick = length > 150 or m > 12
        if m <= _LONGEST:
            return AutoARIMA(season_length=m, approximation=quick)
        return MSTL(season_length=m, trend_forecaster=AutoARIMA(approximation=quick))

    yield roll(problem, make, length, {})
