"""The suite contract: problems that methods see, and a judge that they do not.

A suite is one ``Suite`` object, its problem families and a judge. A *problem family* is a function
``(random generator, datasets..., parameters)`` that builds one ``Problem``; a *problem* is a family
with its parameters, named ``lognormal-abs[n=1000,d=10,beta=0.95]``, or just ``hs71`` where the
family has none.
"""

from __future__ import annotations

import contextlib
import copy
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from tiltyard.errors import unknown
from tiltyard.names import Value

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
        average: what a row of a board shows of its values: their median, or their geometric mean,
            for ratios.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    scale: Literal["linear", "log"]
    summary: str
    average: Literal["median", "geometric mean"] = "median"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one answer.

    Attributes:
        metrics: the value of every metric of the suite; NaN where one does not apply.
        sound: False when a claim failed its check; such an answer never ranks.
        certificate: what proves the metrics, as plain numbers and strings. Where the answer is
            better than the reference, ``reference`` is the latter's value and
            ``improves_reference`` by how much: 'tiltyard list better-known' shows such answers.
            ``claim`` is what the method vouches for, and ``flagged`` what is odd about an answer
            that counts all the same; a run's reason tells both.
        reason: why the answer is unsound; empty otherwise.
        kind: which of the suite's kinds the answer is of; a method answers in its own kind alone.
    """

    metrics: Mapping[str, float]
    sound: bool = True
    certificate: Mapping[str, Value] = field(default_factory=dict)
    reason: str = ""
    kind: str = ""


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


Attempt = Callable[[Problem], Any]
"""Runs a method on a problem, with one seed whenever it is called; returns its first answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A kind of task: its metrics, judge, targets and tiers.

    Attributes:
        version: results of different versions never share a board; raise it with every change to a
            problem, a judge or a metric.
        tracks: where some problems do not compare with others, the names of the parts, with a
            leaderboard each; every family says which of them its problems are of.
        kinds: where answers of some methods do not compare with those of others, such as bounds and
            estimates, the names of the kinds, with a leaderboard each; every implementation says
            which one it is of. The first is the suite's main one.
        gap: the metric that ``targets`` are levels of; lower is better.
        targets: levels of the gap, from loose to tight; a run that meets the last one is solved.
        oracles: counted oracles, each with its weight in the cost axis.
        judge: makes the judge of one problem.
        miniature: returns a tiny problem of the same kind; a method is rehearsed on it before its
            first timed run, so that compilation and lazy imports stay outside the clock.
        ranking: what ranks are by: the cost to the targets, where methods refine their answers, or
            the final gap, where they answer once.
        shown: the metrics that boards ranked by the gap show.
        phases: the phases whose seconds such boards show.
        latency: the phase and the oracle of which such boards show the seconds a call.
        grouped: the entry of certificates by which a page groups problems, such as a frequency.
        mixture: how the entries of certificates begin that are weights of a mixture's parts; a page
            draws them as a heat map.
        example: the body of a minimal method, from which ``tiltyard new implementation`` starts;
            it may use ``problem``, ``rng``, ``step`` (a tuned parameter) and ``np``.
        rule: what every method of the suite must keep besides the contract; yields how a method
            breaks it, given a miniature and the means to try the method on problems made from it.
            ``tiltyard check`` asks.
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
    tracks: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    ranking: Literal["cost", "gap"] = "cost"
    shown: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    latency: tuple[str, str] | None = None
    grouped: str = ""
    mixture: str = ""
    rule: Callable[[Any, Attempt], Iterable[str]] | None = None

    def metric(self, name: str) -> Metric:
        """Return the metric of that name."""
        return next(metric for metric in self.metrics if metric.name == name)

    def require_track(self, name: str) -> None:
        """Refuse a track that the suite does not have."""
        if name not in self.tracks:
            raise unknown("track", name, self.tracks)

    def require_kind(self, name: str) -> None:
        """Refuse a kind that the suite does not have."""
        if name not in self.kinds:
            raise unknown("kind", name, self.kinds)

    def misfit(self, kind: str) -> str:
        """Return why no implementation of the suite may be of this kind, or the empty string."""
        if kind in (self.kinds or ("",)):
            return ""
        kinds = f"its kinds: {', '.join(self.kinds)}" if self.kinds else "it has no kinds"
        return f"kind {kind!r} is none of suite {self.name}; {kinds}"

    def cost(self, oracles: Mapping[str, int]) -> float:
        """Return the weighted oracle calls."""
        return sum(weight * oracles.get(name, 0) for name, weight in self.oracles.items())
