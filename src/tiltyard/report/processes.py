"""Suites' pages made by several processes, where that takes less time than one."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Self, TypeVar

from tiltyard.errors import TiltyardError
from tiltyard.registry import Registry, discover
from tiltyard.run.environment import cores
from tiltyard.store import Store

MOST_PROCESSES = 4
"""Each holds one suite's records, which for 10,000 runs is about 0.2 GB."""

WORTH_RUNS = 3000
"""Starting processes takes as long as the pages of about so many runs."""

_PRELOAD = ["jinja2", "scipy.sparse", "scipy.stats", "tiltyard.report.site"]

_T = TypeVar("_T")

Work = Callable[[Registry, Store, Path, str], _T]
"""What is done for one suite: takes the registry, the store, the site's folder and its name."""


def each_suite(
    work: Work[_T], registry: Registry, store: Store, out: Path, runs: Mapping[str, int]
) -> list[_T]:
    """Return what ``work`` gives for every suite, in the order of ``runs``.

    Args:
        work: a module's function, whose result can be pickled.
        registry: the plug-ins; another process finds them again, as they cannot be pickled.
        store: the records; another process opens the file again.
        out: the site's folder.
        runs: how many there are of each suite.

    Raises:
        TiltyardError: what ``work`` raises, or a process was killed.
    """
    jobs = min(len(runs), cores(), MOST_PROCESSES)
    # Whoever has the largest suite is busy with it: the rest is what others can take over.
    shared = sum(runs.values()) - max(runs.values(), default=0)
    if jobs < 2 or shared < WORTH_RUNS or discover(registry.folders) is not registry:
        return [work(registry, store, out, name) for name in runs]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    given = (work, registry.folders, store.path, out, Path.cwd())
    waiting = deque(sorted(runs, key=runs.__getitem__, reverse=True))  # so that all end together
    found: dict[str, _T] = {}
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_Worker(context, given)) for _ in range(jobs)]
        while len(found) < len(runs):
            for worker in workers:
                if waiting and not worker.suite:
                    worker.hand(waiting.popleft())
            busy = {worker.connection: worker for worker in workers if worker.suite}
            for ready in wait(list(busy)):
                found.update([busy[ready].receive()])  # type: ignore[index]
    return [found[name] for name in runs]


class _Worker:
    """A process that makes one suite's pages after the other; a context manager."""

    def __init__(
        self, context: multiprocessing.context.ForkServerContext, given: tuple[Any, ...]
    ) -> None:
        self.suite = ""
        self.connection, self._theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._theirs, *given), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()
        self.connection.close()

    def hand(self, suite: str) -> None:
        self.suite = suite
        with contextlib.suppress(OSError):  # a process that died is noticed by receive()
            self.connection.send(suite)

    def receive(self) -> tuple[str, Any]:
        """Return the suite with what was made of it."""
        try:
            result = self.connection.recv()
        except (EOFError, OSError):
            self._process.join()
            raise _ended(self.suite, self._process.exitcode or 0) from None
        if isinstance(result, TiltyardError):
            raise result
        suite, self.suite = self.suite, ""
        return suite, result


def _ended(suite: str, code: int) -> Exception:
    """Return the error for a process that ended before it had made a suite's pages."""
    who = f"the process that made the pages of suite {suite}"
    if code < 0:
        return TiltyardError(
            f"{who} was killed by {signal.Signals(-code).name}; the system may be out of memory"
        )
    return RuntimeError(f"{who} ended with code {code}; its traceback is above")


def _serve(  # noqa: PLR0913, PLR0917 - what a process is told when it starts
    connection: Connection,
    work: Work[Any],
    folders: tuple[Path, ...],
    path: Path,
    out: Path,
    here: Path,
) -> None:
    """Make the pages of every suite that is named, until the other side closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and that ends this
    os.chdir(here)
    while True:
        try:
            name = connection.recv()
        except (EOFError, OSError):
            return
        try:
            with Store(path, readonly=True) as store:
                result = work(discover(folders), store, out, name)
        except TiltyardError as error:
            result = error
        connection.send(result)
