"""Brute force that several tests compare with."""

import numpy as np

from tiltyard.stats import RESAMPLES


def looped_means(values, rng):
    """Return the means of every resample, drawn and averaged one by one."""
    rows, problems, seeds = values.shape
    means = np.empty((rows, RESAMPLES))
    for b in range(RESAMPLES):
        chosen = rng.integers(problems, size=(problems, 1))
        within = rng.integers(seeds, size=(problems, seeds))
        drawn = values[:, np.broadcast_to(chosen, within.shape), within]
        for row in range(rows):
            slots = [slot[~np.isnan(slot)] for slot in drawn[row]]
            known = [slot.mean() for slot in slots if slot.size]
            means[row, b] = np.mean(known) if known else np.nan
    return means
