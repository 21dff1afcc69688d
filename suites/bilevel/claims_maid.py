"""What is claimed for MAID (Salehi et al. 2025) and for HOAG (Pedregosa 2016), measured.

Their abstracts were what was at hand. Methods are deterministic and budgets are in cost, so that
runs replay. What a run took to a gap is read at its first judged answer from which on none is
above: first hits by luck do not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.claim import Claim, Finding, Request
from tiltyard.names import Value
from tiltyard.suite import Budget
from tiltyard.suites.bilevel import SUITE
from tiltyard.suites.bilevel.claims import Verdict, verdict

Array = NDArray[np.float64]

PROBLEMS = {
    "tv2[size=48]": 120_000,
    **{
        f"quad[samples=1,conditioning={conditioning},instance={instance}]": 1_000_000
        for conditioning in (10, 30)
        for instance in range(3)
    },
}
"""Cost of a run by problem."""

LEVELS = (1e-2, 1e-4, 1e-6)
FIXED = (1e-1, 1e-3, 1e-5, 1e-7, 1e-9)
VARIANTS: Sequence[Mapping[str, Value]] = (
    {},
    *({"adaptive": False, "accuracy": accuracy} for accuracy in FIXED),
)
STARTS: Sequence[Mapping[str, Value]] = tuple(
    {"accuracy": accuracy, "step": step} for accuracy in (1e-3, 1e-1, 1e1) for step in (1e-3, 1e-1)
)
SPREAD = 3.0
"""Robust: the worst start costs at most so many times what the best one does."""

SCHEDULES: Sequence[Mapping[str, Value]] = (
    *({"schedule": schedule} for schedule in ("geometric", "quadratic", "cubic")),
    {"schedule": "constant", "accuracy": 1e-10},
)
RESAMPLES = 1000


def _requests(method: str, variants: Sequence[Mapping[str, Value]]) -> list[Request]:
    return [
        Request(
            problem=problem,
            implementation=method,
            parameters=parameters,
            seeds=(0,),
            budget=Budget(cost=cost),
        )
        for problem, cost in PROBLEMS.items()
        for parameters in variants
    ]


def iterations(oracles: Mapping[str, int]) -> float:
    """Return lower-level and linear iterations: every problem here has one sample."""
    return float(oracles.get("f_y", 0) + oracles.get("hvp", 0))


def spent(record: Any, level: float, measure: Any) -> float:
    """Return what a run spent until its gap stayed at most the level; infinite if it never did.

    Args:
        record: a run; one that failed has reached nothing.
        level: of the gap.
        measure: of the calls of oracles, by name.
    """
    if record.status.failed:
        return math.inf
    found = math.inf
    for point in reversed(record.checkpoints):
        if not point.metrics["gap"] <= level:
            break
        found = measure(point.oracles)
    return found


def _table(records: Sequence[Any], level: float, measure: Any) -> Array:
    """Return (problem, variant) what was spent."""
    return np.array([spent(record, level, measure) for record in records]).reshape(
        len(PROBLEMS), -1
    )


def effect(over: Array, under: Array) -> tuple[float, float, float]:
    """Return the geometric mean of over / under with its 95 % interval by bootstrap over pairs.

    Pairs of which both are infinite say nothing and are left out; without any other, the ratio may
    be anything. An infinite ratio, or a zero one, counts as 1000 or 1/1000.

    Args:
        over: (n,) positive.
        under: (n,) positive.
    """
    told = np.isfinite(over) | np.isfinite(under)
    if not told.any():
        return 1.0, 1e-3, 1e3
    with np.errstate(divide="ignore"):
        logs = np.clip(np.log(over[told] / under[told]), -math.log(1e3), math.log(1e3))
    rng = np.random.default_rng(2308)
    drawn = logs[rng.integers(len(logs), size=(RESAMPLES, len(logs)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return math.exp(float(logs.mean())), math.exp(float(low)), math.exp(float(high))


def _rows(
    variants: Sequence[Mapping[str, Value]], tables: Mapping[float, Array]
) -> list[Mapping[str, Value]]:
    """Return what every variant spent on every problem to every level."""
    return [
        {
            "problem": problem,
            "parameters": ", ".join(f"{k}={v}" for k, v in parameters.items()) or "defaults",
            **{f"to {level:g}": _cell(table[i, j]) for level, table in tables.items()},
        }
        for i, problem in enumerate(PROBLEMS)
        for j, parameters in enumerate(variants)
    ]


def _told(found: tuple[float, float, float], level: float) -> str:
    return f"{found[0]:.3g} [{found[1]:.3g}, {found[2]:.3g}] to {level:g}"


def _cell(value: float) -> Value:
    return float(value) if math.isfinite(value) else "never"


def _measure_cheaper(records: Sequence[Any]) -> Finding:
    tables = {level: _table(records, level, iterations) for level in LEVELS}
    cheapest = {
        level: effect(table[:, 1:].min(axis=1), table[:, 0]) for level, table in tables.items()
    }
    value, low, high = cheapest[LEVELS[-1]]
    others = ", ".join(_told(cheapest[level], level) for level in LEVELS[:-1])
    single = ", ".join(
        f"{effect(tables[LEVELS[-1]][:, 1 + j], tables[LEVELS[-1]][:, 0])[0]:.3g} for {accuracy:g}"
        for j, accuracy in enumerate(FIXED)
    )
    return Finding(
        verdict=verdict(low, high, 1.0),
        effect=value,
        low=low,
        high=high,
        unit="times MAID's iterations are the cheapest fixed accuracy's, to a gap of 1e-6",
        rows=_rows(VARIANTS, tables),
        note=f"Further, {others}. One accuracy for all problems, to 1e-6: {single}; a run that "
        "never gets there counts as 1000 times.",
    )


def _measure_robust(records: Sequence[Any]) -> Finding:
    tables = {level: _table(records, level, iterations) for level in LEVELS}
    table = tables[LEVELS[1]]
    value, low, high = effect(table.max(axis=1), table.min(axis=1))
    told = verdict(low, high, SPREAD)
    swapped: Mapping[Verdict, Verdict] = {
        "reproduced": "not reproduced",
        "not reproduced": "reproduced",
        "inconclusive": "inconclusive",
    }
    return Finding(
        verdict=swapped[told],
        effect=value,
        low=low,
        high=high,
        unit="times the iterations of the best start are those of the worst, to a gap of 1e-4",
        rows=_rows(STARTS, tables),
        note="A start that never gets there counts as 1000 times.",
    )


def _measure_hoag(records: Sequence[Any]) -> Finding:
    tables = {level: _table(records, level, SUITE.cost) for level in LEVELS}
    against = {
        level: [effect(table[:, -1], table[:, j]) for j in range(len(SCHEDULES) - 1)]
        for level, table in tables.items()
    }
    value, low, high = against[LEVELS[1]][0]
    rest = "; ".join(
        f"{parameters['schedule']}, {_told(one, level)}"
        for level, ones in against.items()
        for parameters, one in zip(SCHEDULES, ones, strict=False)
    )
    return Finding(
        verdict=verdict(low, high, 1.0),
        effect=value,
        low=low,
        high=high,
        unit="times its cost is that of exact hypergradients, to a gap of 1e-4",
        rows=_rows(SCHEDULES, tables),
        note=f"By schedule: {rest}.",
    )


_RULE = (
    "Interval by bootstrap over 7 problems: tv2 and quadratics of condition number 10 and 30, "
    "three instances each."
)

CHEAPER = Claim(
    name="maid-cheaper-than-fixed",
    suite="bilevel",
    statement="MAID's adaptive accuracy needs less computation than any fixed accuracy.",
    source="arXiv:2308.10098",
    summary="Lower-level and linear iterations to a gap of 1e-6 of the cheapest of five fixed "
    "accuracies, 1e-1 to 1e-9, chosen anew for every problem, over those of MAID by its defaults. "
    f"{_RULE} Reproduced if it is above 1, not reproduced if none of it is.",
    plan=lambda: _requests("maid", VARIANTS),
    measure=_measure_cheaper,
    module=__name__,
)

ROBUST = Claim(
    name="maid-robust-to-start",
    suite="bilevel",
    statement="MAID is robust to the initial accuracy and step size.",
    source="arXiv:2308.10098",
    summary="Iterations to a gap of 1e-4 of the worst over the best of six starts: accuracy 1e-3, "
    f"0.1 or 10, step 1e-3 or 0.1. {_RULE} Reproduced if none of it is above {SPREAD:g}, not "
    "reproduced if all of it is.",
    plan=lambda: _requests("maid", STARTS),
    measure=_measure_robust,
    module=__name__,
)

INEXACT = Claim(
    name="hoag-inexact-cheaper",
    suite="bilevel",
    statement="Decreasing inexactness of hypergradients is cheaper than exact hypergradients.",
    source="arXiv:1602.02355",
    summary="Cost to a gap of 1e-4 of HOAG with a constant accuracy of 1e-10 over that of its "
    f"geometric schedule. {_RULE} Reproduced if it is above 1, not reproduced if none of it is.",
    plan=lambda: _requests("hoag", SCHEDULES),
    measure=_measure_hoag,
    module=__name__,
)
