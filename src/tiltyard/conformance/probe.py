"""Looks at methods from inside a process of their own, which may hang or die."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tiltyard.conformance.check import arrays_of
from tiltyard.dataset import digest
from tiltyard.implementation import Implementation
from tiltyard.names import Value
from tiltyard.registry import generator, registry
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.driver import Run
from tiltyard.run.spec import RunSpec
from tiltyard.run.worker import Surroundings, fix_threads
from tiltyard.suite import Answer, Judge, Problem, Suite, Verdict

STEP_SECONDS = 60.0
"""How long each step of a probe may take, compilation included."""

Trace = tuple[str, ...]
"""Every judged answer's metrics, exactly, and the final answer's checksum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a method did in the probe's hands.

    Attributes:
        broke: during which step it hung or took its process down; empty if it did not.
        first_answer: seconds to the first answer on a miniature, compilation included.
        miniature: what went wrong on the miniature.
        rule: how it broke the rule of its suite.
        closing: what went wrong when it was closed before its end.
        changed: arrays of the problem that it altered or made writable.
        aliased: whether the judge kept arrays that the method can still write to.
        traces: of two equal runs in one process.
    """

    broke: str = ""
    first_answer: float = math.nan
    miniature: str = ""
    rule: tuple[str, ...] = ()
    closing: str = ""
    changed: tuple[str, ...] = ()
    aliased: bool = False
    traces: tuple[Trace, Trace] = ((), ())


def probe(specs: Iterable[RunSpec]) -> Iterator[Probe]:
    """Probe the method of each run, one after the other in one process while it lives."""
    with _Prober() as prober:
        for spec in specs:
            yield prober.ask(spec)


def trace(checkpoints: Sequence[Checkpoint], answer: Answer | None) -> Trace:
    """Return what two runs with one seed must have in common."""
    points = (
        f"iteration {point.iteration}: "
        + " ".join(f"{key}={float(value).hex()}" for key, value in sorted(point.metrics.items()))
        for point in checkpoints
    )
    return (*points, f"final answer: {digest(answer) if answer else 'none'}")


class _Prober:
    """The process, replaced when a method takes it down."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def ask(self, spec: RunSpec) -> Probe:
        """Probe one method; its death or silence is a finding."""
        connection = self._connection or self._start(spec.threads)
        connection.send(spec.to_json())
        step = "being set up"
        while connection.poll(STEP_SECONDS):
            try:
                content = connection.recv()
            except (EOFError, OSError):
                self._kill()
                return Probe(broke=f"its process died while {step}")
            if isinstance(content, Probe):
                return content
            step = content
        self._kill()
        return Probe(broke=f"no end after {STEP_SECONDS:g} s of {step}")

    def _start(self, threads: int) -> Connection:
        context = multiprocessing.get_context("forkserver")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, Surroundings.here(Path(os.devnull), threads))
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        return self._connection

    def _kill(self) -> None:
        if self._process is not None and self._connection is not None:
            self._process.kill()
            self._process.join()
            self._connection.close()
        self._process = self._connection = None


def _serve(connection: Connection, surroundings: Surroundings) -> None:
    """Probe what arrives over the connection until it closes."""
    silence = os.open(surroundings.log, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    surroundings.enter()
    fix_threads(surroundings.threads)
    while True:
        try:
            spec = RunSpec.from_json(connection.recv())
        except EOFError:
            return
        connection.send(_inspect(spec, connection.send))


def _inspect(spec: RunSpec, step: Callable[[str], None]) -> Probe:
    suite = registry().suite(spec.suite)
    method = registry().implementation(spec.suite, spec.implementation)
    problem = registry().build(spec.suite, spec.problem)
    judge = _WatchedJudge(suite.judge(problem))
    before = _state(problem)

    step("giving its first answer on a miniature")
    seconds, miniature, closing = _first_answer(
        method, suite.miniature(problem).on(spec.device), spec.parameters
    )

    step("being tried by the rule of its suite")
    rule = () if miniature else _rule(suite, method, problem, spec)

    def run() -> Trace:
        points: list[Checkpoint] = []
        fresh = problem.on(spec.device)
        rng = generator("run", spec.suite, spec.problem, spec.implementation, spec.seed)
        driven = Run(suite, method, fresh, judge, budget=spec.budget, report=points.append)
        return trace(points, driven.drive(rng, spec.parameters).answer)

    step("running with a budget of iterations")
    traces = run(), run()
    after = _state(problem)
    changed = tuple(name for name in before if after.get(name) != before[name])
    return Probe(
        first_answer=seconds,
        miniature=miniature,
        rule=rule,
        closing=closing,
        changed=changed,
        aliased=judge.aliased,
        traces=traces,
    )


class _WatchedJudge(Judge):
    """Notes whether accepted answers share memory with what the method handed over."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self.aliased = False

    def accept(self, answer: object) -> Answer:
        accepted = self._judge.accept(answer)
        theirs = list(_arrays_in(answer))
        self.aliased |= any(
            np.shares_memory(array, other) for array in accepted.values() for other in theirs
        )
        return accepted

    def score(self, answer: Answer) -> Verdict:
        return self._judge.score(answer)


def _arrays_in(answer: Any) -> Iterator[NDArray[Any]]:
    if isinstance(answer, Mapping):
        answer = tuple(answer.values())
    if isinstance(answer, list | tuple):
        for item in answer:
            yield from _arrays_in(item)
    elif hasattr(answer, "__array__"):
        with contextlib.suppress(TypeError, RuntimeError):  # a tensor on a GPU, or with gradients
            yield np.asarray(answer)


def _first_answer(
    method: Implementation, problem: Problem, parameters: Mapping[str, Value]
) -> tuple[float, str, str]:
    """Return the seconds to the first answer, what went wrong, and what did on closing."""
    start = perf_counter()
    try:
        answers = iter(method.function(problem, generator("rehearsal"), **parameters))
        nothing = object()
        answered = next(answers, nothing) is not nothing
        problem.synchronize()
    except Exception as error:  # noqa: BLE001 - whatever a method raises is the finding
        return math.nan, f"{type(error).__name__}: {error}", ""
    seconds = perf_counter() - start
    unstarted = iter(method.function(problem, generator("rehearsal"), **parameters))
    closing = _close(answers) or _close(unstarted)
    return seconds, "" if answered else "returned without an answer", closing


def _rule(suite: Suite, method: Implementation, problem: Problem, spec: RunSpec) -> tuple[str, ...]:
    """Return how a method breaks the rule of its suite."""

    def attempt(tried: Problem) -> Any:
        answers = method.function(tried.on(spec.device), generator("rehearsal"), **spec.parameters)
        return next(iter(answers))

    try:
        return tuple(suite.rule(suite.miniature(problem), attempt)) if suite.rule else ()
    except Exception as error:  # noqa: BLE001 - whatever a method raises is the finding
        return (f"{type(error).__name__}: {error}",)


def _close(answers: Any) -> str:
    """Return what closing raised, or the empty string."""
    try:
        getattr(answers, "close", lambda: None)()
    except Exception as error:  # noqa: BLE001 - whatever a method raises is the finding
        return f"{type(error).__name__}: {error}"
    return ""


def _state(problem: Problem) -> dict[str, tuple[str, bool]]:
    return {
        name: (digest({name: array}), array.flags.writeable)
        for name, array in arrays_of(problem).items()
    }
