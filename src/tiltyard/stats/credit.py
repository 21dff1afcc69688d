"""Credit: a score for each run, from its costs to a target or from its final gap."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tiltyard.stats.bootstrap import Array
from tiltyard.stats.costs import median_of_runs, require_costs

RATIO_LIMIT = 100.0
"""A cost this many times the best one earns as little as never reaching the target."""


def ratios_to_best(costs: Array) -> Array:
    """Return the ratios of costs to the best implementation's median cost on the same problem.

    Args:
        costs: (implementations, problems, seeds); inf where the target was not reached, NaN where
            there is no run.

    Returns:
        Ratios of the same shape, at least 1; inf and NaN stay where they are.

    Raises:
        TiltyardError: ``costs`` has other axes or holds a negative cost.
    """
    require_costs(costs, "implementations", "problems", "seeds")
    # The lower median, so that the best cost is finite wherever half of the seeds came through.
    medians = median_of_runs(costs, upper=False)
    best = np.fmin.reduce(medians, axis=0, initial=math.inf)
    best = np.maximum(best, np.finfo(float).tiny)[None, :, None]
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.clip(costs / best, 1.0, np.finfo(float).max)
    return np.where(np.isfinite(costs), finite, costs)


def profile_credit(costs: Array) -> Array:
    """Return each run's share of the area under its Dolan-More performance profile.

    With r the ratio of a cost to the best implementation's median cost on the same problem, a run
    earns max(0, 1 - log r / log RATIO_LIMIT), and 0 when it never reached the target. Its mean
    over problems is the area under the performance profile (Dolan & More 2002,
    doi:10.1007/s101070100263) on a logarithmic axis from 1 to ``RATIO_LIMIT``.

    Args:
        costs: (implementations, problems, seeds); inf where the target was not reached, NaN where
            there is no run.

    Returns:
        Credits in [0, 1], of the same shape; NaN where the cost is.

    Raises:
        TiltyardError: ``costs`` has other axes or holds a negative cost.
    """
    return np.maximum(1.0 - np.log(ratios_to_best(costs)) / math.log(RATIO_LIMIT), 0.0)


def gap_credit(gaps: Array) -> Array:
    """Return the best median gap of each run's problem over its own.

    For methods that answer once, so that there is no cost to a target to compare.

    Args:
        gaps: (implementations, problems, seeds) final gaps of at least 0; inf where the run failed,
            NaN where there is none.

    Returns:
        Credits in [0, 1], of the same shape; NaN where the gap is.

    Raises:
        TiltyardError: ``gaps`` has other axes or holds a negative gap.
    """
    # Credit by ratio is that of costs, read on a plain axis.
    return 1.0 / ratios_to_best(gaps)


def mean_credit(credits_: Array) -> Array:
    """Return (implementations,) means over seeds, then over problems, of what is not NaN."""
    return known_means(known_means(credits_))


def known_means(values: Array) -> Array:
    """Return means over the last axis of what is not NaN; NaN where there is nothing."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=-1) / known.sum(axis=-1))


def decades(values: Sequence[float], good: Sequence[bool]) -> float:
    """Return the width, in decades, of the longest run of good values on a logarithmic grid.

    Each value stands for its cell of the grid, which reaches half-way to its neighbours, so one
    good value counts as one grid step.

    Args:
        values: increasing, positive, at least two, equally spaced on a logarithmic axis.
        good: whether each value was good enough.
    """
    step = math.log10(values[-1] / values[0]) / (len(values) - 1)
    longest = current = 0
    for one in good:
        current = current + 1 if one else 0
        longest = max(longest, current)
    return longest * step
