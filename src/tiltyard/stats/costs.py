"""What runs cost: sustained cost to a target and cost in all, in seconds or oracle calls.

Arrays of costs have the axes implementation, problem, seed. Inf marks a target that was not
reached; NaN marks a pair that is unsupported or was not run: it counts neither for nor against.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.stats.bootstrap import Array
from tiltyard.suite import Suite

Unit = Literal["seconds", "oracles"]
"""What a run is charged in: seconds on its clock, or oracle calls as the suite weighs them."""


def sustained(record: Record, gap: str, target: float) -> Checkpoint | None:
    """Return the checkpoint from which on the gap stays at or below a target.

    A run that oscillates across the target is charged for its last checkpoint above it. A failed
    run, and one that came to the target only after its budget, sustained nothing.

    Args:
        record: the run.
        gap: the name of the suite's gap metric.
        target: the level.
    """
    index = _sustained_from(record, gap, (target,))[0]
    return None if index is None else record.checkpoints[index]


def costs_to(suite: Suite, record: Record, targets: Sequence[float], unit: Unit) -> list[float]:
    """Return ``cost_to`` for each of several targets."""
    if record.status == Status.UNSUPPORTED:
        return [math.nan] * len(targets)
    columns, limit = record.columns, record.spec.budget.cost
    spent = columns.seconds if unit == "seconds" else columns.oracles(suite.oracles)
    most = math.inf if unit == "seconds" or limit is None else limit
    return [
        spent[index] if index is not None and spent[index] <= most else math.inf
        for index in _sustained_from(record, suite.gap, targets)
    ]


def cost_to(suite: Suite, record: Record, target: float, unit: Unit) -> float:
    """Return the sustained cost to a target; inf where it was missed, NaN for unsupported runs.

    Args:
        suite: names the gap and weighs the oracle calls.
        record: the run.
        target: a level of the suite's gap.
        unit: of the cost. A run that came to the target only after its budget in this unit, or in
            seconds, missed it.
    """
    return costs_to(suite, record, (target,), unit)[0]


def cost_spent(suite: Suite, record: Record, unit: Unit) -> float:
    """Return the cost of a whole run, whatever it reached; NaN for unsupported runs.

    A run that was killed at its wall limit is charged at least its budget: the record knows only
    its last checkpoint.
    """
    if record.status == Status.UNSUPPORTED:
        return math.nan
    cost = record.seconds if unit == "seconds" else suite.cost(record.oracles)
    if record.status == Status.TIMEOUT:
        budget = record.spec.budget
        cost = max(cost, (budget.seconds if unit == "seconds" else budget.cost) or 0.0)
    return cost


def require_costs(costs: Array, *axes: str) -> None:
    """Refuse an array that does not hold costs.

    Args:
        costs: the array.
        axes: the names of the axes that it must have.

    Raises:
        TiltyardError: another number of axes, or a negative cost.
    """
    if costs.ndim != len(axes):
        raise TiltyardError(
            f"costs have {costs.ndim} axes; expected {len(axes)}: {', '.join(axes)}"
        )
    with np.errstate(invalid="ignore"):
        if (costs < 0).any():
            raise TiltyardError(
                f"costs hold {np.nanmin(costs):g}; expected costs of at least 0, inf where a "
                "target was not reached and NaN where there is no run"
            )


def median_of_runs(values: Array, *, upper: bool) -> Array:
    """Return medians over the last axis of what is not NaN; NaN where there is nothing.

    Args:
        values: of any shape; inf is a value like any other.
        upper: which of the two middle values of an even number is taken (a mean with inf is inf).
    """
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], math.nan)
    known = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    middle = known // 2 if upper else np.maximum(known - 1, 0) // 2
    # NaN is sorted last; where all are NaN the first is.
    medians = np.take_along_axis(np.sort(values, axis=-1), middle, axis=-1)[..., 0]
    return np.asarray(medians)


def _sustained_from(record: Record, gap: str, targets: Sequence[float]) -> list[int | None]:
    """Return the index of the checkpoint of ``sustained`` for each target."""
    if record.status.failed:
        return [None] * len(targets)
    columns, limit = record.columns, record.spec.budget.seconds
    last_first = np.asarray(columns.metric(gap))[::-1]
    # Of the last checkpoint, the last two, ...; NaN spreads, and sorts above every number.
    worst = np.maximum.accumulate(last_first)
    after = (len(worst) - worst.searchsorted(targets, side="right")).tolist()
    most = math.inf if limit is None else limit
    return [
        index if index < len(worst) and columns.seconds[index] <= most else None for index in after
    ]
