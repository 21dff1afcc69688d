"""What the gate costs: ``./run pytest benchmarks/bench_history_gate.py``.

Aim on a 2-core machine: 6,000 series of 30 commits and 6 samples in 3 s, reading excluded.
"""

import itertools

import numpy as np
import pandas as pd
import pytest

from tiltyard.history.frame import SERIES
from tiltyard.history.gate import KINDS, regressions

COMMITS = [f"{number:040x}" for number in range(30)]
SERIES_COUNT, SAMPLES = 6000, 6
WORSE = slice(0, SERIES_COUNT, 200)


def board(kind):
    """Return a history of one kind: 5 to 20 % noise, 3 % of it common to a commit's samples."""
    rng = np.random.default_rng(0)
    shape = (SERIES_COUNT, len(COMMITS), SAMPLES)
    noise = rng.uniform(0.05, 0.2, (SERIES_COUNT, 1, 1)) * rng.standard_normal(shape)
    noise += 0.03 * rng.standard_normal((*shape[:2], 1))
    up = np.zeros(shape)
    up[WORSE, 20:] = 1.0
    if kind == "share":
        samples = (rng.uniform(size=shape) < 0.02 + 0.9 * up).astype(float)
    else:
        samples = np.exp(noise + up) if kind == "time" else noise + up
    rows = itertools.product(range(60), range(10), range(10), COMMITS)
    names = [(f"{kind}.track_{b}", f"problem{p}", f"implementation{i}", c) for b, p, i, c in rows]
    frame = pd.DataFrame(names, columns=["benchmark", "problem", "implementation", "commit"])
    average = np.mean if kind == "share" else np.median
    return frame.assign(
        **{name: "x" for name in SERIES if name not in frame},
        kind=kind,
        value=average(samples, axis=2).ravel(),
        samples=samples.reshape(-1, SAMPLES).tolist(),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_check_of_6000_series(benchmark, kind):
    """One kind at a time; the planted steps are among what is found."""
    frame = board(str(kind))
    found = benchmark.pedantic(regressions, (frame, COMMITS), rounds=3)
    benchmark.extra_info["found"] = len(found)
    assert len({(one.benchmark, one.problem, one.implementation) for one in found}) >= 28
