"""The implementation contract: a method is a generator of answers.

The harness advances the generator. Between two ``yield`` statements the clock runs; while the
generator is suspended it stands still. The harness closes the generator when the target is reached
or the budget is spent; a method that knows it is done returns. It may return a reason as text,
``return "singular: the Jacobian has no full rank"``, which becomes the run's unless its last answer
meets the target.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from tiltyard.errors import PluginError, TiltyardError, describe
from tiltyard.names import Value
from tiltyard.needs import missing
from tiltyard.suite import Problem

Range = tuple[float, float, Literal["log", "linear"]] | tuple[Value, ...]
"""A tuning range: ``(low, high, "log" | "linear")``, or the values to choose from."""

Method = Callable[..., Iterator[Any]]


class Trainer(Protocol):
    """Makes the checkpoint of a pretrained method; the same seed makes the same bytes."""

    def __call__(self, out: Path, *, seed: int, report: Callable[[str], None]) -> str:
        """Train from scratch.

        Args:
            out: the file to write.
            seed: of everything that is drawn.
            report: takes a line about the progress.

        Returns:
            The SHA-256 of the file.
        """


def interval(values: Range) -> tuple[float, float, str] | None:
    """Return the ends and the axis of a tuning range; None if it lists values to choose from."""
    if len(values) == 3 and values[2] in ("log", "linear"):
        return float(values[0]), float(values[1]), str(values[2])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Implementation:
    """A method for one suite, as the registry finds it.

    Attributes:
        name: the function's name; reports show it.
        suite: the suite whose problems it takes.
        summary: the first line of the function's docstring.
        parameters: keyword-only arguments and their published defaults.
        cites: DOI, arXiv number or address of the source.
        tune: for some parameters, the range that the tuning protocol searches.
        devices: the kinds of device it runs on, of ``"cpu"`` and ``"cuda"``.
        needs: modules it imports beyond the core, each with what ``pip install`` takes.
        requires: facts that a problem must have: each name with the values it may take.
        kind: which of the suite's kinds its answers are of; empty where the suite has none.
        train: where its ``Trainer`` is, as ``module:function``; empty for a method that needs none.
        module: the module that defines it.
        file: the source file, hashed into every run's identity.
    """

    name: str
    suite: str
    function: Method
    summary: str
    parameters: Mapping[str, Value]
    cites: str
    tune: Mapping[str, Range]
    devices: tuple[str, ...]
    needs: Mapping[str, str]
    requires: Mapping[str, tuple[Value, ...]]
    module: str
    file: str
    kind: str = ""
    train: str = ""

    def missing(self) -> str:
        """Return why this machine cannot run the method, or the empty string."""
        return missing(self.needs)

    def unsupported(self, problem: Problem, device: str) -> str:
        """Return why the method does not take this problem on this device, or the empty string."""
        kind = device.partition(":")[0]
        if kind not in self.devices:
            return f"runs on {' and '.join(self.devices)}, not on {kind}"
        for fact, allowed in self.requires.items():
            if problem.facts.get(fact) not in allowed:
                wanted = " or ".join(str(value) for value in allowed)
                return f"needs {fact} = {wanted}; this problem has {problem.facts.get(fact)}"
        return self.missing()

    def trainer(self) -> Trainer:
        """Import and return the function that trains the method from scratch.

        Raises:
            TiltyardError: it names none.
            PluginError: what it names is not there.
        """
        module, _, function = self.train.partition(":")
        if not function:
            raise TiltyardError(f"{self.name} has nothing to train")
        try:
            found: Trainer = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise PluginError(f"{self.name}: no trainer {self.train} ({describe(error)})") from None
        return found


def implementation(  # noqa: PLR0913 - each argument is one line of a method's declaration
    *,
    suite: str,
    cites: str = "",
    tune: Mapping[str, Range] | None = None,
    devices: tuple[str, ...] = ("cpu",),
    needs: Mapping[str, str] | None = None,
    requires: Mapping[str, tuple[Value, ...]] | None = None,
    kind: str = "",
    train: str = "",
) -> Callable[[Method], Implementation]:
    """Declare a function ``(problem, rng, *, parameters...) -> Iterator[answer]`` as a method.

    Raises:
        PluginError: the signature is not of that form, or a tuning range is malformed.
    """

    def declare(function: Method) -> Implementation:
        name = function.__name__
        parameters = _parameters(function)
        _check_ranges(name, tune or {}, parameters)
        return Implementation(
            name=name,
            suite=suite,
            function=function,
            summary=(inspect.getdoc(function) or "").partition("\n")[0],
            parameters=parameters,
            cites=cites,
            tune=dict(tune or {}),
            devices=devices,
            needs=dict(needs or {}),
            requires=dict(requires or {}),
            kind=kind,
            train=train,
            module=function.__module__,
            file=inspect.getsourcefile(function) or "",
        )

    return declare


def _parameters(function: Method) -> dict[str, Value]:
    """Return the keyword-only arguments with their defaults."""
    wanted = f"{function.__name__} must be declared as (problem, rng, *, parameter=default, ...)"
    arguments = list(inspect.signature(function).parameters.values())
    if [argument.name for argument in arguments[:2]] != ["problem", "rng"]:
        raise PluginError(wanted)
    parameters = {}
    for argument in arguments[2:]:
        if argument.kind is not argument.KEYWORD_ONLY or argument.default is argument.empty:
            raise PluginError(f"{wanted}; {argument.name} is not keyword-only with a default")
        parameters[argument.name] = argument.default
    return parameters


def _check_ranges(name: str, tune: Mapping[str, Range], parameters: Mapping[str, Value]) -> None:
    for parameter, values in tune.items():
        if parameter not in parameters:
            raise PluginError(f"{name} tunes {parameter}, which is none of its parameters")
        if (ends := interval(values)) is not None:
            low, high, axis = ends
            if not low < high or (axis == "log" and low <= 0):
                raise PluginError(f"{name}: the range of {parameter} is empty or not positive")
        elif not values:
            raise PluginError(f"{name}: {parameter} has no values to choose from")
