"""What the history costs at scale: ``./run pytest benchmarks/bench_history.py``.

60 benchmarks x 100 pairs x 30 commits, six samples each: 180,000 stored results. Aims on a 2-core
machine: written in 10 s, read into pandas in 10 s.
"""

import subprocess

import numpy as np
import pytest

BENCHMARKS, PROBLEMS, METHODS, COMMITS, SAMPLES = 60, 10, 10, 30, 6


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a repository of 30 commits with asv's configuration."""
    from tiltyard.history.project import open_project

    folder = tmp_path_factory.mktemp("history")

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True)

    git("init", "--quiet")
    (folder / "asv.conf.json").write_text('{"version": 1, "repo": ".", "results_dir": "results"}')
    git("add", ".")
    for index in range(COMMITS):
        git("commit", "--quiet", "--allow-empty", "--message", f"commit {index}")
    return open_project(folder)


def sheets(rng):
    """Return one commit's values."""
    from tiltyard.history.records import conditions_of
    from tiltyard.history.results import Entry, Sheet

    points = [(f"problem[n={n}]", f"method_{m}") for n in range(PROBLEMS) for m in range(METHODS)]
    entries = [
        Entry(
            name=f"suite{index // 10}.track_seconds_{index % 10}",
            title="seconds",
            unit="seconds",
            kind="time",
            version="1",
            samples={
                point: rng.lognormal(mean=-3, sigma=0.05, size=SAMPLES).tolist() for point in points
            },
        )
        for index in range(BENCHMARKS)
    ]
    return [Sheet(dict(conditions_of(device="cpu", threads=1, tier="smoke")), entries)]


def test_write_then_read(project, benchmark):
    """Written commit by commit as ``history add`` does, then read into pandas."""
    import time

    from tiltyard.history.frame import read_history
    from tiltyard.history.project import machine
    from tiltyard.history.results import write

    fields, rng = machine(project, "m"), np.random.default_rng(0)
    commits = project.repository.history("HEAD")
    made = [sheets(rng) for _ in commits]
    start = time.perf_counter()
    for commit, one in zip(commits, made, strict=True):
        write(project, commit, fields, one)
    benchmark.extra_info["seconds to write"] = time.perf_counter() - start
    frame = benchmark.pedantic(read_history, args=(project,), rounds=3)
    assert len(frame) == BENCHMARKS * PROBLEMS * METHODS * COMMITS
    assert frame["value"].notna().all()
