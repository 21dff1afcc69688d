"""``tiltyard history`` as a user starts it, from runs to tables and figures."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PLUGINS

RUN = ("run", "toy", "-i", "halve", "-p", "line[x0=1.0]", "--seeds", "6")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return git in a scratch repository, which is the working folder."""
    folder = tmp_path / "mine"
    (folder / "tiltyard_plugins").mkdir(parents=True)
    shutil.copy(PLUGINS / "toy.py", folder / "tiltyard_plugins")
    (folder / "asv.conf.json").write_text(
        '{"version": 1, "repo": ".", "results_dir": ".asv/results"}'
    )
    (folder / ".gitignore").write_text(".asv/\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TILTYARD_PLUGINS", "tiltyard_plugins")

    def git(*arguments):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "the first commit")
    return git


def test_add_show_and_plot(here, tiltyard, tmp_path):
    """Two commits; the store beside the code does not make the tree dirty."""
    for again in ((), ("--again",)):
        assert tiltyard(*RUN, *again).returncode == 0
        added = tiltyard("history", "add", "--machine", "mine")
        assert added.returncode == 0, added.stderr
        commit = here("rev-parse", "HEAD")
        assert f"wrote 6 records of commit {commit[:10]}" in added.stdout
        assert "machine mine" in added.stdout
        assert f"mine/{commit[:8]}-tiltyard-py" in added.stdout
        here("commit", "--quiet", "--allow-empty", "--message", "the second commit")
    shown = tiltyard("history", "show", "-b", "*seconds_to_1e_2", "--commit", "HEAD~1")
    assert shown.stdout.count("toy.track_seconds_to_1e_2") == 1
    assert here("rev-parse", "HEAD~1")[:8] in shown.stdout
    assert here("rev-parse", "HEAD~2")[:8] in shown.stdout
    rows = json.loads(tiltyard("history", "show", "-i", "halve", "--json").stdout)
    samples = [row["samples"] for row in rows if row["benchmark"] == "toy.track_seconds_to_1e_1"]
    assert [len(one) for one in samples] == [6, 6]
    assert not any(row["benchmark"] == "toy.track_energy" for row in rows)  # nothing was metered
    for name in ("a.svg", "b.svg", "a.png", "a.pdf"):
        out = tmp_path / name
        plotted = tiltyard("history", "plot", str(out), "-b", "*seconds*")
        assert plotted.returncode == 0, plotted.stderr
        assert out.stat().st_size > 1000
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add"], "no store at tiltyard.db"),
        (["show"], "no results of asv in"),
        (["plot", "a.svg"], "no results of asv in"),
        (["add", "--pytest-benchmark", "none.json"], "cannot read none.json"),
        (["sow"], "No such command 'sow'"),
    ],
)
def test_one_line_and_exit_code_2(here, tiltyard, arguments, message):
    done = tiltyard("history", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_mistakes_with_a_history(here, tiltyard):
    assert tiltyard(*RUN).returncode == 0
    assert tiltyard("history", "add").returncode == 0
    for arguments, message in [
        (["plot", "a.xls"], "expected .svg, .pdf, .png"),
        (["show", "-b", "nonesuch"], "unknown benchmark of the history 'nonesuch'"),
        (["show", "--machine", "other"], "unknown machine of the history 'other'"),
        (["show", "--commit", "nonesuch"], "no commit 'nonesuch'"),
        (["plot", "nowhere/a.svg"], "cannot write nowhere/a.svg"),
    ]:
        done = tiltyard("history", *arguments)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    Path("new.py").write_text("")
    done = tiltyard("history", "add")
    assert (done.returncode, "new.py" in done.stderr) == (2, True)


LOSS = """
from tiltyard import implementation

DIGITS = {digits}

@implementation(suite="toy", cites="unpublished")
def rounding(problem, rng):
    \"\"\"Return what rounding leaves.\"\"\"
    yield problem.x0 * DIGITS
"""


def test_check_is_the_gate_of_a_ci_job(here, tiltyard):
    """A planted accuracy loss: exit code 1, the commit named; accepted, it is history."""
    commits = []
    for digits in (0.05, 0.05, 0.05, 0.5):
        Path("tiltyard_plugins/rounding.py").write_text(LOSS.format(digits=digits))
        here("add", "--all", "tiltyard_plugins")
        here("commit", "--quiet", "--allow-empty", "--message", f"digits {digits}")
        commits.append(here("rev-parse", "HEAD"))
        run = tiltyard("run", "toy", "-i", "rounding", "-p", "line[x0=1.0]", "--again")
        assert run.returncode == 0, run.stderr
        assert tiltyard("history", "add").returncode == 0
    checked = tiltyard("history", "check")
    assert checked.returncode == 1, checked.stdout + checked.stderr
    assert f"first bad commit {commits[3][:10]}, last good {commits[2][:10]}" in checked.stdout
    assert "(10.0 times, exact)" in checked.stdout
    assert (
        "tiltyard history bisect toy.track_log10_gap 'line[x0=1.0,instance=0]' rounding "
        f"--good {commits[2][:10]} --bad {commits[3][:10]} --tier smoke --device cpu --threads 1"
    ) in checked.stdout
    found = json.loads(tiltyard("history", "check", "--json").stdout)
    assert found["commit"] == commits[3]
    assert {one["first_bad"] for one in found["regressions"]} == {commits[3]}
    assert tiltyard("history", "check", "--since", commits[3]).returncode == 0
    assert tiltyard("history", "check", "--commit", commits[2]).returncode == 0
    assert tiltyard("history", "check", "--kind", "time").returncode == 0
    here("commit", "--quiet", "--allow-empty", "--message", "not measured")
    for arguments, message in [
        ([], "no results of commit"),
        (["--commit", commits[3], "--since", "HEAD"], "does not lead to"),
        (["--commit", commits[3], "--kind", "tme"], "unknown kind 'tme'; did you mean time?"),
    ]:
        done = tiltyard("history", "check", *arguments)
        assert (done.returncode, message in done.stderr) == (2, True), done.stderr
