"""What is claimed for stochastic bilevel methods, measured at equal cost on finite sums.

The papers' abstracts were what was at hand. Every contest gives each method the same budget of
weighted samples and a grid of four configurations of its own; the best one is chosen on tuning
seeds and its gaps reported on others. A gap of 1e-8, where runs end, is the least that counts.
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
from tiltyard.suite import Budget
from tiltyard.suites.bilevel import SUITE

Array = NDArray[np.float64]
Verdict = Literal["reproduced", "not reproduced", "inconclusive"]
Grid = Sequence[Mapping[str, Value]]

TUNING_SEEDS = (0, 1)
REPORTING_SEEDS = (10, 11, 12, 13, 14)
SEEDS = (*TUNING_SEEDS, *REPORTING_SEEDS)

BUDGETS = {
    "quad[samples=2048,conditioning=10]": 1_000_000,
    "quad[samples=256,conditioning=100]": 1_000_000,
    "mlr-scalar": 500_000,
}
"""Problems of every contest and their cost: tens of passes over the samples."""

CONSTANT: Grid = tuple(
    {"step": step, "outer_ratio": ratio}
    for step, ratio in ((0.25, 1.0), (0.5, 1.0), (1.0, 1.0), (0.5, 4.0))
)
DECAYING: Grid = tuple(
    {"step": step, "outer_ratio": 1.0, "decay": decay}
    for step in (0.5, 1.0)
    for decay in (0.0, 1.0)
)
"""For methods of which the published steps fall: those, and constant ones as others have."""

FULL_BATCH: Grid = tuple({"ratio": ratio} for ratio in (0.25, 0.5, 1.0, 1.5))
GRIDS: Mapping[str, Grid] = {
    **dict.fromkeys(("saba", "srba", "stocbio", "amigo"), CONSTANT),
    **dict.fromkeys(("soba", "ttsa", "f2sa"), DECAYING),
    **dict.fromkeys(("aid_cg", "itd"), FULL_BATCH),
}

LEAST = 1e-8
RESAMPLES = 1000


def verdict(low: float, high: float, bar: float = 0.0) -> Verdict:
    """Return ``reproduced`` if all of an interval is above the bar, ``not`` if all is at or below.

    Args:
        low: lower end.
        high: upper end.
        bar: what the claim demands.
    """
    if low > bar:
        return "reproduced"
    return "not reproduced" if high <= bar else "inconclusive"


def interval(values: Array) -> tuple[float, float, float]:
    """Return the mean of (problem, seed) values, and its 95 % interval.

    By bootstrap over seeds within each problem: problems are too few to draw from.
    """
    rng = np.random.default_rng(2201)
    problems, seeds = values.shape
    drawn = rng.integers(seeds, size=(RESAMPLES, problems, seeds))
    means = np.take_along_axis(values[None], drawn, axis=2).mean(axis=(1, 2))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def _requests(
    methods: Sequence[str], seeds: Sequence[int] = SEEDS, budgets: Mapping[str, int] = BUDGETS
) -> list[Request]:
    """Return every method's grid on every problem."""
    return [
        Request(
            problem=problem,
            implementation=method,
            parameters=parameters,
            seeds=tuple(seeds),
            budget=Budget(cost=cost),
        )
        for problem, cost in budgets.items()
        for method in methods
        for parameters in GRIDS[method]
    ]


def _decades(record: Any) -> float:
    """Return the decades of gap that a run gained; those of the worst runs are not below -1."""
    gap = math.inf if record.status.failed else record.metrics["gap"]
    return -math.log10(min(max(gap, LEAST), 10.0))


