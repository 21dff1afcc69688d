"""What the web site costs: ``./run pytest benchmarks/bench_report.py``.

Aims on a 2-core machine: 100,000 runs (10 suites of 100 problems, 20 implementations and 5 seeds,
50 checkpoints each) in under 60 s, and in under 2 GB over all processes; a suite page of 200
problems and 20 implementations below 1.5 MB, which a browser shows and sorts in under 1 s; an index
below 200 kB. pytest measures a twentieth of it; the whole, with the processor time and the peak
memory of all processes:

    python benchmarks/bench_report.py /tmp/big --suites 10 --problems 100 --seeds 5
"""

import argparse
import contextlib
import dataclasses
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from tiltyard.family import problem
from tiltyard.registry import discover
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Record, Status
from tiltyard.run.spec import RunSpec
from tiltyard.store import Store
from tiltyard.suite import Budget, Metric, Tier

TESTS = Path(__file__).parent.parent / "tests"
PLUGINS = TESTS / "plugins"
BROWSER = TESTS / "browser"
IMPLEMENTATIONS = 20
CHECKPOINTS = 50
TARGETS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8)
HARDWARE = {"cpu": "Synthetic 1", "cores": 2, "ram_gib": 8, "gpus": []}
METRICS = ("gap", "objective", "infeasibility")


def synthetic_registry(folder, suites, problems):
    """Write a plug-in of suites into a folder, as other processes must find them, and find it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "synthetic.py").write_text(
        f"import sys\n\nsys.path.append({str(Path(__file__).parent)!r})\n"
        "from bench_report import plugins\n\n"
        f"found = plugins(__name__, {suites}, {problems})\n"
    )
    return discover((folder,))


def plugins(module, suites, problems):
    """Return suites like the tests' toy suite, with problems and implementations in numbers."""
    toy = discover((PLUGINS,))
    found = []
    for number in range(suites):
        name = f"suite_{number}"
        family = problem(
            suite=name,
            name="line",
            tiers={"standard": [{"x0": float(x0)} for x0 in range(1, problems + 1)]},
        )(toy.families["toy", "line"].build)
        halve = toy.implementations["toy", "halve"]
        found += [_suite(toy.suite("toy"), name), family]
        found += [
            dataclasses.replace(halve, name=f"method_{index:02}", suite=name)
            for index in range(IMPLEMENTATIONS)
        ]
    return [dataclasses.replace(one, module=module) for one in found]


def _suite(toy, name):
    metrics = tuple(
        Metric(name=metric, unit="1", better="lower", scale="log", summary=metric)
        for metric in METRICS
    )
    return dataclasses.replace(
        toy,
        name=name,
        title=name.replace("_", " "),
        metrics=metrics,
        targets=TARGETS,
        tiers={"standard": Tier(seconds=3.0, seeds=5)},
    )


def synthetic_records(registry, seeds):
    """Yield a record for every suite, problem, implementation and seed: each its own curve."""
    rng = np.random.default_rng(0)
    for name, suite in registry.suites.items():
        if not name.startswith("suite_"):
            continue
        for family in registry.families_of(name):
            for instance in family.names("standard"):
                for index, method in enumerate(registry.methods_of(name)):
                    for seed in range(seeds):
                        rate = 2.0 * (1 + index % 7) * rng.lognormal()
                        yield _record(suite, instance, method, seed, rng, rate)


def _record(suite, instance, method, seed, rng, rate):  # noqa: PLR0913, PLR0917 - what a run is
    seconds = np.geomspace(1e-4, 3.0, CHECKPOINTS)
    gaps = np.exp(-((rate * seconds) ** 0.5) * 4 + rng.normal(0, 0.2, CHECKPOINTS))
    points = [
        Checkpoint(
            iteration=7 * i,
            seconds=s,
            oracles={"step": 13 * i},
            metrics={"gap": g, "objective": 1 + g, "infeasibility": 0.0},
        )
        for i, (s, g) in enumerate(zip(seconds.tolist(), gaps.tolist(), strict=True), start=1)
    ]
    spec = RunSpec(
        suite=suite.name,
        suite_version=suite.version,
        problem=instance,
        implementation=method.name,
        source="0" * 64,
        seed=seed,
        device="cpu",
        budget=Budget(seconds=3.0),
        threads=1,
        parameters=dict(method.parameters),
    )
    return Record(
        spec=spec,
        status=Status.SOLVED if gaps[-1] <= TARGETS[-1] else Status.STOPPED,
        checkpoints=points,
        certificate={"lower_bound": 1.0},
        iterations=7 * CHECKPOINTS,
        seconds=3.0,
        oracles={"step": 13 * CHECKPOINTS},
        peak_memory_bytes=int(1e6 * rng.lognormal()),
        reference={"value": 1.0, "lower_bound": 1.0},
        answer={"w": rng.standard_normal(20)},
        environment="env",
        started="2026-01-02T03:04:05+00:00",
    )


