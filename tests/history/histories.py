"""Histories made of arrays, for tests of the gate."""

import numpy as np
import pandas as pd

from tiltyard.history.frame import SERIES


def commits(count):
    """Return full hashes, oldest first."""
    return [f"{number:040x}" for number in range(1, count + 1)]


def history(samples, kind="time", **changes):
    """Return a frame: a list for each commit with its samples, None where it has no row."""
    rows = [
        {
            **dict.fromkeys(SERIES, "x"),
            "commit": commit,
            "kind": kind,
            "value": float(np.median(one)) if len(one) else float("nan"),
            "samples": [float(sample) for sample in one] or None,
            **changes,
        }
        for commit, one in zip(commits(len(samples)), samples, strict=True)
        if one is not None
    ]
    return pd.DataFrame(rows)


def board(samples, kind="time", **changes):
    """Return a frame of many series: (series, commits, samples)."""
    count, length, seeds = samples.shape
    return pd.DataFrame(
        {
            **dict.fromkeys(SERIES, "x"),
            "benchmark": np.repeat([f"{kind}{index:04d}" for index in range(count)], length),
            "commit": commits(length) * count,
            "kind": kind,
            "value": np.median(samples, axis=2).ravel(),
            "samples": samples.reshape(-1, seeds).tolist(),
            **changes,
        }
    )
