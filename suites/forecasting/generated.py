"""Generated series with known structure, of several frequencies.

Values are a deterministic part, which is what a forecast can know, plus independent noise; the
panel holds the former as ``expected``, so the judge can tell the least error that is possible.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tiltyard.errors import TiltyardError, unknown
from tiltyard.family import problem
from tiltyard.suites.forecasting.panel import Array, Panel
from tiltyard.suites.forecasting.problem import ForecastProblem
from tiltyard.suites.forecasting.protocol import HORIZONS, parse_frequency, rolling

PERIODS: Mapping[str, tuple[float, ...]] = {
    "30min": (48, 336),
    "h": (24, 168),
    "D": (7, 365.25),
    "W": (52.18,),
    "MS": (12,),
    "QS": (4,),
}
"""Values in each cycle of a frequency: day and week, week and year, or the year."""

LENGTHS = {"30min": 2688, "h": 1680, "D": 1095, "W": 416, "MS": 240, "QS": 120}
"""Values of each series."""

INSTANCES = [{"instance": i} for i in range(3)]


@problem(suite="forecasting", track="rolling", tiers={"smoke": [{}]})
def daily_cycle(
    rng: np.random.Generator,
    *,
    series: int = 4,
    instance: int = 0,  # noqa: ARG001 - rng derives from it
) -> ForecastProblem:
    """Hourly series with a day and a week, a trend and noise."""
    t = np.arange(24 * 7 * 4)
    expected = np.stack(
        [
            10.0
            + rng.uniform(1.0, 3.0) * np.sin(2 * np.pi * (t / 24 + rng.uniform()))
            + rng.uniform(0.5, 1.0) * np.sin(2 * np.pi * (t / 168 + rng.uniform()))
            + rng.uniform(-1.0, 1.0) * t / len(t)
            for _ in range(series)
        ]
    )
    panel = _noisy(rng, expected, 0.3, "h")
    return rolling(panel, horizons={"h": 24}, windows=2)


@problem(
    suite="forecasting",
    track="rolling",
    tiers={
        "standard": [{"frequency": name} for name in PERIODS],
        "full": [{"frequency": name, **one} for name in PERIODS for one in INSTANCES],
    },
)
def multi_seasonal(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    frequency: str = "h",
    series: int = 8,
    trend: float = 2.0,
    noise: float = 0.5,
    instance: int = 0,  # noqa: ARG001 - rng derives from it
) -> ForecastProblem:
    """Series with every cycle of their frequency, up to three harmonics each, a trend and noise.

    A trend of up to ``trend`` over the whole length, and noise of that standard deviation; cycles
    have amplitudes between 1 and 3.
    """
    _need(series=series)
    if frequency not in PERIODS:
        raise unknown("frequency", frequency, PERIODS)
    length = LENGTHS[frequency]
    expected = 20.0 + _cycles(rng, series, length, PERIODS[frequency])
    expected += rng.uniform(-trend, trend, (series, 1)) * np.linspace(0.0, 1.0, length)
    return rolling(_noisy(rng, expected, noise, frequency))


@problem(
    suite="forecasting",
    track="rolling",
    tiers={
        "standard": [{"rate": rate} for rate in (1, 2, 4, 6)],
        "full": [{"rate": rate, **one} for rate in (1, 2, 4, 6) for one in INSTANCES],
    },
)
def resampled(
    rng: np.random.Generator,
    *,
    rate: int = 1,
    series: int = 8,
    noise: float = 0.5,
    instance: int = 0,  # noqa: ARG001 - rng derives from it
) -> ForecastProblem:
    """One hourly process with a day and a week, of which every ``rate``-th value is kept.

    Problems of every rate that divides 24 are of the same draw, and forecast the same ten times 48
    hours: what differs between them is the rate alone.
    """
    _need(series=series)
    if rate < 1 or 24 % rate:
        raise TiltyardError(f"rate={rate} does not divide the 24 hours of a day")
    expected = 20.0 + _cycles(rng, series, 24 * 7 * 12, (24, 168))
    values = expected + noise * rng.standard_normal(expected.shape)
    panel = Panel(
        values=values[:, ::rate],
        frequency="h" if rate == 1 else f"{rate}h",
        expected=expected[:, ::rate],
    )
    return rolling(panel, horizons={"h": 48 // rate}, windows=10)


@problem(
    suite="forecasting",
    track="rolling",
    tiers={"smoke": [{"series": 3, "length": 400}], "full": [{}]},
)
def missing_values(  # noqa: PLR0913 - a problem's parameters
    rng: np.random.Generator,
    *,
    series: int = 8,
    length: int = 1680,
    share: float = 0.1,
    noise: float = 0.5,
    instance: int = 0,  # noqa: ARG001 - rng derives from it
) -> ForecastProblem:
    """Hourly series of different lengths with gaps, one of which never changes.

    A ``share`` of values is missing, and a day in the middle of each series; each begins within the
    first half. The last one is constant.
    """
    _need(series=series, least=2)
    if not 0.0 <= share < 1.0 or length < 240:
        raise TiltyardError(f"share={share} or length={length} leaves too few values")
    expected = 20.0 + _cycles(rng, series, length, (24, 168))
    panel = _noisy(rng, expected, noise, "h")
    values, expected = panel.values, panel.expected
    values[-1] = expected[-1] = 5.0
    values[rng.random(values.shape) < share] = np.nan
    begins = rng.integers(0, length // 2, series)
    begins[0] = 0
    for one, begin in zip(values, begins, strict=True):
        one[:begin] = np.nan
        middle = (begin + length) // 2
        one[middle : middle + 24] = np.nan
    values[:, -1] = expected[:, -1]
    return rolling(panel, horizons={"h": 24}, windows=2)


@problem(suite="forecasting", track="rolling", tiers={"full": INSTANCES})
def intermittent(
    rng: np.random.Generator,
    *,
    series: int = 8,
    rate: float = 0.3,
    size: float = 3.0,
    instance: int = 0,  # noqa: ARG001 - rng derives from it
) -> ForecastProblem:
    """Daily demand that is mostly zero: on a share of days ``rate`` on average, more on some.

    The size of a demand is 1 plus a Poisson variable of mean ``size``; how likely one is depends on
    the day of the week.
    """
    _need(series=series)
    if not 0.0 < rate <= 0.5 or size < 0.0:
        raise TiltyardError(f"rate={rate} is not in (0, 0.5], or size={size} is negative")
    chance = rate * rng.uniform(0.0, 2.0, (series, 7))[:, np.arange(LENGTHS["D"]) % 7]
    drawn = rng.random(chance.shape) < chance
    values = np.where(drawn, 1.0 + rng.poisson(size, chance.shape), 0.0)
    return rolling(Panel(values=values, frequency="D", expected=chance * (1.0 + size)), season=7)


@problem(suite="forecasting", track="rolling", tiers={"full": INSTANCES})
def regime_shift(
    rng: np.random.Generator,
    *,
    series: int = 8,
    noise: float = 0.5,
    instance: int = 0,  # noqa: ARG001 - rng derives from it
) -> ForecastProblem:
    """Hourly series whose level and daily cycle change for good at a time before the test.

    It lies between two and six weeks before the end; the test windows are the last eight days.
    """
    _need(series=series)
    length = LENGTHS["h"]
    shift = length - rng.integers(24 * 14, 24 * 42, (series, 1))
    after = np.arange(length) >= shift
    before = 20.0 + _cycles(rng, series, length, (24,))
    later = 20.0 + rng.uniform(-10.0, 10.0, (series, 1)) + _cycles(rng, series, length, (24,))
    return rolling(_noisy(rng, np.where(after, later, before), noise, "h"))


@problem(suite="forecasting", track="rolling", tiers={"full": [{"frequency": f} for f in PERIODS]})
def short_history(
    rng: np.random.Generator,
    *,
    frequency: str = "h",
    series: int = 8,
    noise: float = 0.5,
    instance: int = 0,  # noqa: ARG001 - rng derives from it
) -> ForecastProblem:
    """Series of which two seasons, or two horizons where that is more, precede the one window."""
    _need(series=series)
    if frequency not in PERIODS:
        raise unknown("frequency", frequency, PERIODS)
    period = PERIODS[frequency][0]
    horizon = HORIZONS[parse_frequency(frequency)[0]]
    length = 2 * max(int(np.ceil(period)), horizon) + horizon
    expected = 20.0 + _cycles(rng, series, length, (period,))
    return rolling(_noisy(rng, expected, noise, frequency), windows=1)


def _cycles(
    rng: np.random.Generator, series: int, length: int, periods: tuple[float, ...]
) -> Array:
    """Return (series, length): for each period, up to three harmonics, weaker the higher."""
    t = np.arange(length)
    made = np.zeros((series, length))
    for period in periods:
        amplitude = rng.uniform(1.0, 3.0, (series, 1))
        for harmonic in range(1, 1 + min(3, int(period // 2))):
            phase = rng.uniform(0.0, 2.0 * np.pi, (series, 1))
            made += amplitude / harmonic * np.sin(2.0 * np.pi * harmonic * t / period + phase)
    return made


def _noisy(rng: np.random.Generator, expected: Array, noise: float, frequency: str) -> Panel:
    """Return the panel of the expected values plus normal noise."""
    if noise < 0.0:
        raise TiltyardError(f"noise={noise} is negative")
    values = expected + noise * rng.standard_normal(expected.shape)
    return Panel(values=values, frequency=frequency, expected=expected)


def _need(*, series: int, least: int = 1) -> None:
    if series < least:
        raise TiltyardError(f"series={series}: expected {least} or more")
