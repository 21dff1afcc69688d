"""Everything known about one named thing, as names and texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tiltyard.dataset import Dataset
from tiltyard.errors import unknown
from tiltyard.family import ProblemFamily
from tiltyard.implementation import Implementation
from tiltyard.names import Value, parse_name, spell
from tiltyard.registry import Registry
from tiltyard.run.record import Record
from tiltyard.store import Store
from tiltyard.suite import Suite

Facts = dict[str, str]


def details(registry: Registry, name: str, store: Path) -> Iterator[Facts]:
    """Yield a table of facts for everything that has this name.

    Args:
        registry: where to look for plug-ins.
        name: of a suite, implementation, problem or dataset, or the start of a record's id.
        store: where to look for records.

    Raises:
        TiltyardError: nothing has this name.
    """
    family = parse_name(name)[0]
    found = [_suite(registry, one) for key, one in registry.suites.items() if key == name]
    found += [_method(one) for (_, key), one in registry.implementations.items() if key == name]
    found += [
        _problem(registry, one, name)
        for (_, key), one in registry.families.items()
        if key == family
    ]
    found += [_dataset(one) for key, one in registry.datasets.items() if key == name]
    if not found and len(name) >= 6 and set(name) <= set("0123456789abcdef"):
        with Store(store, readonly=True) as opened:
            found = [_record(opened.find(name))]
    if not found:
        known = [key for _, key in (*registry.implementations, *registry.families)]
        raise unknown("name", name, [*known, *registry.suites, *registry.datasets])
    for facts in found:
        yield {key: text for key, text in facts.items() if text}


def _suite(registry: Registry, suite: Suite) -> Facts:
    methods = registry.methods_of(suite.name)
    return {
        "suite": f"{suite.name}, version {suite.version}: {suite.title}",
        "summary": suite.summary,
        "tracks": ", ".join(suite.tracks),
        "kinds": ", ".join(suite.kinds),
        "targets": f"{suite.gap} at most " + ", ".join(f"{t:g}" for t in suite.targets),
        "metrics": "; ".join(
            f"{m.name} ({m.better} is better): {m.summary}" for m in suite.metrics
        ),
        "oracles": ", ".join(f"{name} (weight {w:g})" for name, w in suite.oracles.items()),
        "tiers": "; ".join(
            f"{tier}: {sum(len(f.names(tier)) for f in registry.families_of(suite.name))} problems,"
            f" {limits.seconds:g} s a run, {limits.seeds} seeds"
            for tier, limits in suite.tiers.items()
        ),
        "problems": ", ".join(family.name for family in registry.families_of(suite.name)),
        "implementations": ", ".join(method.name for method in methods),
        "claims": "; ".join(claim.statement for claim in registry.claims_of(suite.name)),
    }


def _method(method: Implementation) -> Facts:
    return {
        "implementation": f"{method.name}, for suite {method.suite}",
        "kind": method.kind,
        "summary": method.summary,
        "cites": method.cites,
        "parameters": _pairs(method.parameters),
        "tuned over": "; ".join(f"{key}: {values}" for key, values in method.tune.items()),
        "devices": ", ".join(method.devices),
        "requires": "; ".join(
            f"{fact} = {' or '.join(map(str, values))}" for fact, values in method.requires.items()
        ),
        "available": method.missing() or "yes",
        "trained by": f"tiltyard train {method.name}" if method.train else "",
        "source": method.file,
    }


def _problem(registry: Registry, family: ProblemFamily, name: str) -> Facts:
    facts = {
        "problem": f"{family.name}, of suite {family.suite}",
        "summary": family.summary,
        "parameters": _pairs(family.parameters),
        "datasets": ", ".join(family.datasets),
        "tiers": "; ".join(f"{tier}: {len(family.names(tier))}" for tier in family.tiers),
        "available": family.missing() or "yes",
        "source": family.file,
    }
    if "[" in name or not family.parameters:
        problem = registry.build(family.suite, name)
        facts["this one"] = registry.canonical(family.suite, name)
        facts["track"] = registry.track(family.suite, name)
        facts["facts"] = _pairs(problem.facts)
        judge = registry.suite(family.suite).judge(problem)
        facts["reference"] = _pairs(judge.reference())
    return facts


def _dataset(dataset: Dataset) -> Facts:
    return {
        "dataset": f"{dataset.name} ({dataset.kind})",
        "summary": dataset.summary,
        "licence": dataset.licence,
        "source": dataset.source,
        "checksum": dataset.checksum,
        "present": f"no: {absent}" if (absent := dataset.absent()) else "yes",
    }


def _record(record: Record) -> Facts:
    spec = record.spec
    return {
        "record": spec.id,
        "run": f"{spec}, on {spec.device} with {spec.threads} threads",
        "parameters": _pairs(spec.parameters),
        "status": f"{record.status} {record.reason}".strip(),
        "metrics": _pairs(record.metrics),
        "certificate": _pairs(record.certificate),
        "reference": _pairs(record.reference),
        "iterations": str(record.iterations),
        "seconds": f"{record.seconds:.6g}",
        "oracles": _pairs(record.oracles),
        "started": record.started,
        "traceback": record.traceback,
    }


def _pairs(values: Mapping[str, Value]) -> str:
    return ", ".join(f"{key}={spell(value)}" for key, value in values.items())
