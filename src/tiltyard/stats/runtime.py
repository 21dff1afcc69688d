"""Expected running time: what a method costs if it is restarted until it reaches the target."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.stats.bootstrap import RESAMPLES, Array, median_interval
from tiltyard.stats.costs import require_costs


@dataclass(frozen=True, slots=True)
class ExpectedRuntime:
    """Cost to a target under restarts; all NaN where there is no run.

    Attributes:
        expected: the expected running time (ERT); inf where no run reached the target, and then
            ``spent`` is what is known: a lower bound.
        median: of simulated restarts; inf where no run reached the target.
        low: lower end of the interval that holds 95 % of the simulated restarts.
        high: its upper end.
        spent: cost of all runs: to the target where they reached it, else all they used.
        successes: runs that reached the target.
        runs: all of them.
    """

    expected: float
    median: float
    low: float
    high: float
    spent: float
    successes: int
    runs: int


def expected_runtime(costs: Array, spent: Array, rng: np.random.Generator) -> ExpectedRuntime:
    """Return the expected running time to a target, from the runs on one problem.

    ERT is the cost of all runs over the number of successes (Hansen, Auger, Ros, Mersmann, Tusar &
    Brockhoff 2021, COCO, doi:10.1080/10556788.2020.1808977). It is the mean of the simulated
    restarts, in which runs are drawn with replacement up to the first that reached the target,
    and their costs added up.

    Args:
        costs: (seeds,) cost to the target; inf where it was not reached, NaN where there is no run.
        spent: (seeds,) what each run used in all, finite where it did not reach the target.
        rng: for the restarts.

    Raises:
        TiltyardError: the arrays are no costs of the same runs.
    """
    require_costs(costs, "seeds")
    require_costs(spent, "seeds")
    reached = np.isfinite(costs)
    failed = np.isinf(costs)
    if costs.shape != spent.shape or not np.isfinite(spent[failed]).all():
        raise TiltyardError(
            "every run that missed the target needs the finite cost that it spent; got "
            f"{spent.tolist()} for costs {costs.tolist()}"
        )
    successes, runs = int(reached.sum()), int(reached.sum() + failed.sum())
    if runs == 0:
        return ExpectedRuntime(math.nan, math.nan, math.nan, math.nan, math.nan, 0, 0)
    total = float(costs[reached].sum() + spent[failed].sum())
    if successes == 0:
        return ExpectedRuntime(math.inf, math.inf, math.inf, math.inf, total, 0, runs)
    restarts = _restarts(costs[reached], spent[failed], rng)
    low, median, high = median_interval(restarts)
    return ExpectedRuntime(total / successes, median, low, high, total, successes, runs)


def _restarts(solved: Array, missed: Array, rng: np.random.Generator) -> Array:
    """Return (RESAMPLES,) costs of drawing runs with replacement up to the first success."""
    costs = rng.choice(solved, RESAMPLES)
    if missed.size:
        failures = rng.geometric(solved.size / (solved.size + missed.size), RESAMPLES) - 1
        owner = np.repeat(np.arange(RESAMPLES), failures)
        costs += np.bincount(owner, rng.choice(missed, owner.size), minlength=RESAMPLES)
    return costs
