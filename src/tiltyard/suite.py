"""The suite contract: problems that methods see, and a judge that they do not.

A suite is one ``Suite`` object, its problem families and a judge. A *problem family* is a function
``(random generator, datasets..., parameters)`` that builds one ``Problem``; a *problem* is a family
with its parameters, named ``lognormal-abs[n=1000,d=10,beta=0.95]``, or just ``hs71`` where the
family has none.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from tiltyard.errors import PluginError
from tiltyard.names import Value, complete, spell
from tiltyard.needs import missing

Answer = Mapping[str, Any]
"""A judged answer: array names to NumPy arrays that the harness owns."""


@dataclass(slots=True)
class Ledger:
    """What one run has used: oracle calls by kind, and seconds by phase."""

    oracles: dict[str, int] = field(default_factory=dict)
    phases: dict[str, float] = field(default_factory=dict)


class Problem:
    """The only thing a method sees: facts, counted oracles, the device.

    A suite derives its own class with arrays and oracles. It never holds the reference optimum.

    Attributes:
        facts: what is publicly known, such as ``{"loss": "abs", "n": 1000}``; an implementation's
            ``requires`` is checked against it.
        device: where the method is to work: ``"cpu"``, ``"cuda"`` or ``"cuda:0"``.
    """

    facts: Mapping[str, Value]
    device: str = "cpu"
    _ledger: Ledger

    def count(self, oracle: str, calls: int = 1) -> None:
        """Charge oracle calls to the run; a method that works on raw arrays calls it itself."""
        oracles = self._ledger.oracles
        oracles[oracle] = oracles.get(oracle, 0) + calls

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Attribute the time of a ``with`` block to a phase, such as ``"fit"`` or ``"setup"``."""
        self.synchronize()
        start = time.perf_counter()
        try:
            yield
        finally:
            self.synchronize()
            phases = self._ledger.phases
            phases[name] = phases.get(name, 0.0) + time.perf_counter() - start

    def on(self, device: str) -> Self:
        """Return this problem for one run on ``device``, with an empty ledger.

        A suite extends it to move its arrays there, so that no transfer is timed.
        """
        fresh = copy.copy(self)
        fresh.device = device
        fresh._ledger = Ledger()  # noqa: SLF001 - the class's own attribute on a copy of self
        return fresh

    @property
    def ledger(self) -> Ledger:
        """What the run has used so far."""
        return self._ledger

    def synchronize(self) -> None:
        """Wait until the device has done all that was asked of it."""
        if self.device != "cpu":
            import torch

            torch.cuda.synchronize(self.device)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One thing the judge measures.

    Attributes:
        name: its key in every verdict.
        unit: such as ``"s"`` or ``"1"`` for a ratio.
        better: which direction is better.
        scale: how plots and differences treat it.
        summary: one sentence for reports.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    scale: Literal["linear", "log"]
    summary: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one answer.

    Attributes:
        metrics: the value of every metric of the suite; NaN where one does not apply.
        sound: False when a claim failed its check; such an answer never ranks.
        certificate: what proves the metrics, as plain numbers and strings. Where the answer is
            better than the reference, ``reference`` is the latter's value and
            ``improves_reference`` by how much: 'tiltyard list better-known' shows such answers.
        reason: why the answer is unsound; empty otherwise.
    """

    metrics: Mapping[str, float]
    sound: bool = True
    certificate: Mapping[str, Value] = field(default_factory=dict)
    reason: str = ""


class Judge(ABC):
    """Scores answers to one problem in float64; shares no code with any method."""

    @abstractmethod
    def accept(self, answer: object) -> Answer:
        """Return the answer as named arrays of the judge's own (copied).

        Raises:
            InvalidAnswer: wrong structure, shape or dtype; ``NonFiniteAnswer`` for NaN or infinity.
        """

    @abstractmethod
    def score(self, answer: Answer) -> Verdict:
        """Return the verdict on an accepted answer."""

    def reference(self) -> Mapping[str, Value]:
        """Return the reference value, its certificate and provenance, for records and reports."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one run may use; None is no limit. The first limit that is met ends the run.

    Attributes:
        seconds: on the method's own clock.
        iterations: answers yielded.
        cost: weighted oracle calls, as the suite weighs them.
    """

    seconds: float | None = None
    iterations: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """How much a tier asks: seconds a run on the method's clock, and seeds."""

    seconds: float
    seeds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A kind of task: its metrics, judge, targets and tiers.

    Attributes:
        version: results of different versions never share a board; raise it with every change to a
            problem, a judge or a metric.
        gap: the metric that ``targets`` are levels of; lower is better.
        targets: levels of the gap, from loose to tight; a run that meets the last one is solved.
        oracles: counted oracles, each with its weight in the cost axis.
        judge: makes the judge of one problem.
        miniature: returns a tiny problem of the same kind; a method is rehearsed on it before its
            first timed run, so that compilation and lazy imports stay outside the clock.
        example: the body of a minimal method, from which ``tiltyard new implementation`` starts;
            it may use ``problem``, ``rng``, ``step`` (a tuned parameter) and ``np``.
    """

    name: str
    version: int
    title: str
    summary: str
    metrics: tuple[Metric, ...]
    gap: str
    targets: tuple[float, ...]
    oracles: Mapping[str, float]
    tiers: Mapping[str, Tier]
    judge: Callable[[Any], Judge]
    miniature: Callable[[Any], Problem]
    module: str
    example: str = ""

    def metric(self, name: str) -> Metric:
        """Return the metric of that name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def cost(self, oracles: Mapping[str, int]) -> float:
        """Return the weighted oracle calls."""
        return sum(weight * oracles.get(name, 0) for name, weight in self.oracles.items())


