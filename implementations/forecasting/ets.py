"""Exponential smoothing in state space form, chosen by AICc (Hyndman et al., 2002)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation

_LONGEST = 24


@implementation(
    suite="forecasting",
    cites="doi:10.1016/S0169-2070(01)00110-8",
    needs={"statsforecast": "statsforecast>=2"},
    requires={"track": ("rolling",)},
)
def ets(
    problem: Any,
    rng: Any,  # noqa: ARG001 - nothing is random
    *,
    seasons: int = 7,
    values: int = 150,
) -> Iterator[Any]:
    """Let AutoETS choose error, trend and season for each series at each window.

    A local model: thousands of windows, as of the long-horizon track, are not what it is for. As in
    R and in the library, a season of more than 24 values is not modelled. Intervals may diverge
    where errors are multiplicative.

    Args:
        problem: of track rolling.
        rng: not used: intervals are simulated with a seed of the library's own.
        seasons: to look back.
        values: to look back at the least.
    """
    from statsforecast.models import AutoETS

    from tiltyard.implementations.forecasting._statsforecast import look_back, roll

    m = problem.season if problem.season <= _LONGEST else 1
    length = look_back(m, seasons, values)
    yield roll(problem, lambda: AutoETS(season_length=m), length, {})
