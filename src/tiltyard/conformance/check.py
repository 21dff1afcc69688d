"""One check, and how a table of them is performed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from tiltyard.errors import describe

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Check:
    """What one check of a contract found.

    Attributes:
        name: what must hold.
        outcome: whether it does; ``skipped`` where this machine cannot tell.
        detail: what is wrong, or why it was skipped.
    """

    name: str
    outcome: Literal["ok", "failed", "skipped"]
    detail: str = ""

    @property
    def ok(self) -> bool:
        """Whether the contract is not broken, as far as this machine can tell."""
        return self.outcome != "failed"


class Skip(Exception):
    """Raised by a check that cannot be made here, with the reason."""


Checks = Mapping[str, Callable[[T], Iterable[str]]]
"""What must hold, each with a function that yields what is wrong."""


def perform(checks: Checks[T], subject: T) -> list[Check]:
    """Make every check of a table; one that raises has failed."""
    return [_perform(name, check, subject) for name, check in checks.items()]


def _perform(name: str, check: Callable[[T], Iterable[str]], subject: T) -> Check:
    try:
        troubles = list(check(subject))
    except Skip as reason:
        return Check(name, "skipped", str(reason))
    except Exception as error:  # noqa: BLE001 - the plug-in's code failed, which is the finding
        troubles = [describe(error)]
    return Check(name, "failed" if troubles else "ok", "; ".join(troubles))


def not_plain(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with values that are to be finite numbers, booleans or text."""
    for key, value in values.items():
        if not isinstance(value, bool | int | float | str):
            yield f"{key} is of type {type(value).__name__}, not bool, int, float or str"
        elif isinstance(value, float) and not math.isfinite(value):
            yield f"{key} is {value}"


def arrays_of(holder: object) -> dict[str, NDArray[Any]]:
    """Return every NumPy array among an object's attributes, inside containers too."""
    return dict(_walk(vars(holder), ""))


def _walk(value: Any, name: str) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(value, np.ndarray):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(item, f"{name}.{key}".lstrip("."))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _walk(item, f"{name}[{index}]")
