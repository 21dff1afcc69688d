"""The claim contract: a headline statement of a paper, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tiltyard.names import Value
from tiltyard.suite import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Runs that a claim needs: one implementation on one problem, a run for every seed.

    Attributes:
        problem: its name; parameters left out are at their defaults.
        implementation: its name.
        parameters: those that differ from the implementation's defaults.
        seeds: seeds of the method's random generator.
        budget: what each run may use; a deterministic one (iterations or cost) replays exactly.
    """

    problem: str
    implementation: str
    parameters: Mapping[str, Value] = field(default_factory=dict)
    seeds: tuple[int, ...]
    budget: Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came out.

    Attributes:
        verdict: decided by the claim's own rule, stated in its summary.
        effect: the measured effect, with its 95 % interval ``low`` to ``high``.
        unit: the effect's unit, in words.
        rows: the table behind it, for reports.
        note: what limits the finding, in one or two sentences.
    """

    verdict: Literal["reproduced", "not reproduced", "inconclusive"]
    effect: float
    low: float
    high: float
    unit: str
    rows: Sequence[Mapping[str, Value]]
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A paper's statement: the runs that test it, and how they are read.

    Attributes:
        name: short, with hyphens.
        statement: the paper's sentence, quoted or close to it.
        source: DOI or arXiv number.
        summary: what is measured, and the rule for each verdict.
        plan: the runs.
        measure: the finding from their records; each holds what ``tiltyard export`` shows.
        module: where it is declared: ``__name__``.
    """

    name: str
    suite: str
    statement: str
    source: str
    summary: str
    plan: Callable[[], Sequence[Request]]
    measure: Callable[[Sequence[Any]], Finding]
    module: str
