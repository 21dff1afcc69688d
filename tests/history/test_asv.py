"""asv's own commands work, unchanged, in a repository that ``tiltyard new history`` made ready."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import PLUGINS
from tests.history.conftest import ROOT, Scratch, ready_for_history
from tiltyard.history.asv_environment import _plugins
from tiltyard.history.asv_suites import SEEDS
from tiltyard.history.frame import read_history

# asv searches names with their parameters in them, and "pbgd_toy" is a problem of bilevel.
TOY = r"^toy\."

BENCHMARKS = {
    "failed",
    "log10_gap",
    "missed_1e_1",
    "missed_1e_2",
    "peak_memory",
    "seconds_to_1e_1",
    "seconds_to_1e_2",
    "energy",
}


class Asv:
    """A repository with the toy suite and a package of its own, whose user works with asv."""

    def __init__(self, folder):
        self.scratch = Scratch(folder / "scratch")
        ready_for_history(self.scratch)
        self.before = self.scratch.commit("Get ready")
        plugins = self.scratch.folder / "tiltyard_plugins"
        plugins.mkdir()
        shutil.copy(PLUGINS / "toy.py", plugins)
        text = (plugins / "toy.py").read_text().replace("x0 * 1e-3", "x0 * ours.FACTOR")
        (plugins / "toy.py").write_text(text.replace("import ctypes", "import ctypes\nimport ours"))
        self.source = self.scratch.folder / "src"
        self.source.mkdir()
        (self.source / "ours.py").write_text("FACTOR = 1e-3\n")
        self.first = self.scratch.commit("First suite")
        (folder / "home").mkdir()
        inherited = {key: os.environ[key] for key in os.environ if key != "TILTYARD_PLUGINS"}
        source = str(ROOT / "src")
        self.env = {
            **inherited,
            "HOME": str(folder / "home"),
            "PYTHONPATH": source,
            "ASV_PYTHONPATH": source,  # asv drops the other one
        }
        self("asv", "machine", "--yes", "--machine", "m")

    def __call__(self, program, *arguments, code=0, **environment):
        run = {"asv": "import sys; from asv.main import main; sys.exit(main())"}.get(
            program, "from tiltyard.cli import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", run, *arguments],
            cwd=self.scratch.folder,
            env=self.env | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def results(self):
        """Return asv's results files by name, read."""
        folder = self.scratch.folder / ".asv" / "results" / "m"
        return {path.name: json.loads(path.read_text()) for path in folder.glob("*-tiltyard-*")}


@pytest.fixture(scope="module")
def asv(tmp_path_factory):
    """Return a repository in which ``asv run`` has measured its first suite."""
    made = Asv(tmp_path_factory.mktemp("asv"))
    made.output = made(
        "asv", "run", "--machine", "m", "--bench", TOY, "--record-samples", f"{made.first}^!"
    )
    return made


def values(frame, name, method):
    chosen = frame[frame["benchmark"].eq(f"toy.track_{name}") & frame["implementation"].eq(method)]
    return dict(zip(chosen["problem"], chosen["value"], strict=True))


def test_check_finds_nothing_wrong(asv):
    assert "No problems found" in asv("asv", "check")


def test_run_measures_and_stores(asv):
    ((name, content),) = asv.results().items()
    assert name == f"{asv.first[:8]}-tiltyard-{content['env_name'].removeprefix('tiltyard-')}.json"
    assert set(content["results"]) == {f"toy.track_{one}" for one in BENCHMARKS}
    frame = read_history(asv.scratch.project)
    assert set(frame["commit"]) == {asv.first}
    plus, minus = "line[x0=1.0,instance=0]", "line[x0=-2.0,instance=0]"
    assert values(frame, "missed_1e_1", "halve") == {plus: 0, minus: 0}
    assert set(values(frame, "failed", "misbehave").values()) == {1}
    times = frame[frame["benchmark"].eq("toy.track_seconds_to_1e_2")]
    halved = times[times["implementation"].eq("halve")]
    assert (halved["value"] > 0).all()
    assert all(len(samples) == SEEDS for samples in halved["samples"])


