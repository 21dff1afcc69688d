"""Whether a method knows what it cannot: its forecasts must not change with the future."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tiltyard.suite import Attempt
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import ForecastProblem, rolled


def foresight(problem: ForecastProblem, attempt: Attempt) -> Iterator[str]:
    """Yield how a method's forecasts of the first window depend on values that come after it.

    The method is run with one future and with another; the first window must be forecast alike,
    bit for bit. This finds also what no interface can prevent in one process: a search of the
    interpreter's frames or memory, or answers forged when the last window has told the labels of
    the first. The past is altered a little in both runs, so that no other panel begins like it.

    Args:
        problem: not of a run: with its panel.
        attempt: runs the method.
    """
    one = rolled(attempt(_shortened(problem, alter=False)))
    other = rolled(attempt(_shortened(problem, alter=True)))
    if bool(one.quantiles) != bool(other.quantiles):
        yield "quantiles come with one future and not with another"
    elif one.point[0].tobytes() != other.point[0].tobytes():
        yield "point forecasts change with values that come later"
    elif one.quantiles and one.quantiles[0].tobytes() != other.quantiles[0].tobytes():
        yield "quantiles change with values that come later"


def _shortened(problem: ForecastProblem, *, alter: bool) -> ForecastProblem:
    """Return the problem with two windows, perhaps with another future."""
    if problem.panel is None:
        raise ValueError("the problem of a run has no future to alter")
    values = problem.panel.values[:, : problem.origin + 1 + problem.horizon]
    values = values * np.random.default_rng(0).uniform(0.99, 1.01, values.shape)
    if alter:
        values[:, problem.origin :] = 1.0 - 2.0 * values[:, problem.origin :]
    return ForecastProblem(
        panel=Panel(values=values, frequency=problem.frequency),
        track=problem.track,
        horizon=problem.horizon,
        season=problem.season,
        origin=problem.origin,
        windows=2,
        stride=1,
        train=problem.train,
        location=problem.location,
        scale=problem.scale,
    )
