"""The script ``run``: installs once, from anywhere, and again only when it must.

A stub stands in for the interpreter; it makes a .venv whose pip writes a line into ``installs``.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / "run"

STUB = """#!/bin/sh
# python -m venv DIR
mkdir -p "$3/bin"
cat >"$3/bin/python" <<'EOF'
#!/bin/sh
echo "$@" >>installs
[ ! -e refuse ] || exit 1
EOF
chmod +x "$3/bin/python"
echo "$0" >"$3/made-by"
"""


@pytest.fixture
def checkout(tmp_path):
    """Make a folder, with a space in its name, that looks like a checkout."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    shutil.copy(RUN, folder / "run")
    for name in ("pyproject.toml", "constraints.txt"):
        (folder / name).write_text("")
        os.utime(folder / name, (1, 1))
    for name in ("stub", "other"):
        (tmp_path / name).write_text(STUB)
        (tmp_path / name).chmod(0o755)
    return folder


def run(checkout, *command, python="stub", cwd=None):
    environment = {**os.environ, "PYTHON": str(checkout.parent / python)}
    return subprocess.run(
        [str(checkout / "run"), *command],
        env=environment,
        cwd=cwd or checkout,
        capture_output=True,
        text=True,
        check=False,
    )


def installs(checkout):
    log = checkout / "installs"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_installs_once_and_passes_the_command_on(checkout):
    for _ in range(2):
        done = run(checkout, "echo", "two words", "*")
        assert (done.returncode, done.stdout) == (0, "two words *\n")
    assert installs(checkout) == 1


def test_works_from_another_directory(checkout, tmp_path):
    done = run(checkout, "pwd", cwd=tmp_path)
    assert done.stdout.strip() == str(checkout)


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_installs_again_when_the_project_changes(checkout, name):
    run(checkout, "true")
    later = (checkout / ".venv/.ready").stat().st_mtime + 10
    os.utime(checkout / name, (later, later))
    run(checkout, "true")
    assert installs(checkout) == 2


def test_starts_over_after_an_interrupted_installation(checkout):
    (checkout / "refuse").touch()
    assert run(checkout, "true").returncode == 1
    (checkout / ".venv/half-done").touch()
    (checkout / "refuse").unlink()
    assert run(checkout, "true").returncode == 0
    assert not (checkout / ".venv/half-done").exists()


def test_another_interpreter_gets_its_own_environment(checkout):
    run(checkout, "true")
    run(checkout, "true", python="other")
    assert (checkout / ".venv/made-by").read_text().strip().endswith("other")
    assert installs(checkout) == 2


def test_exit_code_of_the_command_is_passed_on(checkout):
    assert run(checkout, "sh", "-c", "exit 7").returncode == 7
