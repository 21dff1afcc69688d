"""What cannot be right is refused in one line, and nothing is overwritten."""

import json
import multiprocessing
import shutil
import subprocess

import pytest

from tests.history.conftest import Scratch, smoke
from tiltyard.errors import TiltyardError
from tiltyard.history.frame import read_history
from tiltyard.history.project import open_project
from tiltyard.history.view import by_commit, choose, measured
from tiltyard.suite import Budget


def snapshot(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*.json"))}


@pytest.fixture
def full(scratch, tmp_path):
    """Return a scratch repository with a history of one commit, and its store."""
    path = scratch.store(tmp_path / "s.db", smoke())
    scratch.add(path)
    return scratch, path


def test_no_git_repository(tmp_path):
    with pytest.raises(TiltyardError, match="is in no git repository"):
        open_project(tmp_path)


def test_no_configuration(scratch):
    (scratch.folder / "asv.conf.json").unlink()
    with pytest.raises(TiltyardError, match=r"no asv.conf.json in .*'tiltyard new history'"):
        open_project(scratch.folder)


def test_configuration_of_a_folder_above(scratch):
    inside = scratch.folder / "a" / "b"
    inside.mkdir(parents=True)
    assert open_project(inside).folder == scratch.folder


@pytest.mark.parametrize("text", ["{", '{"version": 7, "repo": "."}', '{"version": 1}'])
def test_damaged_configuration(scratch, text):
    (scratch.folder / "asv.conf.json").write_text(text)
    with pytest.raises(TiltyardError):
        open_project(scratch.folder)


def test_unknown_commit(full):
    scratch, path = full
    with pytest.raises(TiltyardError, match="no commit 'nonesuch'"):
        scratch.add(path, commit="nonesuch")
    with pytest.raises(TiltyardError, match="no commit '--all'"):
        scratch.add(path, commit="--all")


def test_no_records_of_the_commit(full):
    scratch, path = full
    old = scratch.git("rev-parse", "--short=10", "HEAD")
    scratch.commit()
    with pytest.raises(TiltyardError, match=f"only of {old}; 'tiltyard run --again'"):
        scratch.add(path)


@pytest.mark.parametrize(
    ("name", "refused"), [("asv.conf.json", True), ("a.py", True), ("a.db", False)]
)
def test_changed_tree(full, name, refused):
    """A changed file and a new plug-in make a tree dirty; a new store does not."""
    scratch, path = full
    file = scratch.folder / name
    file.write_text((file.read_text() if file.exists() else "") + "\n")
    if not refused:
        scratch.add(path)
        return
    before = snapshot(scratch.project.results)
    with pytest.raises(TiltyardError, match=rf"differs from commit .*{name}.* or say --dirty"):
        scratch.add(path)
    assert snapshot(scratch.project.results) == before
    scratch.add(path, dirty=True)


def test_records_of_a_changed_tree_though_it_is_clean_now(scratch, tmp_path):
    path = scratch.store(tmp_path / "s.db", smoke(), dirty=True)
    with pytest.raises(TiltyardError, match="made with uncommitted changes"):
        scratch.add(path)
    assert scratch.add(path, dirty=True).count == 6


def test_records_of_other_hardware_are_left_out(scratch, tmp_path):
    path = scratch.store(tmp_path / "s.db", smoke(), cpu="Other 9000")
    with pytest.raises(TiltyardError, match="made on other hardware"):
        scratch.add(path)
    scratch.store(path, smoke("noisy"))
    added = scratch.add(path)
    assert added.count == 6
    assert added.left_out == ["records that were made on other hardware"]


def test_two_machines_with_one_name(full, tmp_path):
    scratch, path = full
    scratch.add(path, name="ours")
    file = scratch.project.results / "ours" / "machine.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"cpu": "Other 9000"}))
    before = snapshot(scratch.project.results)
    with pytest.raises(
        TiltyardError, match=r"describes another machine of that name .*'Other 9000'"
    ):
        scratch.add(path, name="ours")
    assert snapshot(scratch.project.results) == before


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".", "-", "a b"])
def test_a_machine_name_that_is_no_folder(full, name):
    scratch, path = full
    if name in ("", "-"):  # empty means the default; a dash is a folder's name
        assert scratch.add(path, name=name).machine
        return
    with pytest.raises(TiltyardError, match="cannot name a machine"):
        scratch.add(path, name=name)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "Error parsing JSON"),
        (lambda text: "", "Error parsing JSON"),
        (lambda text: text.replace('"version": 2', '"version": 3'), "newer than"),
        (lambda text: "[1, 2]", "No version specified"),
        (lambda text: '{"version": 2, "results": 3}', "missing key|is no list"),
    ],
)
@pytest.mark.parametrize("which", ["results", "benchmarks"])
def test_damaged_and_newer_files(full, damage, message, which):
    scratch, path = full
    results = scratch.project.results
    (file,) = results.glob("*/*tiltyard*.json" if which == "results" else "benchmarks.json")
    file.write_text(damage(file.read_text()))
    before = snapshot(results)
    with pytest.raises(TiltyardError, match=message):
        scratch.add(path)
    with pytest.raises(TiltyardError, match=message):
        read_history(scratch.project)
    assert snapshot(results) == before


