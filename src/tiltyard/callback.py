"""Turns the callback of a library that owns its loop into a generator of answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any


class _Closed(BaseException):
    """Unwinds the library's loop at the end of a run; no ``except Exception`` stops it."""


def from_callback(solve: Callable[[Callable[[Any], None]], Any]) -> Iterator[Any]:
    """Yield every answer that ``solve`` reports, then the one that it returns.

    The library runs in a thread of its own that is suspended while the harness judges, so the clock
    is as fair as for a plain generator. Closing the generator raises inside the callback.

    Args:
        solve: takes ``report``, which its library's callback is to call with each iterate, and
            returns the final answer, or None when the last reported one is final. Answers that
            the library overwrites must be copied before they are reported.

    Raises:
        Exception: whatever ``solve`` raises.

    Example:
        ``yield from from_callback(lambda report: minimize(f, x0, callback=report).x)``
    """
    channel = _Channel(solve)
    try:
        while channel.resume():
            yield channel.answer
    finally:
        channel.close()


class _Channel:
    """Two threads, of which exactly one runs."""

    def __init__(self, solve: Callable[[Callable[[Any], None]], Any]) -> None:
        self.answer: Any = None
        self._solve = solve
        self._error: BaseException | None = None
        self._closing = False
        self._finished = False
        self._to_library = threading.Semaphore(0)
        self._to_harness = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def resume(self) -> bool:
        """Let the library run until its next answer; return False when there is none."""
        if self._finished:
            return False
        if self._thread.ident is None:
            self._thread.start()
        self._to_library.release()
        self._to_harness.acquire()
        if self._error is not None:
            raise self._error
        return self.answer is not None

    def close(self) -> None:
        """Unwind the library's loop, if it is still inside its callback."""
        self._closing = True
        if self._thread.is_alive():
            self._to_library.release()
            self._thread.join()

    def _run(self) -> None:
        self._to_library.acquire()
        try:
            self.answer = None if self._closing else self._solve(self._report)
        except _Closed:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the harness's thread
            self._error = error
        self._finished = True
        self._to_harness.release()

    def _report(self, answer: Any) -> None:
        self.answer = answer
        self._to_harness.release()
        self._to_library.acquire()
        if self._closing:
            raise _Closed