def test_run_tells_what_failed_from_what_does_not_apply(asv):
    """Asv holds null for a failure and NaN for a pair that is unsupported; it ends well."""
    (content,) = asv.results().values()
    columns = content["result_columns"]
    result, params = (columns.index(one) for one in ("result", "params"))
    one = content["results"]["toy.track_log10_gap"]
    points = [(p, m) for p in one[params][0] for m in one[params][1]]
    by_point = dict(zip(points, one[result], strict=True))
    plus, minus = "'line[x0=1.0,instance=0]'", "'line[x0=-2.0,instance=0]'"
    assert by_point[plus, "'misbehave'"] is None
    assert by_point[plus, "'positive_only'"] == 0
    assert by_point[minus, "'positive_only'"] != by_point[minus, "'positive_only'"]
    assert "6/18 failed" in asv.output
    assert "Traceback" not in asv.output


def test_a_commit_without_plug_ins_is_not_measured_with_later_ones(asv):
    out = asv("asv", "run", "--machine", "m", "--bench", TOY, f"{asv.before}^!", code=1)
    assert "No benchmarks selected" in out
    assert len(asv.results()) == 1


def test_records_land_in_the_file_and_graphs_of_asv_run(asv):
    ((name, before),) = asv.results().items()
    path = os.pathsep.join([str(asv.source), asv.env["PYTHONPATH"]])
    asv("tiltyard", "run", "toy", "--tier", "smoke", "--seeds", "7", code=1, PYTHONPATH=path)
    refused = asv("tiltyard", "history", "add", "--machine", "m", code=2)
    assert "with a suite that is found here" in refused  # toy.py cannot be imported without src
    asv("tiltyard", "history", "add", "--machine", "m", PYTHONPATH=path)
    ((same, after),) = asv.results().items()
    assert same == name
    for key in ("params", "env_name", "requirements", "python", "commit_hash", "date"):
        assert after[key] == before[key]
    assert set(after["results"]) == set(before["results"])
    frame = read_history(asv.scratch.project)
    series = frame.groupby(["machine", "python", "device", "threads", "tier", "version"])
    assert len(series) == 1


def test_continuous_compare_show_and_publish(asv):
    (asv.source / "ours.py").write_text("FACTOR = 0.5\n")
    second = asv.scratch.commit("Run anywhere, but less far")
    chosen = ("--machine", "m", "--bench", "toy.track_(log10_gap|missed)")
    out = asv("asv", "continuous", *chosen, "HEAD~1", "HEAD", code=1)
    assert "SOME BENCHMARKS HAVE CHANGED SIGNIFICANTLY" in out
    assert "PERFORMANCE DECREASED" in out
    changed = [line for line in out.splitlines() if line.startswith("| +")]
    assert changed
    assert all("'both_devices'" in line for line in changed)

    table = asv("asv", "compare", "--machine", "m", "HEAD~1", "HEAD")
    assert "toy.track_missed_1e_1('line[x0=1.0,instance=0]', 'both_devices')" in table
    shown = asv("asv", "show", "--machine", "m", second)
    assert f"Commit: {second[:8]}" in shown
    assert "toy.track_log10_gap [m/tiltyard-py" in shown

    asv("asv", "publish")
    html = asv.scratch.folder / ".asv" / "html"
    index = json.loads((html / "index.json").read_text())
    assert {one["name"] for one in index["benchmarks"].values()} >= {"toy.track_log10_gap"}
    assert index["params"]["machine"] == ["m"]
    graphs = list((html / "graphs").rglob("toy.track_failed.json"))
    assert len([path for path in graphs if "summary" not in path.parts]) == 1
    assert asv.scratch.git("status", "--porcelain") == ""
    assert asv("asv", "check")


def test_plug_in_folders_are_those_of_the_checkout(tmp_path, monkeypatch):
    project, checkout, outside = (tmp_path / name for name in ("project", "checkout", "outside"))
    for folder in (project / "a", project / "b", checkout / "a", outside):
        folder.mkdir(parents=True)
    monkeypatch.chdir(project)
    own = str(checkout / "a")
    assert _plugins(checkout, "a") == own
    assert _plugins(checkout, str(project / "a")) == own
    assert _plugins(checkout, "b") == ""
    assert _plugins(checkout, "") == ""
    assert _plugins(checkout, os.pathsep.join(["../outside", "b", "a"])) == os.pathsep.join(
        [str(outside), own]
    )
