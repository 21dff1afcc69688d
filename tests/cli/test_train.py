"""``tiltyard train`` as a shell sees it."""

import sys
from types import SimpleNamespace

import pytest

from tiltyard.cli import main
from tiltyard.conformance import IMPLEMENTATION_CHECKS
from tiltyard.errors import PluginError, TiltyardError
from tiltyard.registry import discover

PLUGINS = '''
from pathlib import Path

from tiltyard import implementation


def write(out, *, seed, report):
    report(f"drawing from seed {seed}")
    out.write_text(f"weights of seed {seed}")
    return "the checksum"


def fail(out, *, seed, report):
    raise PermissionError(13, "Permission denied")


@implementation(suite="cvar", cites="unpublished", train=f"{__name__}:write")
def trained(problem, rng):
    """Come with weights."""
    yield problem.start()


@implementation(suite="cvar", cites="unpublished", train=f"{__name__}:fail")
def unlucky(problem, rng):
    """Have nowhere to write."""
    yield problem.start()


@implementation(suite="cvar", cites="unpublished", train="tiltyard:no_such_function")
def lost(problem, rng):
    """Name a trainer that is not there."""
    yield problem.start()


@implementation(
    suite="cvar", cites="unpublished", train=f"{__name__}:write", needs={"absent": "absent>=1"}
)
def needy(problem, rng):
    """Need what is not there."""
    yield problem.start()
'''


@pytest.fixture
def plugins(tmp_path, monkeypatch):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "methods.py").write_text(PLUGINS)
    monkeypatch.setenv("TILTYARD_PLUGINS", str(folder))
    monkeypatch.chdir(tmp_path)
    discover.cache_clear()
    yield folder
    discover.cache_clear()


@pytest.fixture
def tiltyard(plugins, monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["tiltyard", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    return run


def test_trains_into_a_file_of_the_methods_name(tiltyard, tmp_path):
    code, out, err = tiltyard("train", "trained")
    assert (code, err) == (0, "drawing from seed 0\n")
    assert out == "wrote trained.npz\nsha256 the checksum\n"
    assert (tmp_path / "trained.npz").read_text() == "weights of seed 0"


def test_trains_into_a_file_of_the_users_choice(tiltyard, tmp_path):
    code, out, _ = tiltyard("train", "cvar/trained", "--out", "own.npz", "--seed", "7")
    assert code == 0
    assert out.startswith("wrote own.npz\n")
    assert (tmp_path / "own.npz").read_text() == "weights of seed 7"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trainde"], "unknown implementation 'trainde'; did you mean trained?"),
        (["sgm_scaled"], "sgm_scaled has nothing to train"),
        (["lost"], "lost: no trainer tiltyard:no_such_function (AttributeError: "),
        (["needy"], "needy needs absent: pip install 'absent>=1'"),
        (["trained", "--out", "there.npz"], "there.npz exists; name another file with --out"),
        (["trained", "--out", "no/own.npz"], "its folder does not exist"),
        (["trained", "--seed", "-1"], "--seed"),
        (["unlucky"], "cannot write unlucky.npz: Permission denied"),
        ([], "Missing argument"),
    ],
)
def test_one_line_and_exit_code_2(tiltyard, tmp_path, arguments, message):
    (tmp_path / "there.npz").write_text("weights of last week")
    code, out, err = tiltyard("train", *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert (tmp_path / "there.npz").read_text() == "weights of last week"


def test_show_tells_how_a_method_is_trained(tiltyard):
    assert "tiltyard train trained" in tiltyard("show", "trained")[1]
    assert "tiltyard train" not in tiltyard("show", "sgm_scaled")[1]


def test_conformance_finds_a_trainer_that_is_not_there(plugins):
    found = discover((plugins.resolve(),))
    assert found.implementation("cvar", "trained").trainer()
    with pytest.raises(PluginError, match="no trainer"):
        found.implementation("cvar", "lost").trainer()
    with pytest.raises(TiltyardError, match="nothing to train"):
        found.implementation("cvar", "sgm_scaled").trainer()
    names = IMPLEMENTATION_CHECKS["names a trainer that is there, or none"]
    for name, expected in (("trained", []), ("sgm_scaled", []), ("lost", ["lost: no trainer"])):
        trial = SimpleNamespace(method=found.implementation("cvar", name))
        assert [trouble[:16] for trouble in names(trial)] == expected
