"""Checks of suites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from tiltyard.conformance.check import Check, Checks, Skip, arrays_of, not_plain, perform
from tiltyard.conformance.families import Family, check_family
from tiltyard.conformance.probe import Probe
from tiltyard.conformance.trial import Trial, try_methods
from tiltyard.errors import InvalidAnswer
from tiltyard.registry import Registry
from tiltyard.run.plan import TIERS
from tiltyard.run.record import Record
from tiltyard.suite import Answer, Judge, Problem, Suite

MINIATURE_BYTES = 2**20
"""The most that the arrays of a miniature may take."""

_NO_ANSWERS: tuple[Any, ...] = (
    None,
    "an answer",
    b"bytes",
    object(),
    [],
    {},
    (None, None),
    ["text"],
    {"answer": None},
    lambda: 0.0,
)


def check_suite(registry: Registry, name: str, *, trial: Trial | None = None) -> list[Check]:
    """Check a suite and its smoke problems.

    Args:
        registry: the one that this process's workers find, too.
        name: the suite's.
        trial: of any of its methods that gave an answer; made here if None.
    """
    return perform(SUITE_CHECKS, _Subject(registry, registry.suite(name), trial))


class _Subject:
    """A suite with all that its checks look at."""

    def __init__(self, registry: Registry, suite: Suite, trial: Trial | None) -> None:
        self.registry = registry
        self.suite = suite
        self._trial = trial

    @cached_property
    def families(self) -> list[Family]:
        """The problem families that have smoke problems."""
        families = self.registry.families_of(self.suite.name)
        return [Family(self.registry, family) for family in families if family.names("smoke")]

    @cached_property
    def judged(self) -> dict[str, tuple[Problem, Judge]]:
        """The first smoke problem of each family, with its judge."""
        firsts = [next(iter(family.problems.items())) for family in self.families]
        return {name: (problem, self.suite.judge(problem)) for name, problem in firsts}

    @cached_property
    def example(self) -> tuple[Record, Answer, Probe]:
        """A run that gave an answer, and what else its method showed."""
        methods = self.registry.methods_of(self.suite.name)
        trials = (try_methods(self.registry, [method]) for method in methods)
        made = (trial for tried in trials for trial in tried.values())
        for trial in made if self._trial is None else [self._trial]:
            run = trial.repeat
            if run and run.answer and run.checkpoints and trial.probe and not trial.probe.broke:
                return run, run.answer, trial.probe
        raise Skip("no implementation gave an answer to judge")


def _describes(subject: _Subject) -> Iterator[str]:
    for what in ("title", "summary"):
        if not getattr(subject.suite, what).strip():
            yield f"its {what} is empty"


def _metrics(subject: _Subject) -> Iterator[str]:
    suite = subject.suite
    for name, times in Counter(metric.name for metric in suite.metrics).items():
        if times > 1:
            yield f"metric {name} is declared {times} times"
    gaps = [metric for metric in suite.metrics if metric.name == suite.gap]
    if not gaps:
        yield f"gap {suite.gap!r} is none of its metrics"
    elif gaps[0].better != "lower":
        yield f"gap {suite.gap} must be better when lower"


def _targets(subject: _Subject) -> Iterator[str]:
    targets = subject.suite.targets
    if not targets:
        yield "there are no targets"
    for loose, tight in pairwise(targets):
        if not loose > tight:
            yield f"{loose:g} is followed by {tight:g}"


def _tiers(subject: _Subject) -> Iterator[str]:
    suite = subject.suite
    for tier in sorted(set(TIERS) ^ set(suite.tiers)):
        yield f"{'lacks' if tier in TIERS else 'has unknown'} tier {tier}"
    for name, asked in suite.tiers.items():
        if not (asked.seconds > 0 and asked.seeds >= 1):
            yield f"tier {name} asks for {asked.seconds:g} s and {asked.seeds} seeds"
    if not subject.families:
        yield "no problem is in tier smoke"


def _oracles(subject: _Subject) -> Iterator[str]:
    for name, weight in subject.suite.oracles.items():
        if not 0 <= weight < np.inf:
            yield f"the weight of {name} is {weight}"


def _implemented(subject: _Subject) -> Iterator[str]:
    if not subject.registry.methods_of(subject.suite.name):
        yield "no implementation is registered"


def _families(subject: _Subject) -> Iterator[str]:
    for family in subject.registry.families_of(subject.suite.name):
        for check in check_family(subject.registry, family.suite, family.name):
            if not check.ok:
                yield f"{family.name}: {check.name}: {check.detail}"


def _refuses(subject: _Subject) -> Iterator[str]:
    for name, (_, judge) in subject.judged.items():
        for nonsense in _NO_ANSWERS:
            shown = "a function" if callable(nonsense) else repr(nonsense)
            try:
                judge.accept(nonsense)
            except InvalidAnswer:
                continue
            except Exception as error:  # noqa: BLE001 - the wrong exception is the finding
                yield f"{name}: accept({shown}) raised {type(error).__name__}, not InvalidAnswer"
            else:
                yield f"{name}: accept({shown}) was accepted"


def _scores(subject: _Subject) -> Iterator[str]:
    suite = subject.suite
    record, given, _ = subject.example
    judge = suite.judge(subject.registry.build(suite.name, record.spec.problem))
    answer = dict(given)
    kept = {key: array.copy() for key, array in answer.items()}
    verdicts = [judge.score(answer), judge.score(answer)]
    wanted = {metric.name for metric in suite.metrics}
    if verdicts[0].kind not in ("", *suite.kinds):
        yield f"a verdict is of kind {verdicts[0].kind!r}, which is none of the suite's"
    if set(verdicts[0].metrics) != wanted:
        yield f"metrics {sorted(verdicts[0].metrics)} instead of {sorted(wanted)}"
    if not _same(verdicts[0].metrics, verdicts[1].metrics):
        yield "two verdicts on one answer differ"
    if not _same(verdicts[0].metrics, record.metrics):
        yield "the verdict differs from that of another process"
    if any(not np.array_equal(kept[key], answer[key], equal_nan=True) for key in kept):
        yield "scoring altered the answer"
    yield from (f"certificate: {trouble}" for trouble in not_plain(verdicts[0].certificate))


def _copies(subject: _Subject) -> Iterator[str]:
    record, _, probe = subject.example
    if probe.aliased:
        yield f"accept keeps arrays that {record.spec.implementation} can still write to"


def _same(one: Any, other: Any) -> bool:
    exact = [{key: float(value).hex() for key, value in given.items()} for given in (one, other)]
    return exact[0] == exact[1]


def _references(subject: _Subject) -> Iterator[str]:
    for name, (_, judge) in subject.judged.items():
        yield from (f"{name}: {trouble}" for trouble in not_plain(judge.reference()))


def _miniatures(subject: _Subject) -> Iterator[str]:
    for name, (problem, _) in subject.judged.items():
        small = subject.suite.miniature(problem)
        size = sum(array.nbytes for array in arrays_of(small).values())
        if type(small) is not type(problem):
            yield f"{name}: {type(small).__name__} instead of {type(problem).__name__}"
        elif set(small.facts) != set(problem.facts):
            yield f"{name}: its facts are not those of the problem"
        elif size > MINIATURE_BYTES:
            yield f"{name}: {size} bytes of arrays, more than {MINIATURE_BYTES}"


def _claims(subject: _Subject) -> Iterator[str]:
    name = subject.suite.name
    for claim in subject.registry.claims_of(name):
        for request in claim.plan():
            subject.registry.canonical(name, request.problem)
            method = subject.registry.implementation(name, request.implementation)
            for key in set(request.parameters) - set(method.parameters):
                yield f"{claim.name}: {method.name} has no parameter {key}"


SUITE_CHECKS: Checks[_Subject] = {
    "says what it is": _describes,
    "metrics are unique, the gap is one, lower is better": _metrics,
    "targets are strictly decreasing": _targets,
    "has tiers smoke, standard and full": _tiers,
    "weighs its oracles": _oracles,
    "its problem families conform": _families,
    "has an implementation": _implemented,
    "the judge refuses what is no answer": _refuses,
    "the judge keeps copies": _copies,
    "the judge's verdict is reproducible and complete": _scores,
    "references are plain values": _references,
    "miniatures are small and alike": _miniatures,
    "claims name what exists": _claims,
}
