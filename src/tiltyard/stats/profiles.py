"""Performance profiles (Dolan & More) and data profiles (More & Wild), with bootstrap bands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tiltyard.errors import TiltyardError
from tiltyard.stats.bootstrap import Array, Resamples, interval
from tiltyard.stats.costs import require_costs
from tiltyard.stats.credit import ratios_to_best

BAND_POINTS = 256
"""Where a profile has more steps than this, its band has no more, and is wider in between."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A share of problems as an exact step function, with a pointwise 95 % band.

    The share is 0 before the first step and ``share[k]`` from ``at[k]`` to the next step; a run
    that never reached a target adds to no step. Without any problem the profile is undefined, and
    has no steps.

    Attributes:
        at: (steps,) increasing: ratios to the best cost (to be drawn on a logarithmic axis), or
            costs in the problem's unit.
        share: (steps,) in [0, 1], not decreasing.
        low: (steps,) lower end of the band.
        high: (steps,) its upper end.
        problems: over how many problems the share is taken: those that the implementation takes.
    """

    at: Array
    share: Array
    low: Array
    high: Array
    problems: int

    def __call__(self, x: ArrayLike) -> Array:
        """Return the share at each x; NaN if there is no problem."""
        before = 0.0 if self.problems else np.nan
        steps = np.searchsorted(self.at, np.asarray(x, np.float64), side="right")
        return np.asarray(np.concatenate(([before], self.share))[steps])


def performance_profiles(costs: Array, rng: np.random.Generator) -> list[Profile]:
    """Return each implementation's performance profile, averaged over targets.

    ``rho(tau)`` is the share of runs whose cost is within a factor tau of the best
    implementation's median cost on the same problem (Dolan & More 2002,
    doi:10.1007/s101070100263), taken over seeds, then targets, then problems. A tie counts for
    all who tie. The area under it on a logarithmic axis is the mean of ``profile_credit``.

    Args:
        costs: (targets, implementations, problems, seeds); inf where the target was not reached,
            NaN where there is no run.
        rng: for the bands: a bootstrap over problems, and seeds within them, in which the best
            costs stay what they are.

    Raises:
        TiltyardError: ``costs`` has other axes or holds a negative cost.
    """
    require_costs(costs, "targets", "implementations", "problems", "seeds")
    ratios = np.empty_like(costs)
    for index, of_target in enumerate(costs):
        ratios[index] = ratios_to_best(of_target)
    return _profiles(ratios, rng)


def data_profiles(costs: Array, units: Array, rng: np.random.Generator) -> list[Profile]:
    """Return each implementation's data profile, averaged over targets.

    ``d(alpha)`` is the share of runs whose cost is within alpha units of the problem (More & Wild
    2009, doi:10.1137/080724083), taken over seeds, then targets, then problems. With oracle
    calls as costs and dimension + 1 as the unit, alpha counts simplex gradients; a unit of 1
    leaves plain costs.

    Args:
        costs: (targets, implementations, problems, seeds); inf where the target was not reached,
            NaN where there is no run.
        units: (problems,) finite and positive.
        rng: for the bands, as in ``performance_profiles``.

    Raises:
        TiltyardError: ``costs`` has other axes or holds a negative cost, or the units do not fit.
    """
    require_costs(costs, "targets", "implementations", "problems", "seeds")
    if units.shape != costs.shape[2:3] or not ((units > 0) & np.isfinite(units)).all():
        raise TiltyardError(
            f"units of a data profile must be {costs.shape[2]} finite numbers above 0, one a "
            f"problem; got {units.tolist()}"
        )
    return _profiles(costs / units[:, None], rng)


def _profiles(levels: Array, rng: np.random.Generator) -> list[Profile]:
    """Return the profile of each implementation's levels (targets, implementations, ...)."""
    targets, _, problems, seeds = levels.shape
    if targets * problems * seeds == 0:
        return [_UNDEFINED] * levels.shape[1]
    resamples = Resamples(problems, seeds, rng)
    return [_profile(levels[:, index], resamples) for index in range(levels.shape[1])]


def _profile(levels: Array, resamples: Resamples) -> Profile:
    """Return the profile of one implementation's levels (targets, problems, seeds)."""
    # A run that lacks one target is missing: its levels must share a denominator.
    known = np.asarray(~np.isnan(levels).any(axis=0))
    runs = known.sum(axis=1, keepdims=True)
    problems = int((runs > 0).sum())
    if problems == 0:
        return _UNDEFINED
    target, problem, seed = np.nonzero(known & np.isfinite(levels))
    at, step = np.unique(levels[target, problem, seed], return_inverse=True)
    weights = 1.0 / (len(levels) * problems * runs[problem, 0])
    share = _exact(np.cumsum(np.bincount(step, weights, minlength=len(at))))
    run = problem * levels.shape[2] + seed
    low, high = _band(run, step, share, known, len(levels), resamples)
    return Profile(at, share, low, high, problems)


def _band(  # noqa: PLR0913, PLR0917 - the entries of a profile, and what they are shares of
    run: NDArray[np.int64],
    step: NDArray[np.int64],
    share: Array,
    known: NDArray[np.bool_],
    targets: int,
    resamples: Resamples,
) -> tuple[Array, Array]:
    """Return the band at every step.

    Shares do not decrease, hence nor do the ends of the band: between the points at which it is
    computed, the lower end of the point before and the upper end of the point after enclose it.
    """
    from scipy.sparse import csr_array

    steps = len(share)
    if steps == 0:
        return share, share
    count = min(steps, BAND_POINTS)
    points = np.linspace(0, steps - 1, count).round().astype(np.int64)
    after = np.searchsorted(points, np.arange(steps))
    before = np.searchsorted(points, np.arange(steps), side="right") - 1
    taken = np.asarray(known.any(axis=1))
    of_runs, of_problems = resamples.weights(known)
    entries = csr_array(
        (np.full(len(run), 1.0 / targets), (after[step], run)), shape=(count, known.size)
    )
    solved = np.cumsum(entries @ of_runs, axis=0)
    drawn = taken.astype(float) @ of_problems
    with np.errstate(invalid="ignore"):
        resampled = np.where(drawn > 0, solved / drawn, share[points, None])
    low, high = interval(_exact(resampled))
    return np.minimum(low[before], share), np.maximum(high[after], share)


def _exact(shares: Array) -> Array:
    """Return shares rounded, so that all is 1 in whatever order it was added up."""
    return np.asarray(np.round(shares, 12), np.float64)


_UNDEFINED = Profile(np.empty(0), np.empty(0), np.empty(0), np.empty(0), 0)
