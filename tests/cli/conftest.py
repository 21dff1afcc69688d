"""The command line as a user starts it: a process of its own."""

import subprocess
import sys

import pytest

TILTYARD = (sys.executable, "-c", "from tiltyard.cli import main; main()")


@pytest.fixture
def tiltyard():
    """Return a function that runs ``tiltyard`` with arguments and returns the process."""

    def run(*arguments, **options):
        return subprocess.run(
            [*TILTYARD, *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            **options,
        )

    return run


@pytest.fixture
def start():
    """Return a function that starts ``tiltyard`` and returns the running process."""
    started = []

    def begin(*arguments):
        process = subprocess.Popen(
            [*TILTYARD, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
