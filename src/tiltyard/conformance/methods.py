"""Checks of implementations."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from tiltyard.conformance.check import Check, Checks, Skip, not_plain, perform
from tiltyard.conformance.probe import Probe, Trace, trace
from tiltyard.conformance.trial import Trial, try_methods
from tiltyard.errors import TiltyardError
from tiltyard.implementation import Range, interval
from tiltyard.names import Value
from tiltyard.registry import Registry
from tiltyard.run.record import Record, Status

_ENDED_WELL = (Status.SOLVED, Status.STOPPED, Status.DIVERGED, Status.UNSUPPORTED)


def check_implementation(
    registry: Registry, suite: str, name: str, *, trial: Trial | None = None
) -> list[Check]:
    """Check a method, on the smoke problems of its suite.

    Args:
        registry: the one that this process's workers find, too.
        suite: the method's.
        name: the method's.
        trial: what ``try_methods`` gave, where many methods are checked together.
    """
    method = registry.implementation(suite, name)
    if trial is None:
        trial = try_methods(registry, [method])[suite, name]
    return perform(IMPLEMENTATION_CHECKS, trial)


def _describes(trial: Trial) -> Iterator[str]:
    if not trial.method.summary:
        yield "its function has no docstring"
    if not trial.method.cites.strip():
        yield "cites is empty; 'unpublished' is an answer, too"


def _plain(trial: Trial) -> Iterator[str]:
    yield from not_plain(trial.method.parameters)


def _ranges(trial: Trial) -> Iterator[str]:
    documented = inspect.getdoc(trial.method.function) or ""
    for key, values in trial.method.tune.items():
        default = trial.method.parameters[key]
        if not _holds(values, default) and not re.search(rf"\b{key}\b", documented):
            yield (
                f"the default of {key}, {default}, is outside its range, "
                "and the docstring does not say why"
            )


def _holds(values: Range, default: Value) -> bool:
    ends = interval(values)
    if ends is None:
        return default in values
    low, high, _ = ends
    return isinstance(default, int | float) and low <= default <= high


def _trains(trial: Trial) -> Iterator[str]:
    if not trial.method.train:
        return
    try:
        trial.method.trainer()
    except TiltyardError as error:
        yield str(error)


def _runs(trial: Trial) -> Iterator[str]:
    _require_tried(trial)
    for problem, reason in trial.refused.items():
        yield f"{problem} could not be set up: {reason}"
    for run in trial.runs:
        if run.status not in _ENDED_WELL:
            yield f"{run.spec.problem}: {run.status}: {run.reason}"


def _takes_one(trial: Trial) -> Iterator[str]:
    _require_tried(trial)
    if trial.runs and all(run.status is Status.UNSUPPORTED for run in trial.runs):
        yield f"takes none of them: {trial.runs[0].reason}"


def _declared_oracles(trial: Trial) -> Iterator[str]:
    _require_tried(trial)
    charged = {oracle for run in trial.runs for oracle in run.oracles}
    for oracle in sorted(charged - set(trial.suite.oracles)):
        known = ", ".join(trial.suite.oracles) or "none"
        yield f"charges {oracle!r}; oracles of suite {trial.suite.name}: {known}"


def _keeps_budget(trial: Trial) -> Iterator[str]:
    repeat, _ = _require_repeat(trial)
    if repeat.status not in _ENDED_WELL:
        yield f"{repeat.spec.problem}: {repeat.status}: {repeat.reason}"
    limit = repeat.spec.budget.iterations or 0
    if repeat.iterations > limit:
        yield f"gave {repeat.iterations} answers of {limit}"


def _repeats(trial: Trial) -> Iterator[str]:
    _, found = _require_probe(trial)
    yield from _differences(*found.traces)


def _repeats_elsewhere(trial: Trial) -> Iterator[str]:
    repeat, found = _require_probe(trial)
    yield from _differences(trace(repeat.checkpoints, repeat.answer), found.traces[0])


def _differences(first: Trace, second: Trace) -> Iterator[str]:
    for one, other in zip(first, second, strict=False):
        if one != other:
            yield f"differs at {one.partition(':')[0]}"
            return
    if len(first) != len(second):
        yield f"{len(first) - 1} judged answers, then {len(second) - 1}"


def _leaves_problem(trial: Trial) -> Iterator[str]:
    _, found = _require_probe(trial)
    for name in found.changed:
        yield f"altered the problem's {name}"


def _closes(trial: Trial) -> Iterator[str]:
    _, found = _require_probe(trial)
    if found.closing:
        yield found.closing


def _survives(trial: Trial) -> Iterator[str]:
    _, found = _require_repeat(trial)
    if found.broke:
        yield found.broke


def _answers_miniature(trial: Trial) -> Iterator[str]:
    _, found = _require_probe(trial)
    if found.miniature:
        yield found.miniature


def _keeps_rule(trial: Trial) -> Iterator[str]:
    _, found = _require_probe(trial)
    yield from found.rule


def _require_tried(trial: Trial) -> None:
    if trial.untried:
        raise Skip(trial.untried)


def _require_repeat(trial: Trial) -> tuple[Record, Probe]:
    _require_tried(trial)
    if trial.repeat is None or trial.probe is None:
        raise Skip("no smoke run ended with an answer")
    return trial.repeat, trial.probe


def _require_probe(trial: Trial) -> tuple[Record, Probe]:
    repeat, found = _require_repeat(trial)
    if found.broke:
        raise Skip(found.broke)
    return repeat, found


IMPLEMENTATION_CHECKS: Checks[Trial] = {
    "says what it is and cites its source": _describes,
    "parameters are plain values": _plain,
    "tuning ranges hold the defaults": _ranges,
    "names a trainer that is there, or none": _trains,
    "takes a smoke problem": _takes_one,
    "ends well on every smoke problem": _runs,
    "charges declared oracles only": _declared_oracles,
    "survives being run again": _survives,
    "answers on a miniature": _answers_miniature,
    "keeps the rule of its suite": _keeps_rule,
    "can be closed early": _closes,
    "keeps a budget of iterations": _keeps_budget,
    "same seed, same answers": _repeats,
    "same answers in another process": _repeats_elsewhere,
    "leaves the problem as it was": _leaves_problem,
}
