"""What the adapters of other people's solvers share: guarded callbacks, and answers from them.

Libraries in compiled code differ in what an exception does that a callback raises: ipyopt goes on
with the exception set and may end in a segmentation fault, Uno takes it for a failed evaluation or,
in the Hessian, ignores it. So nothing is raised there: the first error is kept, from then on every
value is NaN and every request to stop is made, and the error is raised after the library's return.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard import Unsupported, from_callback
from tiltyard.suites.constrained.problem import Answer, ConstrainedProblem

Array = NDArray[np.float64]

DENSE_LIMIT = 500
"""The most variables or constraints of a method that factorises dense matrices at each step."""

PATIENCE = 100
"""Values in a row that may be NaN, iterations that may get nowhere: some libraries never end."""

FOREVER = 10**9
"""A limit of iterations that no budget reaches."""


class Halt(Exception):
    """The adapter ends the library's run, for the reason in the message."""


class Callbacks:
    """The problem's oracles as callbacks that raise nothing, and the iterates that they see.

    Args:
        problem: whose oracles are called.
        report: of ``from_callback``.

    Attributes:
        iterate: the last answer's x, the problem's x0 before there is one.
        error: the first exception, which ``check`` raises.
        patience: how many iterations in a row the iterate may stand still.
    """

    def __init__(self, problem: ConstrainedProblem, report: Callable[[Answer], None]) -> None:
        self._problem = problem
        self._report = report
        self._still = 0
        self._useless: dict[str, int] = {}
        self.iterate: Array = problem.x0.copy()
        self.error: BaseException | None = None
        self.patience = PATIENCE

    def objective(self, x: Array) -> float:
        """Return f(x)."""
        return float(self.guard((), self.objective_or_raise, x))

    def objective_or_raise(self, x: Array) -> float:
        """Return f(x) where the library, written in Python, may be unwound.

        Raises:
            Halt: the library has lost its way.
        """
        if not np.isfinite(x).all():
            raise Halt("the library's iterates are not finite")
        return float(self._watched("objective", self._problem.objective(x)))

    def constraints_or_raise(self, x: Array) -> Array:
        """Return c(x), likewise."""
        return np.asarray(self._watched("constraints", self._problem.constraints(x)))

    def _watched(self, name: str, values: Any) -> Any:
        self._useless[name] = 0 if np.isfinite(values).all() else self._useless.get(name, 0) + 1
        if self._useless[name] > PATIENCE:
            raise Halt(f"not finite {PATIENCE} times in a row: {name}")
        return values

    def gradient(self, x: Array) -> Array:
        """Return grad f(x)."""
        values: Array = self.guard(self._problem.n, self._problem.gradient, x)
        return values

    def constraints(self, x: Array) -> Array:
        """Return c(x)."""
        values: Array = self.guard(self._problem.m, self.constraints_or_raise, x)
        return values

    def jacobian(self, x: Array) -> Array:
        """Return the Jacobian's values at its structure."""
        size = len(self._problem.jacobian_structure)
        values: Array = self.guard(size, self._problem.jacobian_values, x)
        return values

    def hessian(self, x: Array, y: Array, scale: float) -> Array:
        """Return the Lagrangian Hessian's values at its structure."""
        size = len(self._problem.hessian_structure)
        values: Array = self.guard(size, self._problem.hessian_values, x, y, scale)
        return values

    def guard(self, shape: int | tuple[int, ...], function: Callable[..., Any], *at: Any) -> Any:
        """Return what a function returns; NaN of that shape once anything has been raised."""
        if self.error is None:
            try:
                return function(*at)
            except BaseException as error:  # noqa: BLE001 - ``check`` raises it
                self.error = error
        return np.full(shape, np.nan)

    def tell(self, x: Array, y: Array | None = None, z: Array | None = None) -> bool:
        """Report an iterate; return whether the library is to go on."""
        self.guard((), self.tell_or_raise, x, y, z)
        return self.error is None

    def tell_or_raise(self, x: Array, y: Array | None = None, z: Array | None = None) -> None:
        """Report an iterate where the library, written in Python, may be unwound.

        Raises:
            Halt: the iterate has not moved for ``patience`` times.
        """
        self._still = self._still + 1 if np.array_equal(x, self.iterate) else 0
        if self._still > self.patience:
            raise Halt(f"the iterate stood still for {self.patience} iterations")
        self.iterate = np.array(x, dtype=np.float64)
        self._report(answer(self.iterate, y, z))

    def check(self) -> None:
        """Raise what a callback could not."""
        if self.error is not None:
            raise self.error


Solve = Callable[[Callbacks], tuple[Answer | None, str]]


def answers(problem: ConstrainedProblem, solve: Solve) -> Generator[Answer, None, str]:
    """Yield what a library's run reports, then its final answer; return the run's reason.

    Args:
        problem: the problem.
        solve: runs the library on the callbacks that it is given; returns the final answer, None
            if that is the last one told, and why it ended where it claims nothing.
    """
    reason = ""

    def run(report: Callable[[Answer], None]) -> Answer | None:
        nonlocal reason
        calls = Callbacks(problem, report)
        try:
            final, reason = solve(calls)
            calls.check()
        except Halt as halt:
            final, reason = answer(calls.iterate), str(halt)
        return final

    yield from from_callback(run)
    return reason


def answer(x: Array, y: Array | None = None, z: Array | None = None, claim: str = "") -> Answer:
    """Return an answer with copies of its arrays; multipliers that are not finite are left out."""
    made: Answer = {"x": np.array(x, dtype=np.float64)}
    if y is not None and np.isfinite(y).all():
        made["y"] = np.array(y, dtype=np.float64)
        if z is not None and np.isfinite(z).all():
            made["z"] = np.array(z, dtype=np.float64)
    if claim:
        made["claim"] = claim
    return made


def ended(
    made: tuple[Array, Array | None, Array | None], claim: str, message: str
) -> tuple[Answer, str]:
    """Return the final answer of a run, and the library's message where it claims nothing."""
    return answer(*made, claim=claim), "" if claim else message


def finite(name: str, values: Any) -> Any:
    """Return values, dense or sparse, for a library that does not take NaN.

    Raises:
        Halt: they are not finite.
    """
    entries = values if isinstance(values, np.ndarray) else values.data
    if not np.isfinite(entries).all():
        raise Halt(f"not finite: {name}")
    return values


def refuse_large(problem: ConstrainedProblem, method: str) -> None:
    """Refuse what a dense method would take hours for.

    Raises:
        Unsupported: more than ``DENSE_LIMIT`` variables or constraints.
    """
    if max(problem.n, problem.m) > DENSE_LIMIT:
        raise Unsupported(
            f"{method} works on dense matrices: n and m up to {DENSE_LIMIT}, "
            f"not n = {problem.n}, m = {problem.m}"
        )
