"""The process in which runs happen: one worker makes one run after the other.

Everything that a run needs before its clock starts is done here: imports, the problem and its
reference, a rehearsal of the method on a tiny problem of the same kind.
"""

from __future__ import annotations

import faulthandler
import fcntl
import os
import signal
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from tiltyard.errors import TiltyardError, describe
from tiltyard.implementation import Implementation
from tiltyard.names import Value, parse_name
from tiltyard.registry import generator, registry
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.driver import Run
from tiltyard.run.record import Status
from tiltyard.run.spec import Limits, RunSpec
from tiltyard.suite import Judge, Problem, Suite

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)

Send = Callable[[str, Any], None]
"""Sends an event: ``ready``, ``checkpoint``, ``done`` or ``refused``, with its content."""


@dataclass(slots=True)
class _Stage:
    """A built problem with its judge, kept for the next run on it."""

    key: tuple[str, str]
    problem: Problem
    judge: Judge


class Worker:
    """Makes runs in this process, one at a time."""

    def __init__(self, threads: int) -> None:
        self._threads = fix_threads(threads)
        self._stage: _Stage | None = None
        self._rehearsed: set[tuple[str, str, str, str]] = set()

    def perform(self, spec: RunSpec, send: Send) -> None:
        """Make one run, and send what happens: ``ready``, checkpoints, ``done``.

        Sends ``refused`` instead where the problem itself cannot be set up.
        """
        start = perf_counter()
        suite = registry().suite(spec.suite)
        method = registry().implementation(spec.suite, spec.implementation)
        family = registry().family(spec.suite, parse_name(spec.problem)[0])
        if reason := family.missing():
            self._decline(send, f"problem {family.name} {reason}", start, {})
            return
        try:
            stage = self._set_up(suite, spec)
            reference = stage.judge.reference()
        except TiltyardError as error:
            send("refused", str(error))
            return
        except Exception as error:  # noqa: BLE001 - a problem's fault, not the method's
            send("refused", describe(error))
            return
        reason = method.unsupported(stage.problem, spec.device) or _no_device(spec.device)
        if reason:
            self._decline(send, reason, start, reference)
            return
        self._ready(send, start, reference)
        self._rehearse(suite, method, stage, spec)
        send("done", self._run(suite, method, stage, spec, send))

    def _ready(self, send: Send, start: float, reference: Mapping[str, Value]) -> None:
        ready = {
            "setup_seconds": perf_counter() - start,
            "reference": dict(reference),
            "threads": self._threads,
        }
        send("ready", ready)

    def _decline(
        self, send: Send, reason: str, start: float, reference: Mapping[str, Value]
    ) -> None:
        """Record that the run cannot be made here."""
        self._ready(send, start, reference)
        send("done", {"status": Status.UNSUPPORTED, "reason": reason})

    def _set_up(self, suite: Suite, spec: RunSpec) -> _Stage:
        key = (spec.suite, spec.problem)
        if self._stage is None or self._stage.key != key:
            self._stage = None
            problem = registry().build(*key)
            self._stage = _Stage(key, problem, suite.judge(problem))
        return self._stage

    def _rehearse(self, suite: Suite, method: Implementation, stage: _Stage, spec: RunSpec) -> None:
        """Let the method compile and import what it will need, outside the clock."""
        kind = (spec.suite, spec.implementation, spec.device, spec.problem.partition("[")[0])
        if kind in self._rehearsed:
            return
        self._rehearsed.add(kind)
        miniature = suite.miniature(stage.problem).on(spec.device)
        try:
            answers = iter(method.function(miniature, generator("rehearsal"), **spec.parameters))
            for _, _answer in zip(range(3), answers, strict=False):
                pass
            miniature.synchronize()
        except Exception:  # noqa: BLE001, S110 - the run itself will say it better
            pass

    def _run(
        self, suite: Suite, method: Implementation, stage: _Stage, spec: RunSpec, send: Send
    ) -> dict[str, Any]:
        problem = stage.problem.on(spec.device)
        rng = generator("run", spec.suite, spec.problem, spec.implementation, spec.seed)

        def report(point: Checkpoint) -> None:
            send("checkpoint", point)

        run = Run(suite, method, problem, stage.judge, budget=spec.budget, report=report)
        memory = PeakMemory()
        outcome = run.drive(rng, spec.parameters)
        peak = memory.growth()
        return {
            **{key: getattr(outcome, key) for key in outcome.__slots__},
            "peak_memory_bytes": peak,
        }


