"""Seasonal naive forecast: each value is that of one season before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(suite="forecasting", cites="https://otexts.com/fpp3/simple-methods.html")
def seasonal_naive(problem: Any, rng: Any) -> Iterator[Any]:  # noqa: ARG001 - nothing is random
    """Repeat the last season, with normal intervals of the seasonal residuals."""
    from tiltyard.implementations.forecasting import _simple

    h, m, levels = problem.horizon, problem.season, problem.levels
    yield problem.roll(lambda past: _simple.seasonal_naive(past, h, m, levels))
