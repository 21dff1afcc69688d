"""What is claimed for Super-Linear (Nochumsohn et al. 2025), measured on generated series.

The abstract of arXiv:2509.15105 was at hand, not its tables; the weights are those that Tiltyard
ships, trained by its own recipe. Nothing is downloaded. One claim of the released model's scores,
that it is worse than the seasonal naive forecast on M4 hourly, needs its weights and is not made.
Problems, bars and rules were set before any of the runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tiltyard.claim import Claim, Finding, Request
from tiltyard.names import Value
from tiltyard.row import seconds_a_call
from tiltyard.suite import Budget
from tiltyard.suites.forecasting import SUITE

Array = NDArray[np.float64]
Verdict = Literal["reproduced", "not reproduced", "inconclusive"]
Method = tuple[str, Mapping[str, Value], tuple[int, ...]]
"""A method's name, its parameters, the seeds."""

OURS: Method = ("super_linear", {}, (0,))
DEEP: Method = ("patchtst", {}, (0, 1))
UNIFORM: Method = ("super_linear", {"gate": "uniform"}, (0,))
FIXED: Method = ("ridge_linear", {"look_back": 96}, (0,))
CHOSEN: Method = ("ridge_linear", {}, (0,))

VARIED = tuple(
    f"multi-seasonal[frequency={frequency},instance={instance}]"
    for frequency in ("h", "D", "W", "MS")
    for instance in (0, 1)
)
RATES = (1, 2, 4, 6)
INSTANCES = (0, 1, 2)
RESAMPLED = tuple(
    f"resampled[rate={rate},instance={instance}]" for instance in INSTANCES for rate in RATES
)

NEAR = 1.1
"""Near: an error of at most so many times the deep model's."""
CHEAP = 2.0
"""A fraction: at most half of the deep model's time for a window."""
STEADY = 1.25
"""Robust: the error of the worst rate is at most so many times that of the best."""