def fill(path, registry, seeds):
    """Write the records into a store."""
    with Store(path) as store:
        store.add_environment("env", "hw", HARDWARE)
        for record in synthetic_records(registry, seeds):
            store.add(record)


def write(registry, path, out):
    """Write the site."""
    from tiltyard.report.site import write_site

    with Store(path, readonly=True) as store:
        write_site(registry, store, out)


def test_site_of_5000_runs(benchmark, tmp_path):
    """Five suites of 50 problems, 20 implementations and one seed."""
    registry = synthetic_registry(tmp_path / "plugins", 5, 50)
    fill(tmp_path / "store.db", registry, 1)
    benchmark.pedantic(write, (registry, tmp_path / "store.db", tmp_path / "out"), rounds=1)
    benchmark.extra_info["milliseconds_per_run"] = benchmark.stats["median"] / 5000 * 1e3


def test_suite_page_of_200_problems(benchmark, tmp_path):
    """One suite of 200 problems, 20 implementations and two seeds; its page below 1.5 MB."""
    registry = synthetic_registry(tmp_path / "plugins", 1, 200)
    fill(tmp_path / "store.db", registry, 2)
    out = tmp_path / "out"
    benchmark.pedantic(write, (registry, tmp_path / "store.db", out), rounds=1)
    benchmark.extra_info["page_bytes"] = size = (out / "suite_0.html").stat().st_size
    assert size < 1.5e6
    assert (out / "index.html").stat().st_size < 2e5


def test_first_sort_of_200_problems(benchmark, tmp_path):
    """From opening a suite's page to its leaderboard being sorted by name."""
    sys.path.append(str(BROWSER))
    from chromium import headless

    registry = synthetic_registry(tmp_path / "plugins", 1, 200)
    fill(tmp_path / "store.db", registry, 1)
    write(registry, tmp_path / "store.db", tmp_path / "out")
    address = (tmp_path / "out" / "suite_0.html").as_uri()
    with headless() as browser:

        def open_and_sort(page):
            page.goto(address)
            board = page.locator("table").first
            head = board.locator("th[data-column]", has_text="implementation")
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == "ascending"

        def new_page():
            return (browser.new_context().new_page(),), {}

        benchmark.pedantic(open_and_sort, setup=new_page, rounds=5)


class Watch(threading.Thread):
    """Follows this process and those below it.

    Attributes:
        seconds: processor time of each, by process.
        peak: the most resident memory of all together, in bytes; what they share counts for each.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.seconds, self.peak = {}, 0
        self._over = threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()

    def run(self):
        """Look ten times a second."""
        own = psutil.Process()
        while not self._over.wait(0.1):
            resident = 0
            for process in (own, *own.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    self.seconds[process.pid] = times.user + times.system
                    resident += process.memory_info().rss
            self.peak = max(self.peak, resident)


def main():
    """Make a store in a folder if it is not there, write its site, and print what it took."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    for name, default in (("suites", 10), ("problems", 100), ("seeds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    name = f"{options.suites}-{options.problems}"
    registry = synthetic_registry(options.folder / name, options.suites, options.problems)
    path = options.folder / f"{options.suites}-{options.problems}-{options.seeds}.db"
    if not path.is_file():
        fill(path, registry, options.seeds)
        sys.stdout.write(f"made {path}; run this again to measure without making it\n")
        return
    start = time.perf_counter()
    out = options.folder / "site"
    with Watch() as watch:
        write(registry, path, out)
    files = [file for file in out.rglob("*") if file.is_file()]
    sys.stdout.write(
        f"{time.perf_counter() - start:.1f} s, {sum(watch.seconds.values()):.1f} s of processor "
        f"time by {len(watch.seconds)} processes, {watch.peak / 2**20:.0f} MiB, "
        f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB, "
        f"largest {max(file.stat().st_size for file in files) / 1e6:.2f} MB\n"
    )


if __name__ == "__main__":
    sys.exit(main())