Normalise = Callable[[Mapping[str, Value]], Mapping[str, Value]]
"""Parameters, every one given, to those that name the problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFamily:
    """A function that builds problems, with the parameters that name them.

    Attributes:
        name: the function's name, underscores as hyphens, or the name it was given.
        parameters: keyword-only arguments and their defaults; a name spells every one.
        tiers: for each tier, the parameters of the problems it holds (others at their defaults).
        datasets: names of the datasets passed before the keywords, in this order.
        files: the parameters that are paths of the user's own files; their content is hashed into
            a run's identity.
        needs: modules it imports beyond the core, each with what ``pip install`` takes.
        normalise: maps complete parameters to those that name the problem, so that a problem that
            can be spelled in several ways has one name; None leaves them as they are.
    """

    name: str
    suite: str
    build: Callable[..., Problem]
    summary: str
    parameters: Mapping[str, Value]
    tiers: Mapping[str, tuple[Mapping[str, Value], ...]]
    datasets: tuple[str, ...]
    files: tuple[str, ...]
    module: str
    file: str
    needs: Mapping[str, str] = field(default_factory=dict)
    normalise: Normalise | None = None

    def spell(self, parameters: Mapping[str, Value]) -> str:
        """Return the canonical name of the problem with these parameters over the defaults.

        A family without parameters is one problem, and has its name: ``hs71``.

        Raises:
            TiltyardError: a parameter is unknown.
        """
        every = self.complete(parameters)
        inside = ",".join(f"{key}={spell(value)}" for key, value in every.items())
        return f"{self.name}[{inside}]" if inside else self.name

    def complete(self, parameters: Mapping[str, Value]) -> dict[str, Value]:
        """Return every parameter in order, each of its default's type, as they name the problem."""
        every = complete("problem", self.name, parameters, self.parameters)
        return every if self.normalise is None else dict(self.normalise(every))

    def missing(self) -> str:
        """Return why this machine cannot build the problems, or the empty string."""
        return missing(self.needs)

    def names(self, tier: str) -> list[str]:
        """Return the canonical names of the tier's problems."""
        return [self.spell(parameters) for parameters in self.tiers.get(tier, ())]


def problem(  # noqa: PLR0913 - each argument is one line of a family's declaration
    *,
    suite: str,
    name: str = "",
    tiers: Mapping[str, Sequence[Mapping[str, Value]]] | None = None,
    datasets: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
    needs: Mapping[str, str] | None = None,
    normalise: Normalise | None = None,
) -> Callable[[Callable[..., Problem]], ProblemFamily]:
    """Declare a function ``(rng, datasets..., *, parameters...) -> Problem`` as a problem family.

    ``rng`` is derived from the family's name and its ``instance`` parameter, where it has one, and
    from nothing else: two problems of one family draw the same data.

    Raises:
        PluginError: the signature is not of that form.
    """

    def declare(build: Callable[..., Problem]) -> ProblemFamily:
        function = getattr(build, "func", build)
        family = name or function.__name__.replace("_", "-")
        arguments = list(inspect.signature(build).parameters.values())
        positional = [argument for argument in arguments if argument.kind != argument.KEYWORD_ONLY]
        keywords = [argument for argument in arguments if argument.kind == argument.KEYWORD_ONLY]
        if len(positional) != 1 + len(datasets) or any(
            argument.default is argument.empty for argument in keywords
        ):
            raise PluginError(
                f"problem {family} must be declared as "
                f"({', '.join(('rng', *datasets))}, *, parameter=default, ...)"
            )
        return ProblemFamily(
            name=family,
            suite=suite,
            build=build,
            summary=(inspect.getdoc(function) or "").partition("\n")[0],
            parameters={argument.name: argument.default for argument in keywords},
            tiers={tier: tuple(grid) for tier, grid in (tiers or {}).items()},
            datasets=datasets,
            files=files,
            module=function.__module__,
            file=inspect.getsourcefile(function) or "",
            needs=dict(needs or {}),
            normalise=normalise,
        )

    return declare
