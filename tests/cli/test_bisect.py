"""``tiltyard history bisect`` in repositories in which one commit planted a regression."""

import json
import math
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from tests.conftest import PLUGINS
from tests.history.conftest import Scratch, smoke
from tiltyard.cli import app
from tiltyard.errors import TiltyardError
from tiltyard.history.bisect import CannotRun
from tiltyard.history.question import Question
from tiltyard.history.tested import Measurement

METHOD = '''
"""Take a while, and answer with a gap that depends on the seed alone."""
import time
from tiltyard import implementation

@implementation(suite="toy", cites="unpublished")
def planted(problem, rng, *, speed: float = 1.0):
    """Answer once."""
    {body}
    time.sleep({pause})
    yield problem.x0 * {gap} * (1 + rng.random())
'''

SECONDS = ("toy.track_seconds_to_1e_1", "line[x0=1.0]", "planted")
GAP = ("toy.track_log10_gap", "line[x0=1.0]", "planted")


class Planted(Scratch):
    """A repository whose folder of plug-ins holds the toy suite and one method."""

    def __init__(self, folder, temporary):
        super().__init__(folder)
        self.temporary = temporary
        (folder / "tiltyard_plugins").mkdir()
        shutil.copy(PLUGINS / "toy.py", folder / "tiltyard_plugins")

    def method(self, message, *, text=None, **changes):
        """Commit the method; changes are of its text."""
        values = {
            "body": "pass",
            "pause": 0.002,
            "gap": 0.012,
            **changes,
        }
        path = self.folder / "tiltyard_plugins" / "planted.py"
        path.write_text(METHOD.format(**values) if text is None else text)
        return self.commit(message)

    def untouched(self):
        """Say whether nothing is left: no worktree, no folder, no state of git."""
        trees = self.git("worktree", "list", "--porcelain").count("worktree ")
        folders = [path for path in self.temporary.iterdir() if "bisect" in path.name]
        inside = self.folder / ".git"
        left = [*inside.glob("worktrees/*"), *inside.glob("BISECT*"), *inside.glob("refs/bisect")]
        return trees == 1 and not folders and not left


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Return a repository, which is the working folder."""
    # Below tmp_path the address of a worker's socket would be too long.
    with tempfile.TemporaryDirectory(prefix="planted-") as temporary:
        scratch = Planted(tmp_path / "mine", Path(temporary))
        monkeypatch.chdir(scratch.folder)
        monkeypatch.setenv("TMPDIR", str(scratch.temporary))
        monkeypatch.delenv("TILTYARD_PLUGINS")
        yield scratch


def test_a_loss_of_accuracy_is_found_exactly(planted, tiltyard, monkeypatch):
    """Eight commits, of which one does not import; the working tree is dirty all the while."""
    monkeypatch.setenv("TILTYARD_PLUGINS", "tiltyard_plugins")  # means the checkout's folder
    good = planted.method("good")
    planted.method("body", body="speed = 1")
    planted.commit("nothing")
    broken = planted.method("broken", text="def planted(:")
    last = planted.method("mended")
    first = planted.method("less accurate", gap=0.0121)
    planted.commit("nothing again")
    planted.method("body again", gap=0.0121, body="speed = 2")
    (planted.folder / "new.txt").write_text("dirty")
    git_files = sorted((planted.folder / ".git").iterdir())

    done = tiltyard("history", "bisect", *GAP, "--good", "HEAD~7", "--seeds", "3")

    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert f"skipped  {broken[:10]}  -  broken (unknown implementation 'planted'" in done.stdout
    assert lines[-1].startswith(f"{first[:10]} (")
    assert "less accurate) is the first bad commit: 0." in lines[-1]
    marks = [line.split()[0] for line in lines[1:-1]]
    assert set(marks) == {"good", "bad", "skipped"}
    assert any(line.startswith(f"good     {last[:10]}  0.") for line in lines)
    assert any(line.startswith(f"good     {good[:10]}  0.") for line in lines)
    assert planted.git("status", "--porcelain") == "?? new.txt"
    assert sorted((planted.folder / ".git").iterdir()) == git_files
    assert planted.untouched()


def test_a_slowdown_is_found_with_the_history_s_good_commit_and_conditions(planted, tiltyard):
    """The history names the last good commit; JSON says what the lines say."""
    values = [planted.method("good")]
    values.append(planted.method("newest measured good one", body="speed = 1"))
    first = planted.method("slower", pause=0.02)
    values.append(planted.commit("bad"))
    for commit, factor in zip(values, (1, 1, 2.5), strict=True):
        records = smoke("planted", factor=factor)
        planted.add(
            planted.store(planted.temporary / f"{commit}.db", records, commit=commit), commit=commit
        )

    done = tiltyard("history", "bisect", *SECONDS, "--json")

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["tier"] == "smoke"
    assert (found["good"]["commit"], found["bad"]["commit"]) == (values[1], values[2])
    assert (found["first_bad"]["commit"], found["first_bad"]["subject"]) == (first, "slower")
    assert found["last_good"]["commit"] == values[1]
    assert found["suspects"] == [first]
    assert found["merged"] is None
    assert 0.002 < found["good"]["value"] < 0.02 < found["bad"]["value"] < 0.05
    assert [len(samples) for samples in found["good"]["samples"]] == [6, 6]
    assert planted.untouched()


@pytest.fixture
def command(planted, monkeypatch, capsys):
    """Return a function that runs the command on measurements of our own, and its output."""

    def run(start, /, *options, **values):
        def measure(commit):
            found = values[planted.git("show", "--no-patch", "--format=%s", commit)]
            if isinstance(found, str):
                raise CannotRun(found)
            return Measurement((found.pop(0) if isinstance(found, list) else found,) * 6)

        monkeypatch.setattr(Question, "measure_in", lambda *_: measure)
        arguments = ["history", "bisect", *SECONDS, "--good", start, *options]
        code = app(arguments, standalone_mode=False)
        return code, capsys.readouterr().out.splitlines()

    return run


def test_what_is_the_same_does_not_show(planted, command):
    good = planted.method("good")
    planted.commit("bad")
    code, lines = command(good, good=1.0, bad=1.0)
    assert code == 1
    assert lines[-1].startswith("the regression does not show here: 1 seconds instead of 1 seconds")
    code, lines = command(good, "--json", good=1.0, bad=0.5)
    assert code == 1
    assert json.loads("\n".join(lines))["shown"] is False


def test_a_range_of_skipped_commits(planted, command):
    good = planted.method("good")
    first = planted.commit("a")
    last = planted.commit("bad")
    code, lines = command(good, good=1.0, bad=math.inf, a="cannot import it")
    assert code == 0
    assert lines[-2] == f"skipped  {first[:10]}  -  a (cannot import it)"
    assert lines[-1].startswith(
        f"one of the 2 commits from {first[:10]} to {last[:10]} is the first bad commit (all but "
        "the last one were skipped): no value instead of 1 seconds"
    )
    code, lines = command(good, "--json", good=1.0, bad=math.inf, a="cannot import it")
    found = json.loads("\n".join(lines))
    assert found["suspects"] == [first, last]
    assert (found["first_bad"], found["bad"]["value"]) == (None, None)


def test_what_noise_may_have_found_is_doubted(planted, command):
    """The commit was slow when it was searched, and is not beside the one before."""
    good = planted.method("good")
    first = planted.commit("a")
    planted.commit("bad")
    values = {"good": [1.0, 1.01, 1.0, 1.01], "a": [2.0, 1.0, 1.0], "bad": [2.0, 2.01]}
    code, lines = command(good, **values)
    assert code == 1
    assert lines[-1].startswith(f"{first[:10]} (")
    assert "these two do not differ beyond the noise" in lines[-1]


def test_a_merge_that_brought_it_says_how_to_go_on(planted, command):
    good = planted.method("good")
    planted.git("checkout", "--quiet", "-b", "side")
    side = planted.commit("on a side branch")
    planted.git("checkout", "--quiet", "main")
    planted.commit("a")
    planted.git("merge", "--quiet", "-m", "b", "side")
    planted.commit("bad")
    code, lines = command(good, good=1.0, a=1.0, b=2.0, bad=2.0)
    assert code == 0
    assert ", b) is the first bad commit: 2 seconds instead of 1 seconds; " in lines[-1]
    assert f"; it is a merge, and --good {good[:10]} --bad {side[:10]} searches" in lines[-1]


def test_ctrl_c_leaves_no_worktree_and_no_process(planted, start, tmp_path):
    spinning = tmp_path / "spinning"
    body = f"open({str(spinning)!r}, 'w').close()\n    while True: pass"
    planted.method("never ends", body=body)
    planted.commit("bad")
    process = start("history", "bisect", *SECONDS, "--good", "HEAD~1", "--seeds", "1")
    deadline = time.monotonic() + 60
    while not spinning.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not planted.untouched()
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert planted.untouched()
    psutil.wait_procs(children, timeout=10)
    assert not [child for child in children if child.is_running()]


def test_mistakes(planted):
    first = planted.method("good")
    planted.git("checkout", "--quiet", "-b", "side")
    side = planted.commit("on a side branch")
    planted.git("checkout", "--quiet", "main")
    planted.commit("main goes on")
    planted.git("merge", "--quiet", "--no-edit", "side")
    planted.git("checkout", "--quiet", "--orphan", "other")
    other = planted.commit("unrelated")
    planted.git("checkout", "--quiet", "main")
    benchmark, problem, method = SECONDS
    good = ("--good", first)
    for arguments, message in [
        (
            [benchmark, problem, "needy", *good],
            "the good commit .* cannot be measured: unsupported",
        ),
        (["toy.track_beauty", problem, method, *good], "unknown benchmark 'toy.track_beauty'"),
        (["tyo.track_failed", problem, method, *good], "unknown suite 'tyo'; did you mean toy?"),
        ([benchmark, "lien", method, *good], "unknown problem 'lien'; did you mean line?"),
        ([benchmark, "line[x=1]", method, *good], "problem line has no parameter 'x'"),
        ([benchmark, "line", method, *good], "means 4 series"),
        ([benchmark, problem, "planetd", *good], "did you mean planted?"),
        ([benchmark, problem, "planted[x=1]", *good], "implementation planted has no parameter"),
        ([benchmark, problem, "*", *good], "means more than one implementation"),
        ([*SECONDS, "--good", "nonesuch"], "no commit 'nonesuch'"),
        ([*SECONDS, *good, "--bad", "nonesuch"], "no commit 'nonesuch'"),
        ([*SECONDS, "--good", "HEAD"], "both ends are commit"),
        ([*SECONDS, "--good", "HEAD", "--bad", first], "is no ancestor of"),
        ([*SECONDS, "--good", other], "is no ancestor of"),
        ([*SECONDS, "--good", side], f"by a merge, .* it contains is {first[:10]}"),
        ([*SECONDS, *good, "--tier", "soon"], "tier 'soon' is none of smoke"),
        ([*SECONDS, *good, "--tier", "nans"], "tier 'nans' is none of smoke"),
        ([*SECONDS], r"which commit is good\? name it with --good \(no results of asv"),
    ]:
        with pytest.raises(TiltyardError, match=message):
            app(["history", "bisect", *arguments], standalone_mode=False)
    assert planted.untouched()


def test_no_repository_and_a_shallow_clone(planted, tmp_path, monkeypatch, tiltyard):
    planted.method("good")
    planted.method("slower", pause=0.02)
    clone = ("git", "clone", "--quiet", "--depth=1", planted.folder.as_uri(), tmp_path / "shallow")
    subprocess.run(clone, check=True)
    monkeypatch.chdir(tmp_path / "shallow")
    for options, message in [
        (("--good", "HEAD"), "is a shallow clone"),
        (("--good", "a"), "shallow"),
    ]:
        with pytest.raises(TiltyardError, match=message):
            app(["history", "bisect", *GAP, *options], standalone_mode=False)
    monkeypatch.chdir(tmp_path)
    done = tiltyard("history", "bisect", *GAP)
    assert (done.returncode, done.stdout) == (2, "")
    assert "is in no git repository" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
