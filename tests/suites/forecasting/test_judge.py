"""The judge takes forecasts, refuses what is none in one line, and flags what is odd."""

import dataclasses
import math

import numpy as np
import pytest

from tests.suites.forecasting.cases import (
    HORIZON,
    ORIGIN,
    WINDOWS,
    drawn,
    judged,
    problem_of,
    rolled,
)
from tiltyard.errors import InvalidAnswer, NonFiniteAnswer, TiltyardError
from tiltyard.implementation import implementation
from tiltyard.run.driver import Run
from tiltyard.run.record import Status
from tiltyard.suite import Budget
from tiltyard.suites.forecasting import SUITE
from tiltyard.suites.forecasting.judge import ForecastJudge
from tiltyard.suites.forecasting.panel import Panel

SERIES = [0, 1, 4]


@pytest.fixture
def problem():
    return problem_of(np.abs(drawn()[0][SERIES]))


def given(problem, made):
    """Return what the judge makes of a forecaster that always gives the same."""
    return ForecastJudge(problem).accept(problem.on("cpu").roll(lambda _: made))


POINT = np.ones((3, HORIZON))
QUANTILES = np.ones((3, 9, HORIZON))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, "found dtype object"),
        (np.ones(HORIZON), "the point forecast: expected 3 x 5 real numbers (series x horizon)"),
        (np.ones((HORIZON, 3)), "found shape (5, 3)"),
        (np.ones((1, 3, HORIZON)), "found shape (1, 3, 5)"),
        (POINT.astype(complex), "found dtype complex128"),
        (POINT.astype(str), "found dtype <U32"),
        (POINT.astype(object), "found dtype object"),
        (POINT > 0, "found dtype bool"),
        ([[1.0], [1.0, 2.0], [3.0]], "found list"),
        ((POINT, None), "the quantiles: expected 3 x 9 x 5 real numbers (series x levels x hor"),
        ((POINT, POINT), "found shape (3, 5)"),
        ((POINT, np.ones((9, 3, HORIZON))), "found shape (9, 3, 5)"),
        ((POINT, QUANTILES, 1), "the point forecast: expected"),
        ({"point": POINT}, "found dtype object"),
        (lambda: POINT, "found dtype object"),
    ],
)
def test_refuses(problem, made, message):
    with pytest.raises(InvalidAnswer) as error:
        given(problem, made)
    assert str(error.value).startswith(f"window 1 of {WINDOWS}: the ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not isinstance(error.value, NonFiniteAnswer)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["point forecast", "quantiles"])
def test_refuses_what_is_not_finite(problem, which, bad):
    point, quantiles = POINT.copy(), QUANTILES.copy()
    (point if which == "point forecast" else quantiles)[..., -1] = bad
    with pytest.raises(NonFiniteAnswer, match=f"window 1 of 3: the {which}s? holds NaN or inf"):
        given(problem, (point, quantiles))


def test_stops_at_the_first_window_that_is_refused(problem):
    seen = []

    def forecast(past):
        seen.append(past.shape[1])
        return POINT if len(seen) < 2 else POINT[:2]

    with pytest.raises(InvalidAnswer, match="window 2 of 3: the point forecast"):
        ForecastJudge(problem).accept(problem.on("cpu").roll(forecast))
    assert seen == [ORIGIN, ORIGIN + HORIZON]


@pytest.mark.parametrize("first", [True, False])
def test_quantiles_come_with_every_window_or_none(problem, first):
    pairs = iter([first, not first, first])

    def forecast(_):
        return (POINT, QUANTILES) if next(pairs) else POINT

    with pytest.raises(InvalidAnswer, match="window 2 of 3: quantiles come with every window"):
        ForecastJudge(problem).accept(problem.on("cpu").roll(forecast))


@pytest.mark.parametrize("answer", [None, POINT, (POINT, QUANTILES), [], {}, "forecasts"])
def test_takes_what_roll_returns_alone(problem, answer):
    with pytest.raises(InvalidAnswer, match=r"expected what problem\.roll returns, found"):
        ForecastJudge(problem).accept(answer)


def test_takes_other_real_numbers(problem):
    floats = given(problem, POINT)
    for made in (POINT.tolist(), POINT.astype(np.int8), POINT.astype(np.float16)):
        again = given(problem, made)
        assert all(np.array_equal(again[name], floats[name]) for name in floats)


def test_crossing_quantiles_are_flagged_and_count_as_given():
    values, point, quantiles = drawn()
    values = values - 100.0  # so that no quantile is odd for being negative
    ordered = judged(values[SERIES], point[:, SERIES], quantiles[:, SERIES])
    crossed = quantiles.copy()
    crossed[1, 0, [2, 3], 4] = crossed[1, 0, [3, 2], 4]
    crossed[2, 1, [0, 8], 0] = crossed[2, 1, [8, 0], 0]
    verdict = judged(values[SERIES], point[:, SERIES], crossed[:, SERIES])
    assert verdict.sound
    assert verdict.certificate["flagged"] == "crossing quantiles (2 of 45 forecasts)"
    assert "flagged" not in ordered.certificate
    assert verdict.metrics["wql"] > ordered.metrics["wql"]
    assert verdict.metrics["interval_score"] > ordered.metrics["interval_score"]


def test_negative_quantiles_of_series_that_never_were_are_flagged():
    values, point, quantiles = drawn()
    values = np.abs(values[SERIES]) + 1.0
    values[1, 3] = -1.0
    made = np.abs(quantiles[:, SERIES])
    made.sort(axis=2)
    assert "flagged" not in judged(values, point[:, SERIES], made).certificate
    made[:, :, 0] = -0.25
    told = judged(values, point[:, SERIES], made).certificate
    assert told["flagged"] == "negative quantiles of never negative series (30 of 45 forecasts)"
    location, scale = np.full(3, 2.0), np.full(3, 0.5)
    scaled = judged((values - 2) / 0.5, point[:, SERIES], made, location=location, scale=scale)
    assert "flagged" not in scaled.certificate  # raw, they are 1.875 and more


@pytest.mark.parametrize(
    "values",
    [
        np.ones((2, ORIGIN + 15)),  # MASE is undefined
        np.tile(np.arange(6.0), (2, 10))[:, : ORIGIN + 15],  # the seasonal naive one is exact
        np.where(np.arange(ORIGIN + 15) < ORIGIN, np.arange(ORIGIN + 15.0) ** 2, np.nan)[None],
    ],
    ids=["constant", "periodic", "without labels"],
)
@pytest.mark.parametrize("track", ["rolling", "long-horizon"])
def test_problem_with_nothing_to_compare_is_refused(values, track):
    with pytest.raises(TiltyardError, match="nothing to compare with") as error:
        ForecastJudge(problem_of(values, track=track))
    assert "\n" not in str(error.value)


def test_notes_and_parameters_become_part_of_the_certificate(problem):
    made = problem.on("cpu").roll(lambda _: POINT, parameters=np.int64(12))
    made.notes |= {"look-back": np.int64(96), "lambda": 0.5, "norm": "last", "trained": True}
    judge = ForecastJudge(problem)
    verdict = judge.score(judge.accept(made))
    told = verdict.certificate
    assert (told["look-back"], told["lambda"], told["norm"]) == (96, 0.5, "last")
    assert told["trained"] is True
    assert told["parameters"] == verdict.metrics["parameters"] == 12
    assert told["frequency"] == "h"


@pytest.mark.parametrize(
    ("notes", "parameters", "message"),
    [
        ({"look-back": [1, 2]}, 0, "notes: look-back is no finite number, boolean or text"),
        ({"x": math.nan}, 0, "notes: x is no finite number"),
        ({1: 2}, 0, "notes: 1 is no finite number"),
        ([], 0, "notes: expected a dictionary, found list"),
        ({"flagged": "no"}, 0, "notes: flagged is not for a method to say"),
        ({}, -1, "parameters: expected a count, found -1"),
        ({}, 1.5, "parameters: expected a count, found 1.5"),
        ({}, None, "parameters: expected a count, found None"),
    ],
)
def test_refuses_notes_that_are_none(problem, notes, parameters, message):
    made = problem.on("cpu").roll(lambda _: POINT, parameters=parameters)
    made.notes = notes
    with pytest.raises(InvalidAnswer, match=message):
        ForecastJudge(problem).accept(made)


def test_reference_is_the_seasonal_naive_forecast(problem):
    told = ForecastJudge(problem).reference()
    assert told["value"] == 1.0
    assert told["provenance"] == "the seasonal naive forecast"
    assert told["mase"] > 0.0


def test_reference_tells_what_known_structure_allows():
    rng = np.random.default_rng(0)
    expected = np.tile(10.0 * np.arange(6.0), (2, 10))[:, : ORIGIN + 15] + np.arange(ORIGIN + 15)
    values = expected + rng.standard_normal(expected.shape)
    problem = problem_of(values)
    panel = Panel(values=values, frequency="h", expected=expected)
    known = dataclasses.replace(problem, panel=panel)
    assert "expected_mase" not in ForecastJudge(problem).reference()
    told = ForecastJudge(known).reference()
    windows = [expected[:, ORIGIN + HORIZON * w :][:, :HORIZON] for w in range(WINDOWS)]
    found = judged(values, np.stack(windows)).metrics
    assert told["expected_mase"] == found["mase"]
    assert told["expected_mse"] == found["mse"]
    assert found["gap"] < 0.5


def test_verdict_has_every_metric(problem):
    judge = ForecastJudge(problem)
    verdict = judge.score(judge.accept(rolled(problem, np.ones((WINDOWS, 3, HORIZON)))))
    assert set(verdict.metrics) == {metric.name for metric in SUITE.metrics}


def driven(problem, forecast):
    """Return how a run of one forecaster ends."""

    @implementation(suite="forecasting", cites="unpublished")
    def method(problem, rng):
        """Give what it is told to."""
        yield problem.roll(forecast)

    judge = ForecastJudge(problem)
    run = Run(SUITE, method, problem.on("cpu"), judge, budget=Budget(), report=lambda _: None)
    return run.drive(np.random.default_rng(0), {})


def test_run_tells_what_is_flagged(problem):
    crossing = np.broadcast_to(np.arange(9.0, 0.0, -1.0)[:, None], QUANTILES.shape)
    outcome = driven(problem, lambda _: (POINT, crossing))
    assert outcome.status is Status.STOPPED
    assert outcome.reason.endswith("flagged for crossing quantiles (45 of 45 forecasts)")


@pytest.mark.parametrize("size", [1e200, 1e308])
def test_run_of_forecasts_too_large_for_floats_diverges(problem, size):
    outcome = driven(problem, lambda _: np.full((3, HORIZON), size))
    assert outcome.status is Status.DIVERGED


def test_run_ends_with_one_line_where_a_forecast_is_none(problem):
    outcome = driven(problem, lambda past: past)
    assert outcome.status is Status.INVALID_ANSWER
    assert outcome.reason == (
        "window 1 of 3: the point forecast: expected 3 x 5 real numbers (series x horizon), "
        "found shape (3, 40)"
    )