RESAMPLES = 1000
_MOST = 1000.0
"""What a failed run's ratio counts as."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A geometric mean of ratios, and its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, over: Array, under: Array) -> Ratio:
        """Return that of over / under, by bootstrap over the pairs.

        Args:
            over: (n,) positive; infinite where a run failed.
            under: (n,) likewise; pairs of which both failed are left out.
        """
        told = np.isfinite(over) | np.isfinite(under)
        if not told.any():
            return cls(1.0, 1.0 / _MOST, _MOST)
        logs = np.log(np.clip(over[told] / under[told], 1.0 / _MOST, _MOST))
        rng = np.random.default_rng(2509)
        drawn = logs[rng.integers(len(logs), size=(RESAMPLES, len(logs)))].mean(axis=1)
        low, high = np.quantile(drawn, [0.025, 0.975])
        return cls(*(math.exp(float(one)) for one in (logs.mean(), low, high)))

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def most(self, bar: float) -> Verdict:
        """Return the verdict on the statement that the ratio is at most the bar."""
        if self.high <= bar:
            return "reproduced"
        return "not reproduced" if self.low > bar else "inconclusive"

    def least(self, bar: float) -> Verdict:
        """Return the verdict on the statement that the ratio is at least the bar."""
        if self.low >= bar:
            return "reproduced"
        return "not reproduced" if self.high < bar else "inconclusive"


def both(*verdicts: Verdict) -> Verdict:
    """Return the verdict on a statement that needs all of these."""
    for one in ("not reproduced", "inconclusive"):
        if one in verdicts:
            return one
    return "reproduced"


def _requests(problems: Sequence[str], methods: Sequence[Method]) -> list[Request]:
    """Return a run of each method and seed on each problem; methods answer once."""
    return [
        Request(
            problem=problem,
            implementation=name,
            parameters=parameters,
            seeds=seeds,
            budget=Budget(iterations=1),
        )
        for problem in problems
        for name, parameters, seeds in methods
    ]


def _medians(records: Sequence[Any], methods: Sequence[Method], read: Any) -> Array:
    """Return what is read of the runs, (problem, method), the median over seeds.

    Args:
        records: in the order of their requests.
        methods: of the requests.
        read: of a record; what it says of a failed one counts as infinite.
    """
    counts = [len(seeds) for _, _, seeds in methods]
    values = [math.inf if one.status.failed else float(read(one)) for one in records]
    table = np.array(values).reshape(-1, sum(counts))
    parts = np.split(table, np.cumsum(counts)[:-1], axis=1)
    return np.stack([np.median(part, axis=1) for part in parts], axis=1)


def _gap(record: Any) -> float:
    return float(record.metrics[SUITE.gap])


def _latency(record: Any) -> float:
    return seconds_a_call(SUITE, record)


def _parameters(record: Any) -> float:
    return float(record.metrics["parameters"])


def _fit(record: Any) -> float:
    return float(record.phases.get("fit", 0.0))


def _cell(value: float) -> Value:
    return float(value) if math.isfinite(value) else "failed"


def _measure_near(records: Sequence[Any]) -> Finding:
    methods = (OURS, DEEP)
    gaps, times, sizes, fits, runs = (
        _medians(records, methods, read)
        for read in (_gap, _latency, _parameters, _fit, lambda one: one.seconds)
    )
    error, time = Ratio.of(gaps[:, 0], gaps[:, 1]), Ratio.of(times[:, 1], times[:, 0])
    rows: list[Mapping[str, Value]] = [
        {
            "problem": problem,
            "implementation": name,
            "gap": _cell(gaps[i, j]),
            "ms a window": _cell(1e3 * times[i, j]),
            "fit, s": _cell(fits[i, j]),
            "parameters": _cell(sizes[i, j]),
        }
        for i, problem in enumerate(VARIED)
        for j, (name, _, _) in enumerate(methods)
    ]
    return Finding(
        verdict=both(error.most(NEAR), time.least(CHEAP)),
        effect=error.value,
        low=error.low,
        high=error.high,
        unit="times PatchTST's error",
        rows=rows,
        note=f"PatchTST takes {time} times as long for a window, quantiles included, and "
        f"{Ratio.of(runs[:, 1], runs[:, 0])} times as long for a run, training included; it has "
        f"{Ratio.of(sizes[:, 1], sizes[:, 0])} times as many parameters.",
    )


def _measure_rates(records: Sequence[Any]) -> Finding:
    methods = (OURS, FIXED, CHOSEN)
    gaps = _medians(records, methods, _gap).reshape(len(INSTANCES), len(RATES), len(methods))
    worst, best = gaps.max(axis=1), gaps.min(axis=1)
    spread = [Ratio.of(worst[:, j], best[:, j]) for j in range(len(methods))]
    means = gaps.mean(axis=0)
    better: Verdict = "reproduced" if means[:, 0].max() < 1.0 else "not reproduced"
    names = ("super_linear", "ridge, look-back 96", "ridge, look-back chosen")
    rows: list[Mapping[str, Value]] = [
        {"rate": rate, **{name: _cell(means[i, j]) for j, name in enumerate(names)}}
        for i, rate in enumerate(RATES)
    ]
    return Finding(
        verdict=both(spread[0].most(STEADY), better),
        effect=spread[0].value,
        low=spread[0].low,
        high=spread[0].high,
        unit="times the error of the best rate is that of the worst",
        rows=rows,
        note=f"Ridge regression fitted anew at each rate: {spread[1]} times with a look-back of 96 "
        f"values, {spread[2]} with a look-back chosen at each rate. Rows are mean gaps.",
    )


def _measure_routing(records: Sequence[Any]) -> Finding:
    gaps = _medians(records, (OURS, UNIFORM), _gap)
    gain = Ratio.of(gaps[:, 1], gaps[:, 0])
    rows: list[Mapping[str, Value]] = [
        {"problem": problem, "routed": _cell(gaps[i, 0]), "uniform": _cell(gaps[i, 1])}
        for i, problem in enumerate((*VARIED, *RESAMPLED))
    ]
    return Finding(
        verdict=_above_one(gain),
        effect=gain.value,
        low=gain.low,
        high=gain.high,
        unit="times the routed experts' error is that of all experts mixed equally",
        rows=rows,
        note=f"Routed experts are better on {int((gaps[:, 1] > gaps[:, 0]).sum())} of {len(gaps)} "
        "problems.",
    )


def _above_one(ratio: Ratio) -> Verdict:
    if ratio.low > 1.0:
        return "reproduced"
    return "not reproduced" if ratio.high <= 1.0 else "inconclusive"


_SOURCE = "arXiv:2509.15105"
_GENERATED = "generated hourly, daily, weekly and monthly series, two draws each"

NEAR_AT_A_FRACTION = Claim(
    name="super-linear-near-deep-at-a-fraction",
    suite=SUITE.name,
    statement="Super-Linear reaches an accuracy near that of deep models while substantially "
    "improving efficiency.",
    source=_SOURCE,
    summary="Geometric mean of Super-Linear's MASE over PatchTST's, its published size, trained on "
    f"each problem, the median of two seeds, on {_GENERATED}; and PatchTST's inference time a "
    "window over Super-Linear's, in the same runs; intervals by bootstrap over problems. "
    f"Reproduced if errors are at most {NEAR:g} times PatchTST's and times at most half of its, "
    "intervals included; not reproduced if one of the intervals lies beyond its bar.",
    plan=lambda: _requests(VARIED, (OURS, DEEP)),
    measure=_measure_near,
    module=__name__,
)

ROBUST_TO_RATE = Claim(
    name="super-linear-robust-to-rate",
    suite=SUITE.name,
    statement="Super-Linear is robust to sampling rates.",
    source=_SOURCE,
    summary="Super-Linear's MASE relative to the seasonal naive forecast's on one hourly process, "
    "of which every value, every second, fourth or sixth is kept: the worst rate's over the best "
    "rate's, geometric mean of three draws, interval by bootstrap over draws. Reproduced if it is "
    f"at most {STEADY:g}, interval included, and the mean at every rate is below 1; not reproduced "
    "if all of the interval is above, or the mean at a rate is not below 1.",
    plan=lambda: _requests(RESAMPLED, (OURS, FIXED, CHOSEN)),
    measure=_measure_rates,
    module=__name__,
)

ROUTING = Claim(
    name="super-linear-routing-beats-uniform",
    suite=SUITE.name,
    statement="A spectral gate that selects experts is what makes the mixture accurate.",
    source=_SOURCE,
    summary="MASE of all experts mixed with equal weights over that of the experts that the gate "
    f"chooses, on {_GENERATED}, and on one hourly process at four rates, three draws; geometric "
    "mean, interval by bootstrap over problems. Reproduced if it is above 1, not reproduced if "
    "none of it is.",
    plan=lambda: _requests((*VARIED, *RESAMPLED), (OURS, UNIFORM)),
    measure=_measure_routing,
    module=__name__,
)
