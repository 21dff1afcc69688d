"""``tiltyard check`` and ``tiltyard new`` as a shell sees them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiltyard.cli import main
from tiltyard.registry import discover

PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture
def tiltyard(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command line and returns its code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TILTYARD_PLUGINS", raising=False)

    def run(*arguments, plugins=None):
        if plugins is not None:
            monkeypatch.setenv("TILTYARD_PLUGINS", str(plugins))
        discover.cache_clear()  # a shell starts a new process every time
        monkeypatch.setattr(sys, "argv", ["tiltyard", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return end.value.code, captured.out, captured.err

    yield run
    discover.cache_clear()


def test_check_prints_every_check(tiltyard):
    code, out, err = tiltyard("check", "halve", plugins=PLUGINS)
    assert (code, err) == (0, "")
    assert out.startswith("implementation toy/halve\n")
    assert "  ok      same seed, same answers\n" in out
    assert "FAILED" not in out


def test_check_tells_a_broken_contract_by_code_1(tiltyard):
    code, out, _ = tiltyard("check", "toy/misbehave", "toy/halve", plugins=PLUGINS)
    assert code == 1
    assert "  FAILED  ends well on every smoke problem: line[" in out
    assert "implementation toy/halve" in out


def test_check_shows_why_a_check_was_skipped(tiltyard):
    code, out, _ = tiltyard("check", "needy", plugins=PLUGINS)
    assert code == 0
    assert "  skipped takes a smoke problem: needs no_such_module" in out


def test_check_prints_json(tiltyard):
    code, out, _ = tiltyard("check", "toy", "line", "--json", plugins=PLUGINS)
    assert code == 0
    first, second = json.loads(out)
    assert (first["kind"], first["name"]) == ("suite", "toy")
    assert (second["kind"], second["name"]) == ("problem", "toy/line")
    assert first["checks"][0] == {"name": "says what it is", "outcome": "ok", "detail": ""}


@pytest.mark.parametrize(
    ("name", "hint"),
    [("halv", "did you mean"), ("toi", "did you mean toy"), ("zzz*", "unknown"), ("", "unknown")],
)
def test_check_refuses_unknown_names(tiltyard, name, hint):
    code, out, err = tiltyard("check", name, plugins=PLUGINS)
    assert (code, out) == (2, "")
    assert hint in err
    assert err.count("\n") == 1


def test_check_tells_why_a_plugin_is_broken(tiltyard, tmp_path):
    (tmp_path / "mine.py").write_text("import no_such_module")
    code, out, _ = tiltyard("check", "mine", plugins=tmp_path)
    assert code == 1
    assert "mine.py can be used: ModuleNotFoundError: No module named 'no_such_module'" in out


def test_new_prints_what_to_type_next(tiltyard):
    code, out, _ = tiltyard("new", "suite", "my_suite")
    assert code == 0
    assert out == (
        "wrote tiltyard_plugins/my_suite.py\n"
        "next:\n"
        "  tiltyard check my_suite 'my_suite/*'\n"
        "  tiltyard run my_suite\n"
    )
    _, out, _ = tiltyard("new", "implementation", "my_suite", "mine")
    assert "  tiltyard check my_suite/mine\n  tiltyard run my_suite -i mine\n" in out
    _, out, _ = tiltyard("new", "dataset", "my_data")
    assert "wrote tiltyard_plugins/my_data.csv\n" in out
    assert "  tiltyard check my-data\n" in out
    code, out, _ = tiltyard("check", "my_suite", "my_suite/*", "my-data")
    assert (code, "FAILED" in out, "skipped" in out) == (0, False, False)


def test_new_elsewhere_says_how_it_is_found(tiltyard):
    _, out, _ = tiltyard("new", "suite", "my_suite", "--to", "else/where")
    assert "  tiltyard --plugins else/where run my_suite\n" in out


def test_new_never_overwrites(tiltyard, tmp_path):
    tiltyard("new", "dataset", "my_data")
    (tmp_path / "tiltyard_plugins" / "my_data.py").unlink()
    code, _, err = tiltyard("new", "dataset", "my_data")
    assert code == 2
    assert "my_data.csv exists" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("new",),
        ("new", "suite"),
        ("new", "suite", "no good"),
        ("new", "implementation", "cvarr", "x"),
        ("new", "dataset", "x", "--to", "/dev/null"),
    ],
)
def test_mistakes_get_one_line_and_code_2(tiltyard, arguments):
    code, out, err = tiltyard(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("tiltyard: ")
    assert err.count("\n") == 1


def test_new_history_says_what_to_type_next(tiltyard, tmp_path, monkeypatch):
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    code, out, err = tiltyard("new", "history")
    assert (code, err) == (0, "")
    assert "wrote ../asv.conf.json\n" in out
    assert "next:\n  git add ../asv.conf.json ../benchmarks/__init__.py" in out
    code, out, err = tiltyard("new", "history")
    assert (code, err) == (0, "")
    assert out.startswith("left as they are: ../asv.conf.json, ../benchmarks/__init__.py, ")
    assert "next:" not in out


def test_new_history_outside_of_a_repository_is_a_mistake(tiltyard):
    code, out, err = tiltyard("new", "history")
    assert (code, out) == (2, "")
    assert "is in no git repository" in err
    assert err.count("\n") == 1
