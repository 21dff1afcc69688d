"""The dynamic optimised theta method (Fiorucci et al., 2016), of statsforecast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(
    suite="forecasting",
    cites="doi:10.1016/j.ijforecast.2016.02.005",
    needs={"statsforecast": "statsforecast>=2"},
    requires={"track": ("rolling",)},
)
def theta(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    seasons: int = 10,
    values: int = 1000,
) -> Iterator[Any]:
    """Fit a dynamic optimised theta model to each series at each window.

    A local model: thousands of windows, as of the long-horizon track, are not what it is for.

    Args:
        problem: of track rolling.
        rng: not used: intervals are simulated with a seed of the library's own.
        seasons: to look back.
        values: to look back at the least.
    """
    from statsforecast.models import DynamicOptimizedTheta

    from tiltyard.implementations.forecasting._statsforecast import look_back, roll

    m = problem.season
    length = look_back(m, seasons, values)
    yield roll(problem, lambda: DynamicOptimizedTheta(season_length=m), length, {})
