"""Multiple seasons by LOESS, the rest by ETS (Bandara, Hyndman and Bergmeir, 2021)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="arXiv:2107.13462",
    needs={"statsforecast": "statsforecast>=2"},
    requires={"track": ("rolling",)},
)
def mstl(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    seasons: int = 10,
    values: int = 1000,
) -> Iterator[Any]:
    """Take each series apart into seasons and a trend at each window; forecast that by ETS.

    Seasons are the problem's and, of several values a day, the day and the week, where the
    look-back holds two of them. Intervals are those of the trend. A local model: thousands of
    windows, as of the long-horizon track, are not what it is for.

    Args:
        problem: of track rolling.
        rng: not used.
        seasons: of the problem to look back.
        values: to look back at the least.
    """
    from statsforecast.models import MSTL, AutoETS

    from tiltyard.implementations.forecasting._statsforecast import look_back, periods, roll

    length = look_back(problem.season, seasons, values)
    found = periods(problem, length)

    def make() -> Any:
        return MSTL(season_length=found) if found else AutoETS(model="ZZN")

    yield roll(problem, make, length, {"seasons": " ".join(map(str, found))})