def test_no_results_yet(scratch):
    with pytest.raises(TiltyardError, match=r"no results of asv in .*'tiltyard history add'"):
        read_history(scratch.project)


def test_shallow_clone(full, tmp_path):
    """Adding needs one commit only; the history needs their order."""
    scratch, _ = full
    scratch.commit()
    url = scratch.folder.as_uri()
    subprocess.run(["git", "clone", "-q", "--depth", "1", url, str(tmp_path / "c")], check=True)
    project = open_project(tmp_path / "c")
    shutil.copytree(scratch.folder / ".asv", tmp_path / "c" / ".asv")
    with pytest.raises(TiltyardError, match=r"shallow clone.*git fetch --unshallow"):
        measured(read_history(project), project.repository)
    old = scratch.git("rev-parse", "HEAD~1")
    with pytest.raises(TiltyardError, match=r"no commit .* \(this clone is shallow\)"):
        project.repository.resolve(old)


def test_results_of_commits_that_are_gone(full):
    scratch, _ = full
    scratch.git("commit", "--amend", "--quiet", "--message", "rewritten")
    frame = read_history(scratch.project)
    with pytest.raises(TiltyardError, match="none of the 1 commits with results leads to HEAD"):
        measured(frame, scratch.project.repository)


def test_choice_that_matches_nothing(full):
    scratch, _ = full
    frame = read_history(scratch.project)
    with pytest.raises(
        TiltyardError, match="unknown implementation of the history 'halv'; did you mean halve"
    ):
        choose(frame, implementations=["halv"])
    chosen = choose(frame, benchmarks=["toy.track_s*"], implementations=["h*"])
    assert set(chosen["benchmark"]) == {"toy.track_seconds_to_1e_1", "toy.track_seconds_to_1e_2"}


def test_order_is_that_of_the_commits_not_of_the_files(scratch, tmp_path):
    commits = [scratch.commit(str(i)) for i in range(5)]
    for commit in reversed(commits):
        path = scratch.store(tmp_path / f"{commit}.db", smoke(seeds=1), commit=commit)
        scratch.add(path, commit=commit)
    frame = read_history(scratch.project)
    found = measured(frame, scratch.project.repository)
    assert found == commits
    ordered = by_commit(frame, found)
    assert ordered.groupby("benchmark")["commit"].apply(list).map(lambda c: c == commits).all()
    assert measured(frame, scratch.project.repository, "HEAD~2") == commits[:-2]


def _add(folder, path):
    Scratch.__new__(Scratch)
    one = Scratch.__new__(Scratch)
    one.folder = folder
    one.add(path)


def test_writers_at_the_same_time_lose_nothing(scratch, tmp_path):
    methods = ["halve", "noisy", "called_back", "both_devices"]
    paths = [scratch.store(tmp_path / f"{m}.db", smoke(m)) for m in methods]
    context = multiprocessing.get_context("forkserver")
    writers = [context.Process(target=_add, args=(scratch.folder, path)) for path in paths]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    assert [one.exitcode for one in writers] == [0] * len(writers)
    assert set(read_history(scratch.project)["implementation"]) == set(methods)


def test_a_full_disk_leaves_the_old_files(full, monkeypatch):
    scratch, path = full
    before = snapshot(scratch.project.results)

    def full_disk(*_, **__):
        raise OSError(28, "No space left on device", "results.json")

    monkeypatch.setattr("asv.util.write_json", full_disk)
    with pytest.raises(TiltyardError, match="No space left on device"):
        scratch.add(path)
    assert snapshot(scratch.project.results) == before


def test_budget_outside_of_every_tier_is_named(scratch, tmp_path):
    path = scratch.store(
        tmp_path / "s.db", smoke(budget=Budget(seconds=0.05), problem="line[x0=9.0,instance=0]")
    )
    scratch.add(path)
    assert set(read_history(scratch.project)["tier"]) == {"0.05s"}