@dataclass(frozen=True, slots=True)
class _Contest:
    """Decades gained by the methods' best configurations, (problem, method, reporting seed)."""

    methods: Sequence[str]
    decades: Array
    chosen: NDArray[np.int64]

    @classmethod
    def of(cls, methods: Sequence[str], records: Sequence[Any]) -> _Contest:
        """Arrange records, which come in the order of their requests."""
        every = np.array([_decades(record) for record in records])
        every = every.reshape(len(BUDGETS), len(methods), len(FULL_BATCH), len(SEEDS))
        chosen = np.median(every[..., : len(TUNING_SEEDS)], axis=-1).argmax(axis=-1)
        reporting = every[..., len(TUNING_SEEDS) :]
        best = np.take_along_axis(reporting, chosen[..., None, None], axis=2)[:, :, 0]
        return cls(methods, best, chosen)

    def finding(self) -> Finding:
        """Compare the first method with the best of the others on each problem."""
        medians = np.median(self.decades, axis=-1)
        others = medians[:, 1:].argmax(axis=1) + 1
        rivals = np.stack([self.decades[i, j] for i, j in enumerate(others)])
        effect, low, high = interval(self.decades[:, 0] - rivals)
        rows: list[Mapping[str, Value]] = [
            {
                "problem": problem,
                "implementation": method,
                "configuration": _spelled(method, int(self.chosen[i, j])),
                "median gap": float(10.0 ** -medians[i, j]),
            }
            for i, problem in enumerate(BUDGETS)
            for j, method in enumerate(self.methods)
        ]
        wins = int((medians[:, 0] > medians[:, 1:].max(axis=1)).sum())
        return Finding(
            verdict=verdict(low, high),
            effect=effect,
            low=low,
            high=high,
            unit="more decades of gap than the best rival, at equal cost",
            rows=rows,
            note=f"Ahead on {wins} of {len(BUDGETS)} problems.",
        )


def _spelled(method: str, index: int) -> str:
    chosen = GRIDS[method][index]
    return ", ".join(f"{key}={value:g}" for key, value in chosen.items())


_CONTEST = (
    "Gaps after a budget of weighted samples on two quadratic problems and a regression on digits, "
    "the best of four configurations of each method by two tuning seeds, 5 reporting seeds; "
    "interval by bootstrap over seeds. Reproduced if the interval is above zero, not reproduced if "
    "none of it is."
)


def _contest(name: str, methods: Sequence[str], statement: str, source: str) -> Claim:
    """Return the claim that the first method gains more than each other one."""
    return Claim(
        name=name,
        suite=SUITE.name,
        statement=statement,
        source=source,
        summary=f"{methods[0]} against {' and '.join(methods[1:])}. {_CONTEST}",
        plan=lambda: _requests(methods),
        measure=lambda records: _Contest.of(methods, records).finding(),
        module=__name__,
    )


SABA_FINITE_SUMS = _contest(
    "saba-beats-soba",
    ("saba", "soba"),
    "On finite sums SABA, with SAGA's variance reduction, converges faster than SOBA.",
    "arXiv:2201.13409",
)

SRBA_NEAR_OPTIMAL = _contest(
    "srba-beats-saba-and-soba",
    ("srba", "saba", "soba"),
    "SRBA needs fewer oracle calls than SABA and SOBA on empirical risks: it is near-optimal.",
    "arXiv:2302.08766",
)

STOCBIO_SAMPLES = _contest(
    "stocbio-beats-baselines",
    ("stocbio", "ttsa", "aid_cg", "itd"),
    "stocBiO's sample complexity is better than that of AID, ITD and TTSA.",
    "arXiv:2010.07962",
)

AMIGO_WARM_START = _contest(
    "amigo-warm-start",
    ("amigo", "stocbio"),
    "Warm starts of the linear system, too, (AmIGO) improve on solving it from scratch (stocBiO).",
    "arXiv:2111.14580",
)


def _first_order(records: Sequence[Any]) -> Finding:
    methods = ("f2sa", "soba")
    contest = _Contest.of(methods, records)
    effect, low, high = interval(contest.decades[:, 0])
    ours = [record for record in records if record.spec.implementation == "f2sa"]
    second = sum(record.oracles.get(key, 0) for record in ours for key in ("hvp", "cross"))
    told = contest.finding()
    return Finding(
        verdict="not reproduced" if second else verdict(low, high, 0.5),
        effect=effect,
        low=low,
        high=high,
        unit="decades of gap gained",
        rows=told.rows,
        note=f"Second-order products: {second}. Against SOBA: {told.effect:+.2f} decades.",
    )


F2SA_FIRST_ORDER = Claim(
    name="f2sa-without-second-derivatives",
    suite=SUITE.name,
    statement="F2SA solves bilevel problems with gradients alone, without second derivatives.",
    source="arXiv:2301.10945",
    summary="Decades of gap that F2SA gains, the best of four configurations by two tuning seeds, "
    "5 reporting seeds, and whether it asked for any Hessian or cross product. Reproduced if it "
    "did not and the interval, by bootstrap over seeds, is above half a decade; not reproduced if "
    "it did or none of it is.",
    plan=lambda: _requests(("f2sa", "soba")),
    measure=_first_order,
    module=__name__,
)
