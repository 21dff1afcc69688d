"""Tries methods the way runs happen: in worker processes, on the smoke problems, briefly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tiltyard.claim import Request
from tiltyard.conformance.check import not_plain
from tiltyard.conformance.probe import Probe, probe
from tiltyard.implementation import Implementation
from tiltyard.registry import Registry
from tiltyard.run.environment import gpus
from tiltyard.run.plan import plan_requests, select_problems
from tiltyard.run.pool import Finished, Pool, Refused
from tiltyard.run.record import Record
from tiltyard.run.session import default_limits
from tiltyard.run.spec import Limits, RunSpec
from tiltyard.suite import Budget, Suite

RUN_SECONDS = 0.2
"""The most that a run on a smoke problem gets."""

ITERATIONS = 8
"""The budget of the run that is repeated."""

WALL_SECONDS = 60.0
"""The most that a run may take, whatever it does."""

_SETUP_SECONDS = 600.0

Key = tuple[str, str]
"""A method's suite and name."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """What a method did when it was tried.

    Attributes:
        untried: why it could not be tried here; empty if it was.
        runs: a short run on each smoke problem.
        refused: the smoke problems that could not be set up, with the reason.
        repeat: a run with a budget of iterations, on the first problem that ``runs`` ended well
            on; None if there is none.
        probe: the same run in another process, and more; None as above.
    """

    suite: Suite
    method: Implementation
    untried: str = ""
    runs: list[Record] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    repeat: Record | None = None
    probe: Probe | None = None

    @property
    def key(self) -> Key:
        """The method's suite and name."""
        return self.suite.name, self.method.name


def try_methods(
    registry: Registry, methods: Sequence[Implementation], *, jobs: int = 1
) -> dict[Key, Trial]:
    """Try methods; one call for many is faster than many calls.

    Args:
        registry: the one that this process's workers find, too.
        methods: any methods of it.
        jobs: runs at the same time.
    """
    trials = [_trial(registry, method) for method in methods]
    tried = {trial.key: trial for trial in trials if not trial.untried}
    specs = [spec for trial in tried.values() for spec in _smoke_specs(registry, trial)]
    specs.sort(key=lambda spec: (spec.suite, spec.problem))  # a worker keeps its last problem
    limits = Limits(
        wall_seconds=WALL_SECONDS,
        setup_seconds=_SETUP_SECONDS,
        memory_bytes=default_limits(specs, jobs=jobs).memory_bytes,
    )
    cuda = any("cuda" in trial.method.devices for trial in tried.values())
    with Pool(jobs=jobs, limits=limits, preload=("torch",) if cuda else ()) as pool:
        for record in _records(pool, specs, tried):
            tried[_key(record.spec)].runs.append(record)
        repeats = [spec for trial in tried.values() for spec in _repeat_spec(registry, trial)]
        for record in _records(pool, repeats, tried):
            tried[_key(record.spec)].repeat = record
    for spec, found in zip(repeats, probe(repeats), strict=True):
        tried[_key(spec)].probe = found
    return {trial.key: trial for trial in trials}


def _trial(registry: Registry, method: Implementation) -> Trial:
    untried = method.missing()
    if any(not_plain(method.parameters)):
        untried = "its parameters are not plain values"
    elif _device(method) == "cuda" and not gpus():
        untried = "runs on cuda alone, and this machine has none"
    elif not select_problems(registry, method.suite, "smoke", ()):
        untried = f"suite {method.suite} has no smoke problems"
    return Trial(suite=registry.suite(method.suite), method=method, untried=untried)


def _device(method: Implementation) -> str:
    return "cpu" if "cpu" in method.devices else "cuda"


def _smoke_specs(registry: Registry, trial: Trial) -> list[RunSpec]:
    tier = trial.suite.tiers.get("smoke")
    seconds = min(RUN_SECONDS, tier.seconds if tier else RUN_SECONDS)
    problems = select_problems(registry, trial.suite.name, "smoke", ())
    return _specs(registry, trial, problems, Budget(seconds=seconds))


def _repeat_spec(registry: Registry, trial: Trial) -> list[RunSpec]:
    problems = [run.spec.problem for run in trial.runs if run.answer is not None]
    return _specs(registry, trial, problems[:1], Budget(iterations=ITERATIONS))


def _specs(
    registry: Registry, trial: Trial, problems: Iterable[str], budget: Budget
) -> list[RunSpec]:
    requests = [
        Request(problem=name, implementation=trial.method.name, seeds=(0,), budget=budget)
        for name in problems
    ]
    return plan_requests(registry, trial.suite, requests, device=_device(trial.method))


def _records(pool: Pool, specs: Sequence[RunSpec], trials: dict[Key, Trial]) -> Iterable[Record]:
    """Yield the records of runs, and note the refused problems."""
    for event in pool.run(specs):
        match event:
            case Finished(record):
                yield record
            case Refused(spec, reason):
                trials[_key(spec)].refused[spec.problem] = reason


def _key(spec: RunSpec) -> Key:
    return spec.suite, spec.implementation
