"""Records of the toy suite as runs would have left them, for tests of reports."""

import math
from pathlib import Path

import numpy as np

from tiltyard.registry import discover
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.run.spec import RunSpec
from tiltyard.store import Store
from tiltyard.suite import Budget

PLUGINS = Path(__file__).parents[1] / "plugins"

PLUS = "line[x0=3.0,instance=0]"
MINUS = "line[x0=-4.0,instance=0]"

HARDWARE = {"cpu": "Toy 3000", "cores": 2, "ram_gib": 8, "gpus": []}


def toy_registry():
    return discover((PLUGINS,))


def record(method, problem, gaps, **others):
    """Return a record with a checkpoint at each (seconds, gap)."""
    spec = RunSpec(
        suite=others.pop("suite", "toy"),
        suite_version=others.pop("version", 1),
        problem=problem,
        implementation=method,
        source=others.pop("source", "0" * 64),
        seed=others.pop("seed", 0),
        device="cpu",
        budget=others.pop("budget", Budget(seconds=0.2)),
        threads=1,
        parameters=others.pop("parameters", {}),
    )
    points = [
        Checkpoint(iteration=i, seconds=s, oracles={"step": i}, metrics={"gap": g})
        for i, (s, g) in enumerate(gaps, start=1)
    ]
    values = {
        "status": Status.SOLVED if gaps and gaps[-1][1] <= 1e-2 else Status.STOPPED,
        "reference": {"value": 0.0, "certificate": "exact"},
        "environment": "env",
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": gaps[-1][0] if gaps else 0.0,
    }
    return Record(spec=spec, checkpoints=points, **{**values, **others})


def fill(path, records):
    """Write records into a new store and return its path."""
    with Store(path) as store:
        store.add_environment("env", "hw", HARDWARE)
        for one in records:
            assert store.add(one)
    return path


def curve(rng, rate, start=1.0, budget=0.2, points=40):
    """Return a plausible noisy convergence until the target or the budget."""
    found = []
    for seconds in np.geomspace(1e-4, budget, points):
        gap = start * math.exp(-((rate * seconds) ** 0.6)) * math.exp(rng.normal(0, 0.15))
        found.append((float(seconds), float(gap)))
        if gap <= 1e-2:
            break
    return found


def by_hand():
    """Return runs whose board is known: halve is twice as slow as noisy on both problems."""
    slow = [(0.001, 0.5), (0.02, 0.05), (0.04, 0.009)]
    fast = [(0.001, 0.5), (0.01, 0.05), (0.02, 0.009)]
    return [
        record("halve", PLUS, slow),
        record("halve", MINUS, slow),
        record("noisy", PLUS, fast),
        record("noisy", MINUS, fast),
        record("positive_only", PLUS, [(0.1, 0.0)]),
        record("positive_only", MINUS, [], status=Status.UNSUPPORTED, reason="needs sign = plus"),
        record("misbehave", PLUS, [(0.01, 0.05)], status=Status.CRASHED, reason="as asked"),
        record("misbehave", MINUS, [(0.01, 1e9)], status=Status.DIVERGED, reason="gap is inf"),
    ]
