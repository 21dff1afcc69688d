"""What ``tiltyard new`` writes runs and passes its checks untouched; nothing is overwritten."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tiltyard.conformance import (
    check_dataset,
    check_family,
    check_implementation,
    check_suite,
)
from tiltyard.errors import TiltyardError
from tiltyard.git import Repository
from tiltyard.registry import Registry, discover
from tiltyard.scaffold import new_dataset, new_history, new_implementation, new_suite

PLUGINS = Path(__file__).parent / "plugins"
ROOT = Path(__file__).parents[1]
HISTORY = (
    "asv.conf.json",
    "benchmarks/__init__.py",
    "benchmarks/suites.py",
    ".github/workflows/tiltyard.yml",
)


@pytest.fixture
def use(tmp_path, monkeypatch):
    """Return a function that finds the plug-ins again after files were written."""
    monkeypatch.setenv("TILTYARD_PLUGINS", str(tmp_path))

    def find():
        discover.cache_clear()
        return discover((tmp_path.resolve(),))

    yield find
    discover.cache_clear()


def trouble(checks):
    return [check for check in checks if check.outcome != "ok"]


def test_a_new_suite_and_a_new_method_for_it_conform(use, tmp_path):
    assert new_suite(use(), "my_suite", tmp_path) == [tmp_path / "my_suite.py"]
    new_implementation(use(), "my_suite", "my_method", tmp_path)
    found = use()
    assert found.broken == []
    assert trouble(check_suite(found, "my_suite")) == []
    assert trouble(check_family(found, "my_suite", "quadratic")) == []
    assert trouble(check_implementation(found, "my_suite", "gradient_descent")) == []
    assert trouble(check_implementation(found, "my_suite", "my_method")) == []
    assert "step" in found.implementation("my_suite", "my_method").tune


@pytest.mark.parametrize("suite", sorted(discover(()).suites))
def test_a_new_method_for_every_built_in_suite_conforms(use, tmp_path, suite):
    new_implementation(use(), suite, "surely_not_taken", tmp_path)
    assert trouble(check_implementation(use(), suite, "surely_not_taken")) == []


def test_a_new_method_is_of_its_suites_main_kind(use, tmp_path):
    (path,) = new_implementation(discover((PLUGINS.resolve(),)), "depth", "buoy", tmp_path)
    text = path.read_text()
    assert '@implementation(suite="depth", cites="unpublished", kind="bound")\n' in text


def test_without_an_example_a_method_yields_the_start(use, tmp_path):
    (path,) = new_suite(use(), "my_suite", tmp_path)
    before, _, rest = path.read_text().partition('    example="""')
    path.write_text(before + rest.partition('    """,\n')[2])
    (written,) = new_implementation(use(), "my_suite", "idle", tmp_path)
    assert "    yield problem.start()\n" in written.read_text()
    assert trouble(check_implementation(use(), "my_suite", "idle")) == []


def test_without_a_start_a_method_says_what_to_write(tmp_path):
    found = discover((PLUGINS.resolve(),))
    (path,) = new_implementation(found, "toy", "gap", tmp_path)
    assert "# Replace this line" in path.read_text()
    compile(path.read_text(), str(path), "exec")


def test_a_new_dataset_conforms(use, tmp_path):
    assert new_dataset(use(), "my_data", tmp_path) == [
        tmp_path / "my_data.py",
        tmp_path / "my_data.csv",
    ]
    assert trouble(check_dataset(use(), "my-data")) == []


def test_the_default_folder_is_the_users(use, tmp_path):
    assert new_suite(use(), "my_suite") == [tmp_path.resolve() / "my_suite.py"]


def test_without_a_users_folder_one_is_made_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    new_suite(Registry(), "my_suite")
    assert (tmp_path / "tiltyard_plugins" / "my_suite.py").is_file()


