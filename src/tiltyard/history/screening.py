"""Which of many series the tests could find worse at all: bounds on p-values, for all at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tiltyard.history.benchmarks import Kind
from tiltyard.history.evidence import Thresholds
from tiltyard.history.series import Table
from tiltyard.history.steps import LONG, difference_spread
from tiltyard.stats import Array


def least_p_values(
    table: Table, chosen: NDArray[np.int64], kind: Kind, thresholds: Thresholds
) -> Array:
    """Return what no corrected p-value of ``tested_evidence`` is below; 1 where it finds nothing.

    Args:
        table: the series.
        chosen: indices of those that are asked for, all of this kind; two commits or more in each.
        kind: how they are compared.
        thresholds: the margins, and the p-value that is too large to be of use.
    """
    levels = table.aligned(table.levels, chosen)
    barriers = np.fmin.accumulate(thresholds.barrier(kind, levels, exact=False), axis=1)
    worse = (levels[:, 1:] > barriers[:, :-1]).any(axis=1)
    if kind is Kind.SHARE:
        sizes = table.aligned(np.diff(table.offsets).astype(float), chosen)
        least = least_fisher(np.nan_to_num(levels * sizes), np.nan_to_num(sizes))
        # A test that could not pass Holm's correction goes without, so 0 it is, not the bound.
        return np.where(worse & (least * (1 - 1e-9) < thresholds.p_value), 0.0, 1.0)
    commits = (~np.isnan(levels)).sum(axis=1)
    tested = worse & (commits >= LONG)
    least = np.where(worse, 0.0, 1.0)
    least[tested] = _least_student(levels[tested], commits[tested])
    return least


def _least_student(levels: Array, commits: NDArray[np.int64]) -> Array:
    from scipy.special import stdtr

    spread, rise = difference_spread(levels), largest_rise(levels)
    # A little more than the quotient, for what rounding took; 0 / 0 is for the test to see.
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = stdtr(commits - 2, -rise / spread * (1 + 1e-9))
    return np.asarray(np.nan_to_num(bound, nan=0.0))


def least_fisher(failures: Array, runs: Array) -> Array:
    """Return the smallest p-value that Fisher's test could give for any last commits.

    It is smallest when all runs before them count and none of these failed: with k failures among
    the last n of N runs it is C(n, k) / C(N, k).

    Args:
        failures: (S, commits), 0 on the left of shorter series.
        runs: (S, commits), too.
    """
    from scipy.special import gammaln

    k, n = (np.cumsum(counts[:, ::-1], axis=1) for counts in (failures, runs))
    total = n[:, -1:]
    logs = gammaln(n + 1) - gammaln(n - k + 1) - gammaln(total + 1) + gammaln(total - k + 1)
    return np.asarray(np.exp(logs.min(axis=1)))


def largest_rise(values: Array) -> Array:
    """Return each row's largest rise from a window of commits to a later one up to the last commit.

    The rise from a window of n commits with mean a to the last m with mean b is
    (b - a) / sqrt(1 / n + 1 / m): divided by the standard deviation it is Student's t.

    Args:
        values: (S, commits), NaN on the left of shorter series; two commits or more in each.
    """
    width = values.shape[1]
    # From the right, so that NaN on the left spoils nothing; relative, so that digits last.
    sums = np.zeros((len(values), width + 1))
    sums[:, :-1] = np.cumsum((values - values[:, -1:])[:, ::-1], axis=1)[:, ::-1]
    m = np.arange(width, 0, -1)
    last = sums[:, :-1] / m
    best = np.full(len(values), -np.inf)
    for n in range(1, width):
        windows = (sums[:, :-n] - sums[:, n:])[:, : width - n] / n
        lowest = np.fmin.accumulate(windows, axis=1)
        rises = (last[:, n:] - lowest) / np.sqrt(1 / n + 1 / m[n:])
        best = np.fmax(best, np.fmax.reduce(rises, axis=1))
    return best
