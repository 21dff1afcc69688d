"""Turns what a user selects into runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from tiltyard.claim import Request
from tiltyard.dataset import Dataset
from tiltyard.download import Unavailable
from tiltyard.errors import TiltyardError, unknown
from tiltyard.implementation import Implementation
from tiltyard.names import Value, complete, matches, parse_name
from tiltyard.registry import Registry, source_hash
from tiltyard.run.environment import gpus
from tiltyard.run.spec import RunSpec
from tiltyard.suite import Budget, Suite
from tiltyard.tuning import MOST, draws

TIERS = ("smoke", "standard", "full")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to run in one suite.

    Attributes:
        tier: whose problems and budget are taken.
        track: whose problems are taken; None takes those of all.
        kind: whose implementations are taken; None takes those of all.
        problems: patterns over the tier's problems; a name with brackets, or of a family without
            parameters, selects that problem whatever its tier. Empty selects all.
        implementations: patterns over names, or ``name[parameter=value]``. Empty selects all.
        seeds: how many, from 0; None is the tier's number.
        seconds: the budget; None is the tier's.
        iterations: a further limit.
        cost: a further limit, in weighted oracle calls.
        device: ``cpu``, ``cuda``, ``cuda:N``, or ``auto``: a GPU where machine and method have one.
        threads: for BLAS, torch and numba.
        tune: how many random configurations of each implementation are run besides its defaults;
            one that is selected with parameters runs with these alone.
    """

    tier: str = "smoke"
    track: str | None = None
    kind: str | None = None
    problems: Sequence[str] = ()
    implementations: Sequence[str] = ()
    seeds: int | None = None
    seconds: float | None = None
    iterations: int | None = None
    cost: float | None = None
    device: str = "cpu"
    threads: int = 1
    tune: int | None = None

    def __post_init__(self) -> None:
        if self.tier not in TIERS:
            raise unknown("tier", self.tier, TIERS)
        if not re.fullmatch(r"cpu|auto|cuda(:\d+)?", self.device):
            raise TiltyardError(f"device {self.device!r} is none of cpu, cuda, cuda:N, auto")
        for name in ("seeds", "seconds", "iterations", "cost", "threads", "tune"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise TiltyardError(f"--{name} must be positive, got {value}")
        if self.tune is not None and self.tune > MOST:
            raise TiltyardError(f"--tune must be at most {MOST}, got {self.tune}")


def plan(registry: Registry, suite: Suite, selection: Selection) -> list[RunSpec]:
    """Return the selected runs, ordered by problem, so that a worker sets each up once.

    Raises:
        TiltyardError: a pattern selects nothing, or a name or parameter is unknown.
    """
    tier = suite.tiers[selection.tier]
    settings = [
        (method.name, parameters)
        for method, named in select_implementations(
            registry, suite.name, selection.implementations, selection.kind
        )
        for parameters in _settings(method, named, selection.tune or 0)
    ]
    budget = Budget(
        seconds=selection.seconds or tier.seconds,
        iterations=selection.iterations,
        cost=selection.cost,
    )
    requests = [
        Request(
            problem=name,
            implementation=implementation,
            parameters=parameters,
            seeds=tuple(range(selection.seeds or tier.seeds)),
            budget=budget,
        )
        for name in select_problems(
            registry, suite.name, selection.tier, selection.problems, selection.track
        )
        for implementation, parameters in settings
    ]
    return plan_requests(
        registry, suite, requests, device=selection.device, threads=selection.threads
    )


def plan_requests(
    registry: Registry,
    suite: Suite,
    requests: Iterable[Request],
    *,
    device: str = "cpu",
    threads: int = 1,
) -> list[RunSpec]:
    """Return the requested runs, in order; names and parameters are completed."""
    data_of = cache(partial(registry.data_of, suite.name))  # hashes a user's file only once
    return [
        spec
        for request in requests
        for spec in _specs(registry, suite, request, data_of, device=device, threads=threads)
    ]


def select_problems(
    registry: Registry,
    suite: str,
    tier: str,
    patterns: Sequence[str],
    track: str | None = None,
) -> list[str]:
    """Return canonical names; the tier's own order, then that of the patterns.

    Raises:
        TiltyardError: a pattern selects nothing, a name is unknown, or of another track.
    """
    if track is not None:
        registry.suite(suite).require_track(track)
    of_tier = [
        name
        for family in registry.families_of(suite)
        for name in family.names(tier)
        if track in (None, registry.track(suite, name))
    ]
    if not patterns:
        return of_tier
    chosen: dict[str, None] = {}
    for pattern in patterns:
        if _is_exact(registry, suite, pattern):
            found = [registry.canonical(suite, pattern)]
            own = registry.track(suite, found[0])
            if track not in (None, own):
                raise TiltyardError(f"problem {found[0]} is of track {own}, not of {track}")
        else:
            found = [name for name in of_tier if matches(pattern, name)]
        if not found:
            raise _no_problem(registry, suite, tier, pattern)
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def select_implementations(
    registry: Registry, suite: str, patterns: Sequence[str], kind: str | None = None
) -> list[tuple[Implementation, Mapping[str, Value]]]:
    """Return methods, each with the parameters that a pattern gave it.

    Raises:
        TiltyardError: a pattern selects nothing, a name is unknown, or of another kind.
    """
    if kind is not None:
        registry.suite(suite).require_kind(kind)
    methods = [one for one in registry.methods_of(suite) if kind in (None, one.kind)]
    if not patterns:
        return [(method, {}) for method in methods]
    chosen: dict[str, tuple[Implementation, Mapping[str, Value]]] = {}
    for pattern in patterns:
        if _is_glob(pattern):
            found = [method for method in methods if matches(pattern, method.name)]
            if not found:
                raise unknown("implementation", pattern, (method.name for method in methods))
            chosen.update({method.name: (method, {}) for method in found})
        else:
            name, spelled = parse_name(pattern)
            method = registry.implementation(suite, name)
            if kind not in (None, method.kind):
                raise TiltyardError(f"{name} is of kind {method.kind}, not of {kind}")
            chosen[pattern] = (method, with_defaults(method, spelled))
    return list(chosen.values())


def with_defaults(method: Implementation, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return every parameter of a method, each of its default's type."""
    return complete("implementation", method.name, given, method.parameters)


def verify_data(registry: Registry, suite: str, problems: Iterable[str]) -> dict[str, str]:
    """Load every dataset that the problems need, so that bad data is refused before any run.

    Returns:
        The problems whose data can neither be found nor downloaded, each with the reason.

    Raises:
        TiltyardError: data is at fault.
    """
    tried: dict[str, str] = {}
    refused = {}
    for name in problems:
        family_name, spelled = parse_name(name)
        family = registry.family(suite, family_name)
        if family.missing():
            continue
        for dataset in family.datasets_of(family.complete(spelled)):
            if dataset not in tried:
                tried[dataset] = _load(registry.dataset(dataset))
            if tried[dataset]:
                refused[name] = tried[dataset]
        if family.files:
            registry.build(suite, name)
    return refused


def _load(dataset: Dataset) -> str:
    try:
        dataset.load()
    except Unavailable as error:
        return str(error)
    return ""


def _settings(
    method: Implementation, named: Mapping[str, Value], tune: int
) -> list[Mapping[str, Value]]:
    """Return the parameters that a user named, or the defaults and random configurations."""
    if {**method.parameters, **named} != method.parameters:
        return [named]
    return [named, *draws(method, tune)]


def _specs(  # noqa: PLR0913 - what a request is completed with
    registry: Registry,
    suite: Suite,
    request: Request,
    data_of: Callable[[str], dict[str, str]],
    *,
    device: str,
    threads: int,
) -> list[RunSpec]:
    problem = registry.canonical(suite.name, request.problem)
    method = registry.implementation(suite.name, request.implementation)
    if device == "auto":
        device = "cuda" if gpus() and "cuda" in method.devices else "cpu"
    return [
        RunSpec(
            suite=suite.name,
            suite_version=suite.version,
            problem=problem,
            data=data_of(problem),
            implementation=method.name,
            source=source_hash(Path(method.file)),
            parameters=with_defaults(method, request.parameters),
            seed=seed,
            device=device,
            budget=request.budget,
            threads=threads,
        )
        for seed in request.seeds
    ]


def _is_glob(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


def _is_exact(registry: Registry, suite: str, pattern: str) -> bool:
    """Return whether a pattern is the name of one problem, wherever that is."""
    if "[" in pattern:
        return not _is_glob(pattern)
    family = registry.families.get((suite, pattern))
    return family is not None and not family.parameters


def _no_problem(registry: Registry, suite: str, tier: str, pattern: str) -> TiltyardError:
    elsewhere = [
        other
        for other in TIERS
        for family in registry.families_of(suite)
        if any(matches(pattern, name) for name in family.names(other))
    ]
    if elsewhere:
        return TiltyardError(
            f"no problem of tier {tier} matches {pattern!r}; tier {elsewhere[0]} has some"
        )
    families = [family.name for family in registry.families_of(suite)]
    if pattern in families:
        return TiltyardError(f"{pattern} is in no tier; name one problem of it: '{pattern}[...]'")
    return unknown("problem", pattern, families)
