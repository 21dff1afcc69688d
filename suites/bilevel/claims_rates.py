"""What is claimed for the rates of SABA and SOBA (Dagreou, Ablin, Vaiter & Moreau 2022).

The abstract of arXiv:2201.13409 was what was at hand. Rates are read off the checkpoints of runs on
quadratic problems, of which Phi is strongly convex.
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
from tiltyard.suites.bilevel.claims import REPORTING_SEEDS, interval, verdict

Array = NDArray[np.float64]

EASY = "quad[samples=256,conditioning=10]"


def _curve(record: Any, metric: str) -> tuple[Array, Array]:
    """Return cost and metric at a run's checkpoints, from the first that cost anything."""
    points = [point for point in record.checkpoints if SUITE.cost(point.oracles) > 0.0]
    costs = [SUITE.cost(point.oracles) for point in points]
    return np.array(costs), np.array([point.metrics[metric] for point in points])


def _at(record: Any, metric: str, share: float) -> float:
    """Return the metric at the last checkpoint of at most this share of the run's cost."""
    costs, values = _curve(record, metric)
    return float(values[np.searchsorted(costs, share * costs[-1], side="right") - 1])


LINEAR = {EASY: 1_000_000, "quad[samples=256,conditioning=30]": 4_000_000}


def _acceleration(record: Any) -> float:
    """Return decades of gap lost over the last doubling of cost, over those of the one before."""
    quarter, half, end = (math.log10(_at(record, "gap", share)) for share in (0.25, 0.5, 1.0))
    if record.status.failed or not half < quarter:
        return 0.0
    return (half - end) / (quarter - half)


def _linear(records: Sequence[Any]) -> Finding:
    shape = len(LINEAR), 2, len(REPORTING_SEEDS)
    ratios = np.array([_acceleration(record) for record in records]).reshape(shape)
    gaps = np.array([record.metrics["gap"] for record in records]).reshape(shape)
    effect, low, high = interval(ratios[:, 0])
    rows: list[Mapping[str, Value]] = [
        {
            "problem": problem,
            "implementation": method,
            "median ratio": float(np.median(ratios[i, j])),
            "median gap": float(np.median(gaps[i, j])),
        }
        for i, problem in enumerate(LINEAR)
        for j, method in enumerate(("saba", "soba"))
    ]
    return Finding(
        verdict=verdict(low, high, 1.0),
        effect=effect,
        low=low,
        high=high,
        unit="decades lost over the last doubling of cost, over those of the one before",
        rows=rows,
    )


def _linear_requests() -> list[Request]:
    return [
        Request(
            problem=problem,
            implementation=method,
            parameters={
                "step": 0.5,
                "outer_ratio": 1.0,
                **({"decay": 0.0} if method == "soba" else {}),
            },
            seeds=REPORTING_SEEDS,
            budget=Budget(cost=cost),
        )
        for problem, cost in LINEAR.items()
        for method in ("saba", "soba")
    ]


SABA_LINEAR = Claim(
    name="saba-linear-rate",
    suite=SUITE.name,
    statement="SABA converges linearly where Phi satisfies the Polyak-Lojasiewicz condition.",
    source="arXiv:2201.13409",
    summary="On strongly convex quadratics with constant steps: 2 if the gap falls geometrically, "
    "1 for any power of the cost, 0 at a noise floor, as SOBA's with constant steps. Step 1/2, 5 "
    "seeds. Reproduced if the interval, by bootstrap over seeds, is above 1, not reproduced if "
    "none of it is.",
    plan=_linear_requests,
    measure=_linear,
    module=__name__,
)

RATE = {EASY: 8_000_000, "quad[samples=2048,conditioning=10]": 8_000_000}


def _rate(records: Sequence[Any]) -> Finding:
    """Fit |grad Phi|^2 over the last eighth to the end, in logarithms."""

    def order(record: Any) -> float:
        costs, slopes = _curve(record, "gradient")
        late = costs >= costs[-1] / 8.0
        return -2.0 * float(np.polyfit(np.log(costs[late]), np.log(slopes[late]), 1)[0])

    orders = np.array([order(record) for record in records])
    orders = orders.reshape(len(RATE), len(REPORTING_SEEDS))
    effect, low, high = interval(orders)
    return Finding(
        verdict=verdict(low, high, 0.5),
        effect=effect,
        low=low,
        high=high,
        unit="order p in |grad Phi|^2 = O(cost^-p)",
        rows=[
            {"problem": problem, "median order": float(np.median(orders[i]))}
            for i, problem in enumerate(RATE)
        ],
    )


SOBA_RATE = Claim(
    name="soba-rate-of-sgd",
    suite=SUITE.name,
    statement="SOBA has the rate of SGD: the squared norm of the gradient of Phi is O(T^-1/2).",
    source="arXiv:2201.13409",
    summary="The order p by least squares on the checkpoints of the last seven eighths of the "
    "cost; published schedule, default step, 5 seeds. Reproduced if the interval, by bootstrap "
    "over seeds, is above 1/2, not reproduced if none of it is.",
    plan=lambda: [
        Request(
            problem=problem,
            implementation="soba",
            seeds=REPORTING_SEEDS,
            budget=Budget(cost=cost),
        )
        for problem, cost in RATE.items()
    ],
    measure=_rate,
    module=__name__,
)
