"""Checkouts of commits in a temporary folder, and ``tiltyard`` run in them with their own code."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from tiltyard.errors import TiltyardError
from tiltyard.git import Repository
from tiltyard.registry import PLUGINS_VARIABLE

_GRACE_SECONDS = 10.0
"""How long an interrupted child may take to end its own workers before it is killed."""


class Checkouts:
    """Detached git worktrees, one for each commit; use it as a context manager.

    Each commit has a folder of its own, since bytecode and compiled functions that another one left
    behind could pass for its own. All are gone at the end, however it comes; the user's working
    tree, branches and index are not touched.

    Args:
        repository: whose commits they are.
        start: a folder of its working tree; children work in the same folder of their checkout.

    Attributes:
        folder: a temporary one, removed with the checkouts.
    """

    def __init__(self, repository: Repository, start: Path) -> None:
        self._repository = repository
        self._root = repository.root.resolve()
        self._start = start.resolve()
        self._paths: dict[str, Path] = {}

    def __enter__(self) -> Self:
        self._temporary = tempfile.TemporaryDirectory(
            prefix="tiltyard-bisect-", ignore_cleanup_errors=True
        )
        self.folder = Path(self._temporary.name)
        return self

    def __exit__(self, *_: object) -> None:
        with _no_interrupts():
            for path in self._paths.values():
                if self._remove(path) is None:  # half made, or a process still writes there
                    shutil.rmtree(path, ignore_errors=True)
                    self._remove(path)
            self._temporary.cleanup()

    def at(self, commit: str) -> Path:
        """Return the checkout of a commit.

        Raises:
            TiltyardError: git cannot make it, as on a full disk.
        """
        if commit in self._paths:
            return self._paths[commit]
        path = self._paths[commit] = self.folder / commit
        # The user's hooks are for the user's own checkouts.
        options = ("-c", "core.hooksPath=/dev/null")
        made = self._repository.ask(*options, "worktree", "add", "--detach", str(path), commit)
        if made is None:
            raise TiltyardError(
                f"git cannot check out commit {commit[:10]} into {path}; "
                f"'git worktree add --detach FOLDER {commit[:10]}' says why"
            )
        return path

    def call(self, commit: str, arguments: Sequence[str]) -> tuple[int, str]:
        """Run ``tiltyard`` with a commit's code; return its exit code and what it complained of.

        Raises:
            TiltyardError: the commit cannot be checked out.
        """
        checkout = self.at(commit)
        here = checkout / self._start.relative_to(self._root)
        # -P: the working folder is no place for imports, as for the installed command.
        command = [sys.executable, "-P", "-c", "from tiltyard.cli import main; main()", *arguments]
        process = subprocess.Popen(  # noqa: S603 - this interpreter, no shell
            command,
            cwd=here if here.is_dir() else checkout,
            env=self._environment(checkout),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches it through us, once
        )
        try:
            _, complaints = process.communicate()
        except BaseException:
            _end(process)
            raise
        return process.returncode, complaints

    def _remove(self, path: Path) -> str | None:
        return self._repository.ask("worktree", "remove", "--force", "--force", str(path))

    def _environment(self, checkout: Path) -> dict[str, str]:
        """Return the environment of a child: the checkout's package and plug-ins come first."""
        env = dict(os.environ)
        source = checkout / "src"
        before = env.get("PYTHONPATH")
        first = str(source if source.is_dir() else checkout)
        env["PYTHONPATH"] = os.pathsep.join([first, *([before] if before else [])])
        plugins = env.get(PLUGINS_VARIABLE)
        if plugins is not None:  # else each child finds its own ./tiltyard_plugins
            folders = [one for one in plugins.split(os.pathsep) if one]
            env[PLUGINS_VARIABLE] = os.pathsep.join(self._moved(checkout, one) for one in folders)
        return env

    def _moved(self, checkout: Path, folder: str) -> str:
        """Return the checkout's own folder for one of the working tree, others as they are."""
        path = (self._start / folder).resolve()
        inside = path.is_relative_to(self._root)
        return str(checkout / path.relative_to(self._root) if inside else path)


def _end(process: subprocess.Popen[str]) -> None:
    """Interrupt a child, so that it ends its workers; kill it if it does not."""
    with _no_interrupts():
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Let no second Ctrl-C stop the clearing up."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread gets Ctrl-C, and only it may ignore it
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
