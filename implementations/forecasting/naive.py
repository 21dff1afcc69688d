"""Naive forecast: every value is the last one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiltyard import implementation


@implementation(suite="forecasting", cites="https://otexts.com/fpp3/simple-methods.html")
def naive(problem: Any, rng: Any) -> Iterator[Any]:  # noqa: ARG001 - nothing is random
    """Carry the last value forward, with a random walk's intervals."""
    from tiltyard.implementations.forecasting import _simple

    h, levels = problem.horizon, problem.levels
    yield problem.roll(lambda past: _simple.naive(past, h, levels))
