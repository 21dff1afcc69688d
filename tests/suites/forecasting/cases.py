"""Forecasts to be measured: drawn at random, with all that makes metrics differ."""

import numpy as np

from tiltyard.suites.forecasting.judge import ForecastJudge
from tiltyard.suites.forecasting.panel import Panel
from tiltyard.suites.forecasting.problem import LEVELS, ForecastProblem

SEASON, HORIZON, WINDOWS = 6, 5, 3
ORIGIN = 40


def drawn(seed=0):
    """Return values (S, T), point forecasts (W, S, H) and quantiles (W, S, Q, H).

    Among the series: zero forecasts of zeros (1), gaps in past and labels (2, 3), a past of 4
    values (4), of a season less one (5), of zeros alone (6), of one season (8), and a window
    without a label (7).
    """
    rng = np.random.default_rng(seed)
    total = ORIGIN + HORIZON * WINDOWS
    values = 5.0 + rng.gamma(2.0, 2.0, (9, total)) * rng.choice(
        [-1.0, 1.0], (9, total), p=[0.1, 0.9]
    )
    point = 5.0 + rng.gamma(2.0, 2.0, (WINDOWS, 9, HORIZON))
    noise = rng.standard_normal((WINDOWS, 9, len(LEVELS), HORIZON))
    quantiles = np.sort(point[:, :, None] + 3.0 * noise, axis=2)
    values[1, ORIGIN:][::2] = 0.0
    point[:, 1, 0] = 0.0
    values[2, rng.uniform(size=total) < 0.2] = np.nan
    values[3, rng.uniform(size=total) < 0.6] = np.nan
    values[4, : ORIGIN - 4] = np.nan
    values[5, : ORIGIN - SEASON + 1] = np.nan
    values[6, :] = 0.0
    values[8, : ORIGIN - SEASON] = np.nan
    values[7, ORIGIN : ORIGIN + HORIZON] = np.nan
    return values, point, quantiles


def problem_of(values, track="rolling", **kept):
    """Return the problem of a panel with the windows above."""
    facts = {
        "horizon": HORIZON,
        "season": SEASON,
        "origin": ORIGIN,
        "windows": WINDOWS,
        "stride": HORIZON,
        "train": ORIGIN - HORIZON,
    }
    panel = Panel(values=np.array(values, dtype=float), frequency="h")
    return ForecastProblem(panel=panel, track=track, **(facts | kept))


def rolled(problem, point, quantiles=None):
    """Return the answer of a method that gives these forecasts whatever it sees."""
    given = iter(point if quantiles is None else list(zip(point, quantiles, strict=True)))
    return problem.on("cpu").roll(lambda _: next(given))


def judged(values, point, quantiles=None, **kept):
    """Return the verdict on these forecasts."""
    problem = problem_of(values, **kept)
    judge = ForecastJudge(problem)
    return judge.score(judge.accept(rolled(problem, point, quantiles)))
