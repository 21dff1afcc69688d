"""The judge of the forecasting suite: it holds the future, and measures forecasts against it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tiltyard.errors import InvalidAnswer, TiltyardError
from tiltyard.names import Value
from tiltyard.suite import Answer, Judge, Verdict
from tiltyard.suites.forecasting.baseline import filled, seasonal_naive, seasonal_naive_quantiles
from tiltyard.suites.forecasting.metrics import point_sums, quantile_sums, seasonal_errors
from tiltyard.suites.forecasting.panel import Array
from tiltyard.suites.forecasting.problem import ForecastProblem, rolled
from tiltyard.suites.forecasting.scores import scores

_CHUNK = 2**18
"""Forecast values that are measured at a time: 2 MB of float64."""

Sums = dict[str, Array]


class ForecastJudge(Judge):
    """Scores what ``ForecastProblem.roll`` returned.

    Forecasts are measured when they are handed in; what is kept are the sums of the errors of each
    window and series, (W, S), a thousandth of the forecasts of a long horizon.

    Raises:
        TiltyardError: the seasonal naive forecast is exact, or no label of a test window is known.
    """

    def __init__(self, problem: ForecastProblem) -> None:
        if problem.panel is None:
            raise TiltyardError("a run's problem has no future to judge by")
        self._problem, values = problem, problem.panel.values
        self._location, self._scale = problem.location, problem.scale
        self._rolling = problem.track == "rolling"
        nows = problem.origin + problem.stride * np.arange(problem.windows)
        self._labels = _at(values, nows, problem.horizon)
        expected = problem.panel.expected
        self._expected = _at(expected, nows, problem.horizon) if expected.size else None
        before = np.pad(filled(values), ((0, 0), (problem.season, 0)), mode="edge")
        self._seasons = _at(before, nows, problem.season)
        self._begun = nows[:, None] > (~np.isnan(values)).argmax(axis=1)
        self._errors = seasonal_errors(values, problem.season, nows)
        # The value of 0, where the past is never below it.
        zero = -self._location / self._scale
        negative = (problem.history < zero[:, None]).any(axis=1)
        self._least = np.where(negative, -np.inf, zero)
        self._base = self._scores(self._baseline())
        what = "mase" if self._rolling else "mse"
        if not self._base[what] > 0.0:
            raise TiltyardError(
                "nothing to compare with: the seasonal naive forecast is exact, or MASE is "
                "undefined, as where all series are constant or no label is known"
            )

    def accept(self, answer: object) -> Answer:
        """Return the sums of every window and series, from which ``scores`` makes the metrics.

        Also ``crossing``, (W, S), forecasts of which a quantile is below that of a lower level, and
        ``negative``, those with a negative quantile although the series never was before.

        Raises:
            InvalidAnswer: not what ``roll`` returned, or a forecast of the wrong shape or dtype.
            NonFiniteAnswer: a forecast holds NaN or infinity.
        """
        given, told = rolled(answer), _told(answer)
        made: list[Sums] = []
        for chunk in self._chunks():
            quantiles = _stacked(given.quantiles[chunk]) if given.quantiles else None
            made.append(self._sums(chunk, _stacked(given.point[chunk]), quantiles))
            if quantiles is not None:
                made[-1] |= self._odd(quantiles)
        text = np.frombuffer(json.dumps(told).encode(), dtype=np.uint8)
        return self._complete(made) | {"told": text}

    def score(self, answer: Answer) -> Verdict:
        """Return every metric; the certificate counts what the means are over, and what is odd."""
        told = json.loads(bytes(answer["told"]).decode())
        made, base = self._scores(answer), self._base
        gap = made["mase"] / base["mase"] if self._rolling else made["mse"] / base["mse"]
        made |= {
            "gap": gap,
            "wql_ratio": made["wql"] / base["wql"] if base["wql"] > 0.0 else math.nan,
            "parameters": float(told["parameters"]),
        }
        if any(math.isinf(value) for value in made.values()):
            made["gap"] = math.inf  # which ends a run as diverged
        return Verdict(made, certificate=told | self._certificate(answer))

    def reference(self) -> Mapping[str, Value]:
        """Return the seasonal naive forecast's metrics; its place is the unit of the gap.

        Where series were generated, ``expected_mase`` and ``expected_mse`` are the errors of their
        expected values, the latter the least that any forecast may hope for.
        """
        known = {name: value for name, value in self._base.items() if math.isfinite(value)}
        if self._expected is not None:
            given = self._expected
            sums = [self._sums(chunk, given[chunk], None) for chunk in self._chunks()]
            made = self._scores(self._complete(sums))
            known |= {
                f"expected_{name}": made[name]
                for name in ("mase", "mse")
                if math.isfinite(made[name])
            }
        return {"value": 1.0, "provenance": "the seasonal naive forecast", **known}

    def _certificate(self, answer: Answer) -> dict[str, Value]:
        usable = self._errors.mean > 0.0
        labels = int(answer["count"].sum())
        forecasts = answer["count"].size * self._problem.horizon
        told: dict[str, Value] = {
            "frequency": self._problem.frequency,
            "labels": labels,
            "labels_missing": forecasts - labels,
            "windows_without_scale": int((~usable).sum()),
        }
        if self._rolling:
            told["point_only"] = "quantile" not in answer
        odd = [
            f"{what} ({int(answer[name].sum())} of {forecasts} forecasts)"
            for name, what in (("crossing", "crossing quantiles"), ("negative", _NEGATIVE))
            if name in answer and answer[name].any()
        ]
        if odd:
            told["flagged"] = ", ".join(odd)
        return told

    def _scores(self, sums: Answer) -> dict[str, float]:
        return scores(sums, len(self._problem.levels))

    def _complete(self, made: list[Sums]) -> Sums:
        """Return the sums of all windows with what they are to be divided by."""
        joined = {name: np.concatenate([one[name] for one in made]) for name in made[0]}
        joined |= {"seasonal_error": self._errors.mean, "scale": self._scale}
        # One layout, for sums that do not depend on how many windows were measured at a time.
        return {name: np.ascontiguousarray(table).copy() for name, table in joined.items()}

    def _chunks(self) -> Iterator[slice]:
        one = self._problem
        size = one.series * max(one.horizon * max(len(one.levels), 1), one.season)
        step = max(1, _CHUNK // size)
        for first in range(0, one.windows, step):
            yield slice(first, min(first + step, one.windows))

    def _sums(self, chunk: slice, point: Array, quantiles: Array | None) -> Sums:
        # One layout whoever made the arrays, so that equal forecasts have equal sums.
        y, point = (np.ascontiguousarray(array) for array in (self._labels[chunk], point))
        # Forecasts as large as float64 holds give infinite metrics, which end a run as diverged.
        with np.errstate(over="ignore", invalid="ignore"):
            made = point_sums(y, point, self._location, self._scale)
            if quantiles is not None:
                made |= quantile_sums(y, quantiles, self._problem.levels)
        return made

    def _odd(self, quantiles: Array) -> Sums:
        """Return how many forecasts of each window and series are odd; nearly always none are."""
        crossing = quantiles[:, :, 1:] < quantiles[:, :, :-1]
        crossed = np.zeros(quantiles.shape[:2])
        if crossing.any():
            crossed += crossing.any(axis=2).sum(axis=-1)
        below = np.zeros(quantiles.shape[:2])
        if (quantiles.min(axis=(2, 3)) < self._least).any():
            below += (quantiles < self._least[:, None, None]).any(axis=2).sum(axis=-1)
        return {"crossing": crossed, "negative": below}

    def _baseline(self) -> Sums:
        one, made = self._problem, []
        for chunk in self._chunks():
            point = seasonal_naive(self._seasons[chunk], one.horizon)
            point *= self._begun[chunk][..., None]  # what has not begun is forecast as 0
            quantiles = None
            if one.levels:
                rms = self._errors.rms[chunk]
                quantiles = seasonal_naive_quantiles(point, rms, one.season, one.levels)
            made.append(self._sums(chunk, point, quantiles))
        return self._complete(made)


_NEGATIVE = "negative quantiles of never negative series"

_OWN = {
    "parameters", "frequency", "labels", "labels_missing", "windows_without_scale", "point_only",
    "flagged", "claim", "reference", "improves_reference",
}  # fmt: skip
"""What the judge, or the harness, means by entries of a certificate."""


def _at(values: Array, nows: NDArray[np.int64], length: int) -> Array:
    """Return a view, (W, S, length), of the columns from each of the evenly spaced ``nows`` on."""
    step = int(nows[1] - nows[0]) if len(nows) > 1 else 1
    return sliding_window_view(values, length, axis=1)[:, nows[0] : nows[-1] + 1 : step].swapaxes(
        0, 1
    )


def _stacked(arrays: tuple[Array, ...]) -> Array:
    return arrays[0][None] if len(arrays) == 1 else np.stack(arrays)


def _told(answer: Any) -> dict[str, Value]:
    """Return what a method says of its forecasts: its parameters and notes, as plain values.

    Raises:
        InvalidAnswer: the parameters are no count, the notes not names with finite numbers,
            booleans or text, or a name means something else in a certificate.
    """
    parameters, notes = _plain(answer.parameters), answer.notes
    if not isinstance(parameters, int) or parameters < 0:
        raise InvalidAnswer(f"parameters: expected a count, found {parameters!r}")
    if not isinstance(notes, Mapping):
        raise InvalidAnswer(f"notes: expected a dictionary, found {type(notes).__name__}")
    made: dict[str, Value] = {"parameters": parameters}
    for key, given in notes.items():
        value = _plain(given)
        plain = isinstance(value, bool | int | str) or (
            isinstance(value, float) and math.isfinite(value)
        )
        if not isinstance(key, str) or not plain:
            raise InvalidAnswer(f"notes: {key} is no finite number, boolean or text")
        if key in _OWN:
            raise InvalidAnswer(f"notes: {key} is not for a method to say")
        made[key] = value
    return made


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
