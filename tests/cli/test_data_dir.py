"""Runs with data that is downloaded, copied or not to be had."""

import hashlib
import os
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[1] / "plugins"

FAR = """
import numpy as np

from tiltyard import Problem, dataset, problem


@dataset(licence="CC0-1.0", source="me", url="http://127.0.0.1:9/start.csv", sha256="{sha256}")
def start(path):
    "A start."
    return {{"x0": np.loadtxt(path, ndmin=1)}}


class Far(Problem):
    def __init__(self, x0):
        self.x0 = x0
        self.facts = {{"x0": x0, "sign": "plus"}}


@problem(suite="toy", datasets=("start",), tiers={{"smoke": [{{}}]}})
def far(rng, data, *, instance: int = 0):
    "A start that is downloaded."
    return Far(float(data["x0"][0]))
"""


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Add a problem whose data cannot be downloaded; return a folder with a copy of the data."""
    folder = tmp_path / "data"
    (folder / "inside").mkdir(parents=True)
    copy = folder / "inside" / "start.csv"
    copy.write_bytes(b"2.5\n")
    sha256 = hashlib.sha256(copy.read_bytes()).hexdigest()
    own = tmp_path / "own"
    own.mkdir()
    (own / "far.py").write_text(FAR.format(sha256=sha256), encoding="utf-8")
    monkeypatch.setenv("TILTYARD_PLUGINS", os.pathsep.join([str(PLUGINS), str(own)]))
    return folder


def test_workers_find_the_copy(data, tiltyard):
    done = tiltyard("--data-dir", str(data), "run", "toy", "-p", "far", "-i", "halve")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 runs made: 1 solved" in done.stdout


def test_a_run_goes_on_without_data_that_cannot_be_had(data, tiltyard):
    done = tiltyard("run", "toy", "-i", "halve")
    assert done.returncode == 1
    assert "2 runs made: 2 solved" in done.stdout
    warning = done.stderr.splitlines()[-1]
    assert warning.startswith("warning: 1 of 3 problems are left out: dataset start: cannot down")
    assert "--data-dir" in warning


def test_a_run_of_nothing_but_that_is_refused(data, tiltyard):
    done = tiltyard("run", "toy", "-p", "far", "-i", "halve")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("tiltyard: dataset start: cannot download ")


def test_an_altered_copy_is_refused_before_any_run(data, tiltyard):
    (data / "inside" / "start.csv").write_bytes(b"2.4\n")
    done = tiltyard("--data-dir", str(data), "run", "toy", "-i", "halve")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "start.csv has checksum" in line
