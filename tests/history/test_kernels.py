"""pytest-benchmark's timings flow into the same history."""

import json
import platform
import subprocess
import sys

import pytest

from tiltyard.errors import TiltyardError
from tiltyard.history.frame import read_history
from tiltyard.history.kernels import ROUNDS, add_kernels
from tiltyard.run.environment import environment


@pytest.fixture
def content(scratch):
    """Return what pytest-benchmark writes, with the parts that are read."""
    return {
        "machine_info": {
            "cpu": {"brand_raw": environment()["cpu"]},
            "python_version": platform.python_version(),
        },
        "commit_info": {"id": scratch.git("rev-parse", "HEAD"), "dirty": False},
        "benchmarks": [
            {
                "fullname": "benchmarks/bench_x.py::test_sum[n=1 / é]",
                "stats": {"median": 2.0, "data": [1.0, 2.0, 3.0]},
            },
            {"fullname": "benchmarks/bench_x.py::test_sum[2]", "stats": {"median": 5.0}},
            {
                "fullname": "benchmarks/bench_y.py::test_fast",
                "stats": {"median": 5.0, "data": [float(i) for i in range(1000)]},
            },
        ],
    }


def write(tmp_path, content):
    path = tmp_path / "kernels.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_timings_become_benchmarks_with_their_cases(scratch, content, tmp_path):
    added = add_kernels(scratch.project, write(tmp_path, content))
    assert added.count == 3
    frame = read_history(scratch.project)
    rows = {(row.benchmark, row.problem): row for row in frame.itertuples()}
    one = rows["kernels.track_bench_x_test_sum", "n=1 / é"]
    assert (one.value, one.samples, one.kind, one.unit) == (2.0, [1.0, 2.0, 3.0], "time", "seconds")
    assert rows["kernels.track_bench_x_test_sum", "2"].value == 5.0
    fast = rows["kernels.track_bench_y_test_fast", ""]
    assert ROUNDS / 2 < len(fast.samples) <= ROUNDS
    assert abs(fast.value - 500) < 20


def test_real_file(scratch, tmp_path):
    """A file as pytest-benchmark writes it in this repository's environment."""
    (scratch.folder / "test_it.py").write_text(
        "def test_it(benchmark):\n    benchmark.pedantic(sum, args=([1, 2],), rounds=8)\n"
    )
    scratch.commit()
    out = tmp_path / "real.json"
    subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--benchmark-json={out}", "."],
        cwd=scratch.folder,
        check=True,
        capture_output=True,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    added = add_kernels(scratch.project, out)
    assert added.commit == scratch.git("rev-parse", "HEAD")
    (row,) = read_history(scratch.project).itertuples()
    assert len(row.samples) == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"commit_info": {"id": "unversioned"}}, "outside a git repository"),
        ({"commit_info": {"id": "0" * 40}}, "no commit '0000"),
        ({"machine_info": {"cpu": {"brand_raw": "Other"}}}, "another processor: Other"),
        ({"machine_info": {"python_version": "2.7.1"}}, "with Python 2.7;"),
        ({"benchmarks": []}, "holds no benchmarks"),
        ({"benchmarks": [{"fullname": "a::b", "stats": {}}]}, "lacks its name or its timings"),
        ({"benchmarks": [7]}, "lacks its name or its timings"),
        (
            {"benchmarks": [{"fullname": "a::b", "stats": {"median": float("inf")}}]},
            "not finite",
        ),
        ({"benchmarks": None}, "is no file of 'pytest --benchmark-json'"),
    ],
)
def test_refusals(scratch, content, tmp_path, change, message):
    with pytest.raises(TiltyardError, match=message):
        add_kernels(scratch.project, write(tmp_path, {**content, **change}))
    assert not scratch.project.results.exists()


def test_damaged_and_absent_file(scratch, tmp_path):
    with pytest.raises(TiltyardError, match="is damaged"):
        add_kernels(scratch.project, write(tmp_path, '{"machine_info": '))
    with pytest.raises(TiltyardError, match="cannot read"):
        add_kernels(scratch.project, tmp_path / "nowhere.json")


def test_timings_of_a_changed_tree(scratch, content, tmp_path):
    content["commit_info"]["dirty"] = True
    path = write(tmp_path, content)
    with pytest.raises(TiltyardError, match="uncommitted changes"):
        add_kernels(scratch.project, path)
    assert add_kernels(scratch.project, path, dirty=True).count == 3