@pytest.mark.parametrize("name", ["", "3d", "my-suite", "a b", "class", "x/y", "../x", "é", "_x"])
@pytest.mark.parametrize("new", [new_suite, new_dataset])
def test_bad_names_are_refused(tmp_path, new, name):
    with pytest.raises(TiltyardError, match=r"cannot name|would be skipped"):
        new(Registry(), name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_suite_suggests_the_nearest(tmp_path):
    found = discover((PLUGINS.resolve(),))
    with pytest.raises(TiltyardError, match="unknown suite 'toi'; did you mean toy"):
        new_implementation(found, "toi", "x", tmp_path)


def test_names_that_are_taken_are_refused(tmp_path):
    found = discover((PLUGINS.resolve(),))
    with pytest.raises(TiltyardError, match=r"already has an implementation halve, in .*toy\.py"):
        new_implementation(found, "toy", "halve", tmp_path)
    with pytest.raises(TiltyardError, match=r"there is a suite toy already, in .*toy\.py"):
        new_suite(found, "toy", tmp_path)


@pytest.mark.parametrize("existing", ["my_data.py", "my_data.csv"])
def test_files_are_never_overwritten(tmp_path, existing):
    (tmp_path / existing).write_text("precious")
    with pytest.raises(TiltyardError, match=f"{existing} exists"):
        new_dataset(Registry(), "my_data", tmp_path)
    assert (tmp_path / existing).read_text() == "precious"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TiltyardError, match="file is not a folder"):
        new_suite(Registry(), "my_suite", tmp_path / "file")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TiltyardError, match=r"cannot write .*Not a directory"):
        new_suite(Registry(), "my_suite", tmp_path / "file" / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_folder_is_one_line(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(TiltyardError, match=r"cannot write .*Permission denied"):
        new_suite(Registry(), "my_suite", tmp_path)


@pytest.fixture
def repository(tmp_path):
    """Return a git repository whose name needs escaping in JSON."""
    folder = tmp_path / 'a "quoted" näme'
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return Repository(folder)


def lines_of(path):
    return path.read_text().splitlines()


def test_a_new_history_is_that_of_this_repository(repository):
    root = repository.root
    written, kept = new_history(repository)
    assert written == [*(root / name for name in HISTORY), root / ".gitignore"]
    assert kept == []
    for name in HISTORY[1:3]:
        assert (root / name).read_text() == (ROOT / name).read_text()
    ours = json.loads((ROOT / "asv.conf.json").read_text())
    assert ours["project"] == "tiltyard"
    named = (
        (ROOT / "asv.conf.json").read_text().replace('"tiltyard",', json.dumps(root.name) + ",", 1)
    )
    assert (root / "asv.conf.json").read_text() == named
    assert json.loads(named) == ours | {"project": root.name}
    assert lines_of(root / ".gitignore") == ["/.asv/", "/tiltyard.db*"]
    assert repository.ignores(".asv/results")
    assert repository.ignores("tiltyard.db-wal")


def test_what_a_repository_has_of_a_history_stays(repository):
    root = repository.root
    (root / "asv.conf.json").write_text("precious")
    (root / ".gitignore").write_text("*.db\n.asv")
    written, kept = new_history(repository)
    assert kept == [root / "asv.conf.json"]
    assert written == [root / name for name in HISTORY[1:]]
    assert (root / "asv.conf.json").read_text() == "precious"
    assert (root / ".gitignore").read_text() == "*.db\n.asv"
    assert new_history(repository) == ([], [root / name for name in HISTORY])


def test_lines_are_added_below_an_unfinished_line(repository):
    path = repository.root / ".gitignore"
    path.write_text("*.pyc\n.asv")
    new_history(repository)
    assert lines_of(path) == ["*.pyc", ".asv", "/tiltyard.db*"]


def test_a_history_that_cannot_be_written_is_one_line(repository):
    (repository.root / "benchmarks").touch()
    with pytest.raises(TiltyardError, match=r"cannot write .*benchmarks: "):
        new_history(repository)
