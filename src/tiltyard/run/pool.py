"""Makes runs in worker processes, each of which a run may take down.

One thread watches every worker's connection, deadline and memory. A worker is reused for the next
run, and replaced when a run kills it or has to be killed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import multiprocessing
import os
import signal
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Self

import psutil

from tiltyard.run.record import Record, Status
from tiltyard.run.spec import Limits, RunSpec
from tiltyard.run.worker import Surroundings, serve

POLL_SECONDS = 0.05
_LOG_TAIL_BYTES = 8000


@dataclass(frozen=True, slots=True)
class Planned:
    """How many runs are about to be made."""

    runs: int


@dataclass(frozen=True, slots=True)
class Started:
    """A run has been handed to a worker."""

    spec: RunSpec


@dataclass(frozen=True, slots=True)
class Finished:
    """A run has ended, whichever way."""

    record: Record


@dataclass(frozen=True, slots=True)
class Refused:
    """A run's problem could not be set up; there is nothing to record."""

    spec: RunSpec
    reason: str


Event = Planned | Started | Finished | Refused


class Pool:
    """Worker processes for runs; use it as a context manager.

    Args:
        jobs: runs at the same time; above 1, times are only comparable on idle cores.
        threads: for BLAS, torch and numba in each worker.
        limits: when a run is ended from outside.
        preload: modules to import once for all workers, beyond the harness's own.
    """

    def __init__(
        self, *, jobs: int = 1, threads: int = 1, limits: Limits, preload: tuple[str, ...] = ()
    ) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tiltyard.run.preload", *preload])
        self._limits = limits
        self._threads = threads
        self._jobs = jobs
        self._slots: list[_Slot] = []

    def __enter__(self) -> Self:
        self._logs = tempfile.TemporaryDirectory(prefix="tiltyard-")
        self._lifeline, self._life = self._context.Pipe(duplex=False)
        return self

    def __exit__(self, *_: object) -> None:
        for slot in self._slots:
            slot.kill()
        self._slots.clear()
        self._lifeline.close()
        self._life.close()
        self._logs.cleanup()

    def run(self, specs: Iterable[RunSpec]) -> Iterator[Event]:
        """Make the runs, in order as far as several at a time allow, and yield what happens."""
        waiting = deque(specs)
        while len(self._slots) < min(self._jobs, len(waiting)):
            self._slots.append(self._new_slot(len(self._slots)))
        while waiting or any(slot.busy for slot in self._slots):
            for index, slot in enumerate(self._slots):
                if waiting and not slot.busy:
                    if not slot.alive:
                        slot = self._slots[index] = self._new_slot(index)  # noqa: PLW2901
                    spec = waiting.popleft()
                    slot.hand(spec)
                    yield Started(spec)
            busy = {slot.connection: slot for slot in self._slots if slot.busy}
            for ready in wait(list(busy), POLL_SECONDS):
                yield from busy[ready].receive()  # type: ignore[index]
            for slot in busy.values():
                yield from slot.enforce()

    def _new_slot(self, index: int) -> _Slot:
        log = Path(self._logs.name) / f"worker-{index}.log"
        surroundings = Surroundings.here(log, self._threads)
        ours, theirs = self._context.Pipe()
        arguments = (theirs, self._lifeline, surroundings)
        process = self._context.Process(target=serve, args=arguments, daemon=True)
        process.start()
        theirs.close()
        return _Slot(process, ours, log, self._limits)


class _Slot:
    """One worker process and the run it is making."""

    def __init__(
        self, process: BaseProcess, connection: Connection, log: Path, limits: Limits
    ) -> None:
        self.connection = connection
        self._process = process
        self._log = log
        self._limits = limits
        self._record: Record | None = None
        self._deadline = 0.0
        self._timed = False

    @property
    def busy(self) -> bool:
        return self._record is not None

    @property
    def alive(self) -> bool:
        return not self.connection.closed

    def hand(self, spec: RunSpec) -> None:
        """Start a run."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self._record = Record(spec=spec, status=Status.CRASHED, started=now)
        self._deadline = time.monotonic() + self._limits.setup_seconds
        self._timed = False
        with contextlib.suppress(OSError):  # a worker that died since is noticed by receive()
            self.connection.send((spec.to_json(), self._limits))

    def receive(self) -> Iterator[Event]:
        """Take in what the worker sent."""
        try:
            event, content = self.connection.recv()
        except (EOFError, OSError):
            yield self._end(Status.CRASHED, self._exit_reason())
            return
        yield from self._take(event, content)

    def _take(self, event: str, content: Any) -> Iterator[Event]:
        if self._record is None:
            raise RuntimeError(f"a worker sent {event} outside a run")
        match event:
            case "ready":
                _update(self._record, content)
                self._deadline = time.monotonic() + self._limits.wall_seconds
                self._timed = True
            case "checkpoint":
                self._record.checkpoints = [*self._record.checkpoints, content]
            case "done":
                _update(self._record, content)
                yield self._finished()
            case "refused":
                yield self._refused(content)

    def enforce(self) -> Iterator[Event]:
        """End a run that is past its limits."""
        if not self.busy:
            return
        size = self._resident()
        if size > self._limits.memory_bytes:
            limit = f"{self._limits.memory_bytes / 2**30:.3g} GiB"
            self.kill()
            yield self._end(Status.OUT_OF_MEMORY, f"memory limit of {limit} exceeded")
        elif time.monotonic() > self._deadline:
            self.kill()
            if self._timed:
                limit = f"wall limit of {self._limits.wall_seconds:g} s exceeded"
                yield self._end(Status.TIMEOUT, limit)
            else:
                limit = f"{self._limits.setup_seconds:g} s"
                yield self._refused(f"problem and reference were not set up within {limit}")

    def kill(self) -> None:
        """End the worker, and whatever processes it started, at once."""
        if self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _resident(self) -> int:
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def _exit_reason(self) -> str:
        self._process.join(5)
        code = self._process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = "; the system may be out of memory" if -code == signal.SIGKILL else ""
            return f"the worker was killed by {name}{hint}"
        return f"the worker exited with code {code}"

    def _end(self, status: Status, reason: str) -> Event:
        """End a run whose worker is gone."""
        record = self._record
        if record is None:
            raise RuntimeError("a worker ended outside a run")
        self.kill()
        record.status, record.reason = status, reason
        record.traceback = self._log_tail()
        if record.checkpoints:
            last = record.checkpoints[-1]
            record.iterations, record.seconds = last.iteration, last.seconds
            record.oracles = last.oracles
        return self._finished()

    def _finished(self) -> Finished:
        record, self._record = self._record, None
        if record is None:
            raise RuntimeError("no run to finish")
        return Finished(record)

    def _refused(self, reason: str) -> Refused:
        record, self._record = self._record, None
        if record is None:
            raise RuntimeError("no run to refuse")
        return Refused(record.spec, reason)

    def _log_tail(self) -> str:
        try:
            text = self._log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace")
        except OSError:
            return ""
        return text.strip("\0\n ")


def _update(record: Record, values: dict[str, Any]) -> None:
    for key, value in values.items():
        setattr(record, key, value)