class PeakMemory:
    """The growth of this process's resident memory; None where the system does not tell."""

    _RESET_PEAK = "5"  # proc(5), /proc/pid/clear_refs

    def __init__(self) -> None:
        try:
            Path("/proc/self/clear_refs").write_text(self._RESET_PEAK)
            self._before = self._read("VmRSS:")
        except OSError:
            self._before = None

    def growth(self) -> int | None:
        """Return the peak since construction less the size at construction, in bytes."""
        if self._before is None:
            return None
        peak = self._read("VmHWM:")
        return None if peak is None else max(0, peak - self._before)

    @staticmethod
    def _read(field: str) -> int | None:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
        return None


def fix_threads(threads: int) -> dict[str, int]:
    """Fix the threads of BLAS, OpenMP, numba, torch and Rayon; return those in effect now.

    The variables reach libraries that are loaded later; those already loaded are told directly.
    """
    import threadpoolctl

    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    os.environ["JOBLIB_MULTIPROCESSING"] = "0"  # scikit-learn is to start no processes either
    threadpoolctl.threadpool_limits(threads)
    pools = {pool["internal_api"]: pool["num_threads"] for pool in threadpoolctl.threadpool_info()}
    if "numba" in sys.modules:
        # Not set_num_threads, which would start the pool, and a semaphore that a kill leaks.
        sys.modules["numba"].config.NUMBA_NUM_THREADS = threads
        pools["numba"] = threads
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        torch.set_num_threads(threads)
        pools["torch"] = torch.get_num_threads()
    return pools


def _no_device(device: str) -> str:
    """Return why this machine lacks the device, or the empty string."""
    if device == "cpu":
        return ""
    import torch

    if not torch.cuda.is_available():
        return "no CUDA device on this machine"
    index = device.partition(":")[2]
    if index and int(index) >= torch.cuda.device_count():
        return f"this machine has {torch.cuda.device_count()} CUDA devices, not {device}"
    return ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker takes over from the process that started it."""

    folder: str
    log: str
    threads: int
    variables: dict[str, str]

    @classmethod
    def here(cls, log: Path, threads: int) -> Surroundings:
        """Return this process's own."""
        variables = {key: value for key, value in os.environ.items() if key.startswith("TILTYARD_")}
        return cls(str(Path.cwd()), str(log), threads, variables)

    def enter(self) -> None:
        """Take them over."""
        os.chdir(self.folder)
        for key in [key for key in os.environ if key.startswith("TILTYARD_")]:
            del os.environ[key]
        os.environ.update(self.variables)


def serve(connection: Connection, lifeline: Connection, surroundings: Surroundings) -> None:
    """Make the runs that arrive over the connection until it closes; a worker process's life.

    Messages in: ``(spec as JSON, limits)``. Messages out: ``(event, content)``. The lifeline is the
    reading end of a pipe whose writing end dies with the process that watches the runs.
    """
    _die_with(lifeline)
    _detach(surroundings.log)
    surroundings.enter()
    worker = Worker(surroundings.threads)

    def send(event: str, content: Any) -> None:
        connection.send((event, content))

    while True:
        try:
            values, limits = connection.recv()
        except (EOFError, OSError):
            return
        _arm_deadline(limits)
        os.ftruncate(2, 0)
        worker.perform(RunSpec.from_json(values), send)
        signal.alarm(0)


def _die_with(lifeline: Connection) -> None:
    """Have the kernel end this process once the pipe's other end is gone (SIGIO's default action).

    A thread would do on every system, but not while a method's compiled loop holds the GIL.
    """
    descriptor = lifeline.fileno()
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(descriptor, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_ASYNC)
    if lifeline.poll():
        sys.exit("the process that watches the runs is gone")


def _detach(log: str) -> None:
    """Leave the terminal: a session of its own, output to a file, no warnings."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptor = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    faulthandler.enable()
    warnings.simplefilter("ignore")


def _arm_deadline(limits: Limits) -> None:
    """Let the kernel end this process should the one that watches it be gone."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(int(limits.setup_seconds + limits.wall_seconds) + 60)
