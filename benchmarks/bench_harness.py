"""What the harness itself costs: ``./run pytest benchmarks/bench_harness.py``.

Aims on a 2-core machine: a yield that is no checkpoint 2 us, a run in this process 1 ms, a run in
an isolated worker 3 ms (500 trivial runs, records committed), ``tiltyard --help`` 0.3 s.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PLUGINS = Path(__file__).parent.parent / "tests" / "plugins"
RUNS = 500
YIELDS = 1_000_000


@pytest.fixture
def toy(monkeypatch, tmp_path):
    """Return the registry with the tests' toy suite."""
    monkeypatch.setenv("TILTYARD_PLUGINS", str(PLUGINS))
    monkeypatch.chdir(tmp_path)
    from tiltyard.registry import registry

    return registry()


def specs(toy, name, count=RUNS, first=0):
    """Return specs of trivial runs that differ in their seeds."""
    from tiltyard.claim import Request
    from tiltyard.run.plan import plan_requests
    from tiltyard.suite import Budget

    request = Request(
        problem="line",
        implementation=name,
        seeds=tuple(range(first, first + count)),
        budget=Budget(iterations=10),
    )
    return plan_requests(toy, toy.suite("toy"), [request])


def test_yield_that_is_no_checkpoint(toy, benchmark):
    """Cost of a yield: a million yields, of which about 75 are judged, less the bare generator."""
    from tiltyard import Budget, implementation
    from tiltyard.run.driver import Run

    def constant(problem, rng):
        while True:
            yield 1.0

    suite, line = toy.suite("toy"), toy.build("toy", "line")
    method = implementation(suite="toy")(constant)

    def drive():
        run = Run(
            suite,
            method,
            line.on("cpu"),
            suite.judge(line),
            budget=Budget(iterations=YIELDS, seconds=1e9),
            report=lambda _: None,
        )
        run.drive(np.random.default_rng(0), {})

    benchmark.pedantic(drive, rounds=5)
    benchmark.extra_info["microseconds_per_yield"] = benchmark.stats["median"] / YIELDS * 1e6


def test_run_in_this_process(toy, benchmark):
    """Cost of a trivial run without isolation, its setting-up and record included."""
    from tiltyard.run.worker import Worker

    worker = Worker(1)
    (spec,) = specs(toy, "positive_only", 1)
    events = []
    worker.perform(spec, lambda event, content: events.append((event, content)))
    assert events[-1][1]["status"] == "solved"
    benchmark(worker.perform, spec, lambda *_: None)


def test_500_runs_in_isolated_workers(toy, benchmark, tmp_path):
    """Cost of a trivial run in a worker, committed to the store; start-up apart, then included."""
    from tiltyard.run.pool import Finished, Pool
    from tiltyard.run.session import default_limits
    from tiltyard.store import Store

    first = specs(toy, "positive_only", 1)
    counter = itertools.count(1)
    with Store(tmp_path / "runs.db") as store:
        store.add_environment("env", "hw", {})
        with Pool(limits=default_limits(first, jobs=1)) as pool:

            def make(todo):
                for event in pool.run(todo):
                    if isinstance(event, Finished):
                        event.record.environment = "env"
                        store.add(event.record)

            make(first)

            def setup():
                return (specs(toy, "positive_only", first=next(counter) * RUNS),), {}

            benchmark.pedantic(make, setup=setup, rounds=5)
    benchmark.extra_info["milliseconds_per_run"] = benchmark.stats["median"] / RUNS * 1e3


def test_500_runs_by_the_command(benchmark, tmp_path):
    """The whole command for 500 trivial runs: interpreter, imports, workers, store."""
    environment = {**os.environ, "TILTYARD_PLUGINS": str(PLUGINS)}
    counter = itertools.count()

    def run():
        code = "from tiltyard.cli import main; main()"
        store = str(tmp_path / f"{next(counter)}.db")
        options = ("-p", "line[x0=1]", "--seeds", str(RUNS), "--store", store)
        subprocess.run(
            [sys.executable, "-c", code, "run", "toy", "-i", "positive_only", *options],
            env=environment,
            check=True,
            capture_output=True,
        )

    benchmark.pedantic(run, rounds=3)
    benchmark.extra_info["milliseconds_per_run"] = benchmark.stats["median"] / RUNS * 1e3


def test_help(benchmark):
    """``tiltyard --help`` from a cold interpreter."""
    command = [sys.executable, "-c", "from tiltyard.cli import main; main()", "--help"]
    benchmark.pedantic(
        lambda: subprocess.run(command, check=True, capture_output=True), rounds=10, warmup_rounds=1
    )
