"""The tiny problems on which methods are rehearsed before their first timed run."""

from __future__ import annotations

import numpy as np

from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem

_SERIES = 2
_WINDOWS = 2
_SEASONS = 4


def miniature(problem: ForecastProblem) -> ForecastProblem:
    """Return a problem with the same horizon, frequency and season, of two short series drawn anew.

    The validation part is one horizon long.
    """
    length = min(problem.origin, max(_SEASONS * min(problem.season, 500), 4 * problem.horizon, 600))
    columns = length + problem.stride * (_WINDOWS - 1) + problem.horizon
    rng = np.random.default_rng(0)
    wave = np.sin(2.0 * np.pi * np.arange(columns) / max(problem.season, 2))
    values = 10.0 + wave + 0.1 * rng.standard_normal((min(_SERIES, problem.series), columns))
    return ForecastProblem(
        panel=Panel(values=values, frequency=problem.frequency),
        track=problem.track,
        horizon=problem.horizon,
        season=problem.season,
        origin=length,
        windows=min(_WINDOWS, problem.windows),
        stride=problem.stride,
        train=max(1, length - problem.horizon),
    )
