"""Drift forecast: the line through the first and the last value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(suite="forecasting", cites="https://otexts.com/fpp3/simple-methods.html")
def drift(problem: Any, rng: Any) -> Iterator[Any]:  # noqa: ARG001 - nothing is random
    """Extend the line through the ends, with the intervals of a random walk with drift."""
    from tiltyard.implementations.forecasting import _simple

    h, levels = problem.horizon, problem.levels
    yield problem.roll(lambda past: _simple.drift(past, h, levels))
