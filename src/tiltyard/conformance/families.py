"""Checks of problem families."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property

from tiltyard.conformance.check import Check, Checks, Skip, arrays_of, not_plain, perform
from tiltyard.family import ProblemFamily
from tiltyard.names import Value, parse_name
from tiltyard.registry import Registry
from tiltyard.run.plan import TIERS
from tiltyard.suite import Problem

_SECRET = re.compile(r"reference|judge|optim(um|al)|solution|held_?out|secret")


def check_family(registry: Registry, suite: str, name: str) -> list[Check]:
    """Check what a problem family declares, and its smoke problems."""
    return perform(FAMILY_CHECKS, Family(registry, registry.family(suite, name)))


class Family:
    """A problem family with its smoke problems."""

    def __init__(self, registry: Registry, family: ProblemFamily) -> None:
        self.registry = registry
        self.family = family

    @cached_property
    def problems(self) -> dict[str, Problem]:
        """The smoke problems by name, or the one at the defaults."""
        family = self.family
        if reason := family.missing():
            raise Skip(reason)
        names = family.names("smoke") or ([] if family.files else [family.spell({})])
        used = (family.datasets_of(family.complete(parse_name(name)[1])) for name in names)
        for key in dict.fromkeys(key for keys in used for key in keys):
            if reason := self.registry.dataset(key).absent():
                raise Skip(f"dataset {key}: {reason}")
        return {name: self.registry.build(family.suite, name) for name in names}


def _describes(subject: Family) -> Iterator[str]:
    if not subject.family.summary:
        yield "its function has no docstring"
    yield from not_plain(subject.family.parameters)


def _names(subject: Family) -> Iterator[str]:
    family, registry = subject.family, subject.registry
    for tier in sorted(set(family.tiers) - set(TIERS)):
        yield f"unknown tier {tier}"
    for tier in TIERS:
        names = family.names(tier)
        for name in names:
            _, parameters = parse_name(name)
            if registry.canonical(family.suite, name) != name:
                yield f"{name} reads back as {registry.canonical(family.suite, name)}"
            elif family.complete(parameters) != family.complete(dict(_grid(family, tier, name))):
                yield f"{name} reads back as other values"
        for name, times in Counter(names).items():
            if times > 1:
                yield f"tier {tier} holds {name} {times} times"


def _grid(family: ProblemFamily, tier: str, name: str) -> Mapping[str, Value]:
    """Return the parameters that the tier spelled as this name."""
    return next(given for given in family.tiers[tier] if family.spell(given) == name)


def _tracks(subject: Family) -> Iterator[str]:
    family = subject.family
    known = subject.registry.suite(family.suite).tracks or ("",)
    for name in dict.fromkeys(name for tier in family.tiers for name in family.names(tier)):
        track = family.track_of(parse_name(name)[1])
        if track not in known:
            yield f"{name} is of track {track!r}; the suite's: {', '.join(known) or 'none'}"
    for name, problem in subject.problems.items():
        track = family.track_of(parse_name(name)[1])
        if problem.facts.get("track", track) != track:
            yield f"{name} is declared as {track!r}, and its fact says {problem.facts['track']!r}"


def _datasets(subject: Family) -> Iterator[str]:
    for name in subject.family.datasets:
        subject.registry.dataset(name)
    yield from ()


def _repeats(subject: Family) -> Iterator[str]:
    for name, problem in subject.problems.items():
        again = subject.registry.build(subject.family.suite, name)
        first, second = arrays_of(problem), arrays_of(again)
        if set(first) != set(second) or dict(problem.facts) != dict(again.facts):
            yield f"{name}: facts or arrays differ"
            continue
        for key, array in first.items():
            if array.dtype != second[key].dtype or array.tobytes() != second[key].tobytes():
                yield f"{name}: {key} differs"


def _facts(subject: Family) -> Iterator[str]:
    for name, problem in subject.problems.items():
        yield from (f"{name}: fact {trouble}" for trouble in not_plain(problem.facts))


def _guards(subject: Family) -> Iterator[str]:
    for name, problem in subject.problems.items():
        seen = problem.on("cpu")
        for key, value in vars(seen).items():
            if value is not None and _SECRET.search(key.lower()):
                yield f"{name}: methods see {key}"
        for key, array in arrays_of(seen).items():
            if array.flags.writeable:
                yield f"{name}: methods can write to {key}"
        if seen.ledger is problem.on("cpu").ledger:
            yield f"{name}: two runs share a ledger"


FAMILY_CHECKS: Checks[Family] = {
    "says what it is, with plain parameters": _describes,
    "names read back": _names,
    "its track is one of the suite's": _tracks,
    "its datasets are registered": _datasets,
    "one name builds one problem": _repeats,
    "facts are plain values": _facts,
    "methods see no secret and can alter nothing": _guards,
}
