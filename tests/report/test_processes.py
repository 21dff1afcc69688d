"""Pages made by several processes: the same bytes, one clear error, and an end by Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from toy_store import MINUS, PLUGINS, PLUS, curve, fill, record

from tiltyard.errors import TiltyardError
from tiltyard.registry import discover
from tiltyard.report import processes
from tiltyard.report.processes import each_suite
from tiltyard.report.site import write_site
from tiltyard.run.environment import cores
from tiltyard.store import Store

SUITES = ("toy_a", "toy_b", "toy_c")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Return a registry of three suites like the toy suite."""
    folder = tmp_path_factory.mktemp("plugins")
    text = (PLUGINS / "toy.py").read_text("utf-8")
    for name in SUITES:
        (folder / f"{name}.py").write_text(text.replace('"toy"', f'"{name}"'), "utf-8")
    found = discover((folder,))
    assert set(SUITES) <= found.suites.keys()
    return found


@pytest.fixture
def store(tmp_path):
    """Return an open store with runs of the three suites."""
    import numpy as np

    rng = np.random.default_rng(0)
    runs = [
        record(method, problem, curve(rng, rate), suite=suite, seed=seed)
        for suite in SUITES
        for method, rate in (("halve", 300), ("noisy", 900), ("both_devices", 2000))
        for problem in (PLUS, MINUS)
        for seed in (0, 1)
    ]
    with Store(fill(tmp_path / "store.db", runs), readonly=True) as opened:
        yield opened


@pytest.fixture
def several(monkeypatch):
    """Return a function that sets how many processes make a site, however small."""

    def use(number):
        monkeypatch.setattr(processes, "WORTH_RUNS", 0)
        monkeypatch.setattr(processes, "MOST_PROCESSES", number)
        monkeypatch.setattr(processes, "cores", lambda: number)

    return use


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def name_and_process(registry, store, out, name):
    """Return the suite and who was told of it; for tests of the dispatch."""
    return registry.suites[name].name, store.counts()[name], os.getpid()


def fail(registry, store, out, name):
    if name == "toy_b":
        raise TiltyardError(f"{name} cannot be made")
    return name


def die(registry, store, out, name):
    if name == "toy_b":
        os.kill(os.getpid(), signal.SIGKILL)
    return name


def crash(registry, store, out, name):
    raise ZeroDivisionError(name)


def test_the_same_bytes_by_any_number_of_processes(registry, store, tmp_path, several):
    sites = []
    for number in (1, 2, 3):
        several(number)
        index = write_site(registry, store, tmp_path / str(number))
        sites.append(files(index.parent))
    assert sites[0].keys() >= {"index.html", "toy_a.html", "toy_c.html", "leaderboard.json"}
    assert sites[0] == sites[1] == sites[2]


def test_other_processes_do_it_in_the_order_given(registry, store, tmp_path, several):
    several(2)
    runs = {name: store.counts()[name] for name in ("toy_c", "toy_a", "toy_b")}
    found = each_suite(name_and_process, registry, store, tmp_path, runs)
    assert [(name, count) for name, count, _ in found] == list(runs.items())
    by = {process for _, _, process in found}
    assert os.getpid() not in by
    assert len(by) <= 2
    assert not any(psutil.pid_exists(process) for process in by)


def test_few_runs_stay_in_this_process(registry, store, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "cores", lambda: 2)
    found = each_suite(name_and_process, registry, store, tmp_path, store.counts())
    assert {process for _, _, process in found} == {os.getpid()}


@pytest.mark.parametrize(
    ("runs", "number"), [({}, 0), ({"toy_a": 10**6}, 1), ({"toy_a": 10**6, "toy_b": 1}, 2)]
)
def test_one_large_suite_stays_in_this_process(
    registry, store, tmp_path, monkeypatch, runs, number
):
    monkeypatch.setattr(processes, "cores", lambda: 8)
    found = each_suite(name_and_process, registry, store, tmp_path, runs)
    assert [process for _, _, process in found] == [os.getpid()] * number


def test_a_registry_that_no_other_process_finds_stays_here(store, tmp_path, several, registry):
    import dataclasses

    several(2)
    copy = dataclasses.replace(registry)
    found = each_suite(name_and_process, copy, store, tmp_path, store.counts())
    assert {process for _, _, process in found} == {os.getpid()}


def test_an_error_of_another_process_is_one_line(registry, store, tmp_path, several):
    several(2)
    with pytest.raises(TiltyardError, match=r"^toy_b cannot be made$"):
        each_suite(fail, registry, store, tmp_path, store.counts())


def test_a_process_that_is_killed(registry, store, tmp_path, several):
    several(2)
    with pytest.raises(TiltyardError, match=r"pages of suite toy_b was killed by SIGKILL"):
        each_suite(die, registry, store, tmp_path, store.counts())


def test_a_process_that_crashes(registry, store, tmp_path, several):
    several(2)
    with pytest.raises(RuntimeError, match=r"pages of suite toy_. ended with code 1"):
        each_suite(crash, registry, store, tmp_path, store.counts())


def test_a_file_in_the_way_of_another_process(registry, store, tmp_path, several):
    several(2)
    (tmp_path / "out" / "toy_b.html").mkdir(parents=True)
    with pytest.raises(TiltyardError, match=r"^cannot write .*toy_b\.html"):
        write_site(registry, store, tmp_path / "out")
    assert not list((tmp_path / "out").rglob(".*"))


def test_a_damaged_store_in_another_process(registry, store, tmp_path, several):
    import sqlite3

    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE records SET result = x'00' WHERE suite = 'toy_b'")
    db.close()
    several(2)
    with pytest.raises(TiltyardError, match=r"^store .* is damaged"):
        write_site(registry, store, tmp_path / "out")


def test_relative_paths_mean_the_same_elsewhere(registry, store, tmp_path, several, monkeypatch):
    several(2)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert write_site(registry, store, Path("out")) == Path("out/index.html")
    assert (tmp_path / "here" / "out" / "toy_a.html").is_file()


SLOW = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from tiltyard.registry import discover
from tiltyard.report import processes
from tiltyard.store import Store
import slow_work

if __name__ == "__main__":
    processes.WORTH_RUNS, processes.cores = 0, lambda: 2
    with Store(Path({store!r}), readonly=True) as store:
        processes.each_suite(
            slow_work.sleep, discover(()), store, Path({out!r}), {{"a": 1, "b": 1}}
        )
"""


def test_ctrl_c_ends_every_process(store, tmp_path):
    (tmp_path / "slow_work.py").write_text(
        "import os, time\n\n"
        "def sleep(registry, store, out, name):\n"
        "    (out / name).write_text(str(os.getpid()))\n"
        "    time.sleep(100)\n"
    )
    script = tmp_path / "script.py"
    text = SLOW.format(tests=str(tmp_path), store=str(store.path), out=str(tmp_path))
    script.write_text(text)
    process = subprocess.Popen(
        [sys.executable, script], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    marks = [tmp_path / "a", tmp_path / "b"]
    end = time.monotonic() + 60
    while not all(mark.is_file() and mark.read_text() for mark in marks):
        assert time.monotonic() < end, "the processes did not start"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=30)
    assert errors.count("Traceback") == 1  # the main process's own
    assert "KeyboardInterrupt" in errors
    assert not any(psutil.pid_exists(int(mark.read_text())) for mark in marks)


def test_cores():
    assert 1 <= cores() <= (os.cpu_count() or 1)
