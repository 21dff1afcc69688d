"""Advances one implementation: the clock, the budget, the checkpoints.

Answers are judged at the iterations 1, 2, ... that grow by a factor of at least ``SPACING``, and at
the end. The schedule depends on iterations alone, so a run with a deterministic budget has the same
checkpoints wherever it is replayed.
"""

from __future__ import annotations

import contextlib
import math
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NoReturn, TypeVar

import numpy as np

from tiltyard.errors import InvalidAnswer, NonFiniteAnswer, Unsupported, describe
from tiltyard.implementation import Implementation
from tiltyard.names import Value
from tiltyard.run.checkpoint import Checkpoint
from tiltyard.run.record import Status
from tiltyard.suite import Answer, Budget, Judge, Problem, Suite, Verdict

SPACING = 1.2

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How a driven run ended, and its last judged answer."""

    status: Status
    reason: str
    traceback: str
    iterations: int
    seconds: float
    oracles: Mapping[str, int]
    phases: Mapping[str, float]
    certificate: Mapping[str, Value]
    answer: Answer | None


class _Ended(Exception):
    """The run is over: with which status, and why."""

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class Run:
    """One run in this process.

    Args:
        suite: the problem's suite.
        method: the implementation.
        problem: fresh for this run (``problem.on(device)``).
        judge: the problem's judge.
        budget: what the run may use.
        report: called with every checkpoint, while the clock stands still.
    """

    def __init__(  # noqa: PLR0913 - the parts of a run
        self,
        suite: Suite,
        method: Implementation,
        problem: Problem,
        judge: Judge,
        *,
        budget: Budget,
        report: Callable[[Checkpoint], None],
    ) -> None:
        self._suite = suite
        self._method = method
        self._problem = problem
        self._judge = judge
        self._budget = budget
        self._report = report
        self._seconds = 0.0
        self._iterations = 0
        self._judged = 0
        self._answer: Answer | None = None
        self._verdict: Verdict | None = None

    def drive(self, rng: np.random.Generator, parameters: Mapping[str, Value]) -> Outcome:
        """Run the method to its end, its target or the end of its budget."""
        trace = ""
        try:
            self._advance(rng, parameters)
        except _Ended as end:
            status, reason = end.status, end.reason
        except Unsupported as error:
            status, reason = Status.UNSUPPORTED, str(error)
        except Exception as error:  # noqa: BLE001 - whatever a method raises becomes a status
            status, reason = _status_of(error)
            trace = traceback.format_exc()
        except SystemExit as error:
            status, reason = Status.CRASHED, f"called sys.exit({error.code})"
        return Outcome(
            status=status,
            reason=reason,
            traceback=trace,
            iterations=self._iterations,
            seconds=self._seconds,
            oracles=dict(self._problem.ledger.oracles),
            phases=dict(self._problem.ledger.phases),
            certificate=self._verdict.certificate if self._verdict else {},
            answer=self._answer,
        )

    def _advance(self, rng: np.random.Generator, parameters: Mapping[str, Value]) -> NoReturn:
        """Advance the method; always ends by raising ``_Ended`` or the method's own error."""
        iteration_limit = self._budget.iterations or math.inf
        second_limit = self._budget.seconds or math.inf
        priced = self._budget.cost is not None
        answer: Any = None
        returned: Any = None
        due = 1
        answers = self._timed(lambda: iter(self._method.function(self._problem, rng, **parameters)))
        try:
            while True:
                start = perf_counter()
                try:
                    answer = next(answers)
                except StopIteration as end:
                    returned = end.value
                    break
                finally:
                    self._seconds += perf_counter() - start
                self._iterations += 1
                if (
                    self._iterations >= due
                    or self._seconds >= second_limit
                    or self._iterations >= iteration_limit
                    or (priced and self._out_of_budget())
                ):
                    self._timed(self._problem.synchronize)
                    self._check(answer)
                    due = max(self._iterations + 1, math.ceil(self._iterations * SPACING))
        finally:
            _close(answers)
        self._timed(self._problem.synchronize)
        self._finish(answer, returned)

    def _timed(self, work: Callable[[], T]) -> T:
        """Do work on the method's clock."""
        start = perf_counter()
        try:
            return work()
        finally:
            self._seconds += perf_counter() - start

    def _check(self, answer: Any) -> None:
        """Judge an answer, and end the run if it is wrong, good enough, or the last one."""
        gap = self._judge_answer(answer)
        in_time = self._seconds <= (self._budget.seconds or math.inf)
        if gap <= self._suite.targets[-1] and in_time:
            raise _Ended(Status.SOLVED, "")
        limit = self._out_of_budget()
        if limit:
            raise _Ended(Status.STOPPED, f"{limit} spent")

    def _finish(self, answer: Any, returned: Any) -> NoReturn:
        """End the run of a method that returned by itself, with its reason or None."""
        if not isinstance(returned, str | None):
            what = type(returned).__name__
            raise _Ended(
                Status.INVALID_ANSWER, f"returned a {what}: answers are yielded, a reason is text"
            )
        reason = " ".join((returned or "").split())
        if not self._iterations:
            because = f": {reason}" if reason else ""
            raise _Ended(Status.INVALID_ANSWER, f"returned without an answer{because}")
        if self._judged < self._iterations:
            self._check(answer)
        gap = self._verdict.metrics[self._suite.gap] if self._verdict else math.nan
        ended = f"{self._suite.gap} {gap:.2g}"
        told = self._verdict.certificate if self._verdict else {}
        ended += f", claiming {told['claim']}" if told.get("claim") else ""
        ended += f", flagged for {told['flagged']}" if told.get("flagged") else ""
        raise _Ended(Status.STOPPED, f"{reason} ({ended})" if reason else f"returned with {ended}")

    def _judge_answer(self, answer: Any) -> float:
        """Judge and report an answer; return its gap."""
        try:
            accepted = self._judge.accept(answer)
        except NonFiniteAnswer as error:
            status = Status.DIVERGED if self._verdict else Status.INVALID_ANSWER
            raise _Ended(status, str(error)) from None
        except InvalidAnswer as error:
            raise _Ended(Status.INVALID_ANSWER, str(error)) from None
        self._answer = accepted
        verdict = self._score(accepted)
        if not verdict.sound:
            raise _Ended(Status.UNSOUND, verdict.reason)
        if verdict.kind and verdict.kind != self._method.kind:
            own = self._method.kind or "none"
            reason = f"gave an answer of kind {verdict.kind}; the implementation's kind: {own}"
            raise _Ended(Status.INVALID_ANSWER, reason)
        gap = verdict.metrics[self._suite.gap]
        if not math.isfinite(gap):
            raise _Ended(Status.DIVERGED, f"{self._suite.gap} is {gap}")
        self._verdict, self._judged = verdict, self._iterations
        self._report(
            Checkpoint(
                iteration=self._iterations,
                seconds=self._seconds,
                oracles=dict(self._problem.ledger.oracles),
                metrics=dict(verdict.metrics),
            )
        )
        return gap

    def _score(self, answer: Answer) -> Verdict:
        try:
            return self._judge.score(answer)
        except Exception as error:  # an error of the judge must not read as the method's
            raise RuntimeError(f"the judge failed: {describe(error)}") from error

    def _out_of_budget(self) -> str:
        """Return which limit is met, in words, or the empty string."""
        budget = self._budget
        if budget.seconds is not None and self._seconds >= budget.seconds:
            return f"budget of {budget.seconds:g} s"
        if budget.iterations is not None and self._iterations >= budget.iterations:
            return f"budget of {budget.iterations} iterations"
        cost = self._suite.cost(self._problem.ledger.oracles)
        if budget.cost is not None and cost >= budget.cost:
            return f"budget of {budget.cost:g} oracle calls"
        return ""


def _close(answers: Iterator[Any]) -> None:
    """Let a generator clean up; what it raises then no longer matters."""
    close = getattr(answers, "close", None)
    if close is not None:
        with contextlib.suppress(Exception):  # the run is judged already
            close()


def _status_of(error: Exception) -> tuple[Status, str]:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return Status.OUT_OF_MEMORY, describe(error)
    return Status.CRASHED, describe(error)
