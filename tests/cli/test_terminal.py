"""In a terminal, runs show as a live table with a progress bar."""

import os
import pty
import subprocess
import sys

TILTYARD = (sys.executable, "-c", "from tiltyard.cli import main; main()")


def in_terminal(*arguments):
    """Return the exit code and everything that a command writes to a terminal of its own."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    with subprocess.Popen(
        [*TILTYARD, *arguments], stdout=theirs, stderr=theirs, stdin=theirs, env=environment
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux's end of a terminal
                break
            if not part:
                break
            written += part
    os.close(ours)
    return process.returncode, written.decode(errors="replace")


def test_live_table_and_progress_bar():
    code, text = in_terminal("run", "toy", "-i", "halve", "-i", "noisy", "--seeds", "3")
    assert code == 0
    assert "implementation" in text
    assert "12/12" in text
    assert "s left" in text
    assert "12 runs made: " in text
    assert "[1/12]" not in text
