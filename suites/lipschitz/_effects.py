"""Effects of paired runs: geometric means of ratios, means, and their 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tiltyard.claim import Finding, Request
from tiltyard.names import Value
from tiltyard.suite import Budget

Array = NDArray[np.float64]
Verdict = Literal["reproduced", "not reproduced", "inconclusive"]

SEEDS = range(5)
"""Of training."""
INSTANCES = range(3)
"""Of random networks."""
RESAMPLES = 1000
TO_THE_END = Budget(iterations=10_000)
"""Methods end before it by themselves."""

TIE = 1.05
"""A ratio of seconds that is called a tie, as in the leaderboards' comparisons."""
INTERVAL = "95 % interval by bootstrap over the pairs"
RULE = f"{INTERVAL}. Reproduced if it is above 1, not reproduced if none of it is."
TIME_RULE = (
    f"{INTERVAL}. Reproduced if it is above {TIE:g}, a tie, not reproduced if none of it is."
)


@dataclass(frozen=True, slots=True)
class Effect:
    """A mean with the ends of its 95 % interval; NaN where there is no pair."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"

    def above(self, level: float) -> Verdict:
        """Return the verdict on being above a level: of the interval, all, none or a part is."""
        if self.low > level:
            return "reproduced"
        return "not reproduced" if self.high <= level else "inconclusive"

    def below(self, level: float) -> Verdict:
        """Return the verdict on being at most a level."""
        if self.high <= level:
            return "reproduced"
        return "not reproduced" if self.low > level else "inconclusive"


def mean(values: Array) -> Effect:
    """Return the mean over pairs, its interval by bootstrap over them; NaN are left out.

    Args:
        values: one for each pair.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return Effect(math.nan, math.nan, math.nan)
    rng = np.random.default_rng(2210)
    drawn = known[rng.integers(known.size, size=(RESAMPLES, known.size))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Effect(float(known.mean()), float(low), float(high))


def mean_ratio(over: Array, under: Array) -> Effect:
    """Return the geometric mean of over / under, interval as ``mean``.

    Args:
        over: positive, one for each pair; NaN where there is none.
        under: the same.
    """
    found = mean(np.log(over / under))
    return Effect(*(math.exp(x) for x in (found.value, found.low, found.high)))


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict on all of them: reproduced if each is, not reproduced if one is not."""
    if "not reproduced" in verdicts:
        return "not reproduced"
    return "inconclusive" if "inconclusive" in verdicts else "reproduced"


def each(patterns: Sequence[str]) -> list[str]:
    """Return the names of every trained problem with its 5 seeds, of a random one with 3."""
    return [
        f"{pattern[:-1]},{'seed' if trained else 'instance'}={number}]"
        for pattern in patterns
        for trained in (pattern.startswith("digits"),)
        for number in (SEEDS if trained else INSTANCES)
    ]


def requests(
    methods: Sequence[str],
    problems: Sequence[str],
    budget: Budget | Mapping[str, Budget],
    seeds: tuple[int, ...] = (0,),
) -> list[Request]:
    """Return runs of each method on each problem, in the order that ``Runs`` reads.

    A problem's runs follow each other: what else the machine does disturbs all methods alike.

    Args:
        methods: their names.
        problems: their names.
        budget: of every run, or by method.
        seeds: of the methods' random generators.
    """
    return [
        Request(
            problem=problem,
            implementation=method,
            seeds=seeds,
            budget=budget if isinstance(budget, Budget) else budget[method],
        )
        for problem in problems
        for method in methods
    ]


@dataclass(frozen=True, slots=True)
class Runs:
    """The records of each method, a row of seeds for every problem."""

    of: Mapping[str, Sequence[Sequence[Any]]]

    @classmethod
    def split(cls, records: Sequence[Any], methods: Sequence[str], seeds: int = 1) -> Runs:
        """Return the records by method; they come in the order of ``requests``."""
        each = len(methods) * seeds
        return cls(
            {
                method: [records[at : at + seeds] for at in range(k * seeds, len(records), each)]
                for k, method in enumerate(methods)
            }
        )

    def bound(self, method: str, metric: str = "lower_ratio") -> Array:
        """Return (problems,) metrics of the first seed; NaN for runs that gave no sound bound.

        With ``lower_ratio``, ratios of two methods are geometric means over a problem's regions of
        the ratio of their bounds.
        """
        first = [runs[0] for runs in self.of[method]]
        return np.array([r.metrics[metric] if _answered(r) else math.nan for r in first])

    def seconds(self, method: str) -> Array:
        """Return (problems,) least seconds over the seeds; NaN where all runs failed."""
        return np.array(
            [
                min((r.seconds for r in runs if _answered(r)), default=math.nan)
                for runs in self.of[method]
            ]
        )

    def failures(self) -> str:
        """Return how many runs failed, in words."""
        every = [r for problems in self.of.values() for runs in problems for r in runs]
        failed = sum(not _answered(r) for r in every)
        return f"{failed} of {len(every)} runs failed." if failed else ""


def _answered(record: Any) -> bool:
    return not record.status.failed and bool(record.metrics)


def typical(values: Array) -> float:
    """Return the geometric mean of those that are numbers; NaN where none is."""
    known = values[~np.isnan(values)]
    return float(np.exp(np.log(known).mean())) if known.size else math.nan


def finding(
    verdict: Verdict, effect: Effect, unit: str, rows: Sequence[Mapping[str, Value]], note: str
) -> Finding:
    """Return the finding of an effect."""
    return Finding(
        verdict=verdict,
        effect=effect.value,
        low=effect.low,
        high=effect.high,
        unit=unit,
        rows=rows,
        note=note.strip(),
    )
