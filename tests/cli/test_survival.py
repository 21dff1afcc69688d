"""A killed or interrupted run keeps every finished record, and the same command goes on."""

import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

STORE = Path("tiltyard.db")
RUN = ("run", "toy", "-i", "noisy", "-i", "halve", "--seeds", "150", "--iterations", "3")
TOTAL = 2 * 150 * 2


def stored():
    """Return the ids in the store, through a connection of our own."""
    if not STORE.exists():
        return []
    with closing(sqlite3.connect(STORE, timeout=30)) as db:
        try:
            return [key for (key,) in db.execute("SELECT id FROM records")]
        except sqlite3.OperationalError:  # killed before the schema was committed
            return []


def test_20_random_kills_lose_and_repeat_nothing(start, tiltyard):
    chance = random.Random(20)  # noqa: S311 - moments, not secrets
    finished: set[str] = set()
    for _ in range(20):
        process = start(*RUN)
        time.sleep(chance.uniform(0.05, 1.6))
        before = set(stored())
        process.send_signal(signal.SIGKILL)
        process.wait()
        after = stored()
        assert len(after) == len(set(after))
        assert finished <= before <= set(after)
        finished = set(after)
    done = tiltyard(*RUN)
    assert done.returncode == 0, done.stderr
    assert len(stored()) == len(set(stored())) == TOTAL
    with closing(sqlite3.connect(STORE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_no_worker_outlives_a_killed_command(start):
    process = start("run", "toy", "-i", "misbehave[how=spin]")
    spinning = Path("spinning")
    while not (spinning.exists() and spinning.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    worker = int(spinning.read_text())
    deadline = time.monotonic() + 10
    while psutil.pid_exists(worker) and psutil.Process(worker).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ctrl_c_keeps_everything_and_says_how_to_go_on(start, tiltyard):
    process = start("run", "toy", "-i", "noisy", "--seeds", "2000", "--iterations", "3")
    while len(stored()) < 20:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "every finished run is in tiltyard.db. The same command goes on." in out
    assert "Traceback" not in err
    assert len(stored()) >= 20


def test_two_commands_at_once_share_a_store(start):
    both = [start(*RUN), start(*RUN)]
    for process in both:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert len(stored()) == len(set(stored())) == TOTAL


@pytest.mark.parametrize("how", ["os_exit", "segfault"])
def test_a_method_that_kills_its_worker_costs_one_run(tiltyard, how):
    done = tiltyard("run", "toy", "-i", f"misbehave[how={how}]", "-i", "halve")
    assert done.returncode == 1
    assert "2 crashed, 2 solved" in done.stdout
