"""The workflow of ``tiltyard new history``: its form, its commands, and what it does, run here."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.history.conftest import ROOT, Scratch, ready_for_history
from tests.history.workflow import Event, Runner
from tiltyard.git import Repository
from tiltyard.registry import Registry
from tiltyard.scaffold import new_history, new_suite

RECORDER = """#!{python}
import json, os, sys
with open(os.environ["CALLS"], "a") as file:
    print(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]), file=file)
"""

COMMANDS = {
    "tiltyard": "from tiltyard.cli import main; main()",
    "asv": "import sys; from asv.main import main; sys.exit(main())",
    "pip": "",
}


@pytest.fixture
def workflow(tmp_path):
    folder = tmp_path / "new"
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    new_history(Repository(folder))
    return yaml.safe_load((folder / ".github" / "workflows" / "tiltyard.yml").read_text())


def scripts(workflow):
    return [
        (step, step["run"])
        for job in workflow["jobs"].values()
        for step in job["steps"]
        if "run" in step
    ]


def test_when_it_runs_and_what_it_may(workflow):
    # YAML 1.1, which PyYAML reads, takes the key "on" for true.
    assert workflow[True] == {"push": {"branches": ["main"]}, "pull_request": None}
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in workflow["jobs"].items()} == {
        "measure": {"contents": "read"},
        "store": {"contents": "write"},
        "publish": {"pages": "write", "id-token": "write"},
    }
    assert workflow["concurrency"] == {
        "group": "tiltyard-${{ github.ref }}",
        "cancel-in-progress": "${{ github.event_name == 'pull_request' }}",
    }
    assert all(job["timeout-minutes"] for job in workflow["jobs"].values())


def test_it_measures_the_commit_that_the_author_made_with_all_of_its_history(workflow):
    checkout = workflow["jobs"]["measure"]["steps"][0]
    assert checkout["uses"].startswith("actions/checkout@")
    assert checkout["with"] == {
        "fetch-depth": 0,
        "ref": "${{ github.event.pull_request.head.sha }}",
        "persist-credentials": False,
    }


def test_actions_are_official_and_pinned_to_major_versions(workflow):
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    used = [step["uses"] for step in steps if "uses" in step]
    assert len(used) == 8
    for one in used:
        assert one.startswith("actions/")
        assert one.partition("@v")[2].isdigit()


def test_no_script_holds_an_expression_and_each_is_shell(workflow):
    """An expression in a script would run what a branch is called."""
    for _, script in scripts(workflow):
        assert "${{" not in script
        done = subprocess.run(
            ["bash", "-n"], input=script, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("chosen", [{}, {"SUITES": "one two", "SINCE": "v1.0"}])
def test_every_command_exists_with_its_options(workflow, tmp_path, accepts, chosen):
    """The scripts run with recorders for commands; what these were told is parsed."""
    place = tmp_path / "bin"
    place.mkdir()
    for name in ("tiltyard", "asv"):
        (place / name).write_text(RECORDER.format(python=sys.executable))
        (place / name).chmod(0o755)
    calls = tmp_path / "calls"
    env = {"PATH": f"{place}:{os.environ['PATH']}", "CALLS": str(calls)}
    for step, script in scripts(workflow):
        if "tiltyard " in script and "git" not in script and "pip" not in script:
            values = {**workflow["env"], **step.get("env", {}), **chosen, **env}
            subprocess.run(["bash", "-euo", "pipefail", "-c", script], env=values, check=True)
    lines = [json.loads(line) for line in calls.read_text().splitlines()]
    suites, since = chosen.get("SUITES", "").split(), chosen.get("SINCE")
    assert lines == [
        ["tiltyard", "run", *suites, "--tier", "smoke", "--seeds", "7"],
        ["tiltyard", "history", "add"],
        ["tiltyard", "report", "--out", "site"],
        ["asv", "publish", "--html-dir", "site/asv"],
        ["tiltyard", "history", "check", *(["--since", since] if since else [])],
    ]
    for line in lines:
        accepts(shlex.join(line))


def test_a_renamed_option_would_be_found(accepts):
    for line in (
        "tiltyard history check --sinse v1",
        "tiltyard history chek",
        "tiltyard run --tiers smoke",
        "asv publish --html-folder site",
        "asv publicize",
    ):
        with pytest.raises(AssertionError):
            accepts(line)


@pytest.fixture
def machine(tmp_path):
    """Return the environment of a runner: commands of this checkout, a home of its own."""
    place = tmp_path / "commands"
    place.mkdir()
    for name, code in COMMANDS.items():
        script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n'
        (place / name).write_text(script)
        (place / name).chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    return {
        **{key: value for key, value in os.environ.items() if key != "TILTYARD_PLUGINS"},
        "PATH": f"{place}:{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": str(ROOT / "src"),
    }


class Author(Scratch):
    """A clone with a history and a suite of its own, and the origin that it pushes to."""

    def __init__(self, folder):
        super().__init__(folder)
        ready_for_history(self)
        (self.method,) = new_suite(Registry(), "tiny", folder / "tiltyard_plugins")
        self.origin = folder.with_name("origin.git")
        subprocess.run(["git", "clone", "--quiet", "--bare", folder, self.origin], check=True)
        self.git("remote", "add", "origin", str(self.origin))

    def push(self, message, branch="main", **changes):
        text = self.method.read_text()
        for before, after in changes.values():
            assert before in text
            text = text.replace(before, after)
        self.method.write_text(text)
        commit = self.commit(message)
        self.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return commit

    def stored(self):
        """Return the commits that the branch with the history has results of, by 8 digits."""
        names = self.git("ls-remote", "origin", "refs/heads/tiltyard-history")
        if not names:
            return set()
        self.git("fetch", "--quiet", "origin", "tiltyard-history")
        files = self.git("ls-tree", "-r", "--name-only", "FETCH_HEAD").splitlines()
        assert "benchmarks.json" in files
        assert not any(name.endswith(".lock") for name in files)
        return {name.rpartition("/")[2][:8] for name in files if "-tiltyard-" in name}


def test_a_history_from_its_first_commit_on(workflow, machine, tmp_path):
    author = Author(tmp_path / "author")
    workflow["env"]["SUITES"] = "tiny"

    def run(name, commit):
        folder = tmp_path / f"{name}-{commit[:8]}"
        return Runner(workflow, Event(name, commit, author.origin), folder, machine).run()

    first = author.push("First suite")
    jobs = run("push", first)
    assert {name: job.outcome for name, job in jobs.items()} == dict.fromkeys(
        ("measure", "store", "publish"), "success"
    ), jobs
    assert author.stored() == {first[:8]}
    site = tmp_path / f"push-{first[:8]}" / "artifacts" / "github-pages"
    assert (site / "index.html").is_file()
    assert (site / "asv" / "index.json").is_file()
    assert "in 0 series" in jobs["measure"].log

    # A pull request is measured and compared, and stores nothing.
    slower = author.push(
        "Smaller steps", "change", step=("step: float = 1.0", "step: float = 1e-3")
    )
    jobs = run("pull_request", slower)
    assert {name: job.outcome for name, job in jobs.items()} == {
        "measure": "failure",
        "store": "skipped",
        "publish": "skipped",
    }
    steps = jobs["measure"].steps
    assert steps["Run"] == steps["add"] == "success"
    assert steps["Check against the history"] == "failure"
    assert "tiny.track_missed_1e_4" in jobs["measure"].log
    assert author.stored() == {first[:8]}

    # A crash on the main branch fails the job, after it is stored.
    crash = author.push("Crash", crash=("x = problem.start()\n    while", "x = 1 / 0\n    while"))
    jobs = run("push", crash)
    assert {name: job.outcome for name, job in jobs.items()} == {
        "measure": "failure",
        "store": "success",
        "publish": "success",
    }
    steps = jobs["measure"].steps
    assert (steps["Run"], steps["add"]) == ("failure", "success")
    assert steps["Check against the history"] == "failure"
    assert author.stored() == {first[:8], crash[:8]}

    # What was accepted is no alarm.
    workflow["env"]["SINCE"] = crash
    author.push("Say why")
    jobs = run("push", author.git("rev-parse", "HEAD"))
    assert jobs["measure"].steps["Check against the history"] == "success"
    assert jobs["measure"].steps["Run"] == jobs["measure"].outcome == "failure"


def test_runners_of_different_hardware_do_not_mix(workflow, machine, tmp_path):
    """A history made elsewhere is no history of this machine: nothing to compare, no failure."""
    author = Author(tmp_path / "author")
    workflow["env"]["SUITES"] = "tiny"
    first = author.push("First suite")
    Runner(workflow, Event("push", first, author.origin), tmp_path / "one", machine).run()
    author.git("fetch", "--quiet", "origin", "tiltyard-history:tiltyard-history")
    elsewhere = tmp_path / "elsewhere"
    author.git("worktree", "add", "--quiet", str(elsewhere), "tiltyard-history")
    (folder,) = (path for path in elsewhere.iterdir() if path.is_dir())
    for path in folder.glob("*.json"):
        path.write_text(path.read_text().replace(folder.name, "another"))
    folder.rename(elsewhere / "another")
    subprocess.run(["git", "-C", elsewhere, "add", "--all"], check=True)
    author.git("-C", str(elsewhere), "commit", "--quiet", "--message", "Of another machine")
    author.git("push", "--quiet", "origin", "tiltyard-history")

    slower = author.push("Smaller steps", step=("step: float = 1.0", "step: float = 1e-3"))
    jobs = Runner(workflow, Event("push", slower, author.origin), tmp_path / "two", machine).run()
    assert jobs["measure"].outcome == "success", jobs["measure"].log
    assert "no regression in 0 series" in jobs["measure"].log
    assert author.stored() == {first[:8], slower[:8]}


def test_what_cannot_be_measured_is_not_stored(workflow, machine, tmp_path):
    author = Author(tmp_path / "author")
    workflow["env"]["SUITES"] = "nothing_of_that_name"
    commit = author.push("First suite")
    jobs = Runner(workflow, Event("push", commit, author.origin), tmp_path / "one", machine).run()
    assert {name: job.outcome for name, job in jobs.items()} == {
        "measure": "failure",
        "store": "skipped",
        "publish": "skipped",
    }
    assert "unknown suite 'nothing_of_that_name'" in jobs["measure"].log
    assert author.stored() == set()
    shutil.rmtree(tmp_path / "one")
