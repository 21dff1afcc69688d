"""From records to what asv's results take: ``tiltyard history add``."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from tiltyard.errors import TiltyardError
from tiltyard.grouping import label
from tiltyard.history.benchmarks import Kind, benchmarks_of
from tiltyard.history.project import Project, machine
from tiltyard.history.results import Added, Entry, Point, Sheet, write
from tiltyard.registry import Registry
from tiltyard.run.environment import environment, hardware_id
from tiltyard.run.record import Record, Status
from tiltyard.store import Store
from tiltyard.suite import Budget, Suite
from tiltyard.tuning import separate

Cells = Mapping[Point, Mapping[int, Record]]
"""For every (problem, implementation) the record of each seed."""


def add_records(  # noqa: PLR0913 - options
    project: Project,
    registry: Registry,
    store: Store,
    *,
    commit: str = "HEAD",
    name: str | None = None,
    dirty: bool = False,
) -> Added:
    """Write a commit's records, made on this hardware, into asv's results.

    Args:
        project: the repository whose commit it is.
        registry: the suites.
        store: the records.
        commit: its name.
        name: of this machine.
        dirty: take records that were made with uncommitted changes, too.

    Raises:
        TiltyardError: the tree is dirty, the store has no such records, or the results refuse.
    """
    full = project.repository.resolve(commit)
    if not dirty and full == project.repository.resolve("HEAD"):
        _require_clean(project, full)
    fields = machine(project, name)
    kept, left_out = _of_commit(store, full, dirty=dirty)
    sheets: dict[tuple[tuple[str, str], ...], list[Entry]] = defaultdict(list)
    count = 0
    for suite in registry.suites.values():
        found = [
            record
            for record in store.records(suite.name, timed=True)
            if record.environment in kept and record.spec.suite_version == suite.version
        ]
        records, _ = separate(registry, found)
        count += len(records)
        for conditions, cells in cells_of(registry, suite, records).items():
            sheets[conditions].extend(entries_of(suite, cells))
    if not count:
        raise TiltyardError(_nothing(store, full, left_out))
    files = write(
        project, full, fields, [Sheet(dict(key), entries) for key, entries in sheets.items()]
    )
    return Added(full, fields["machine"], count, "records", files, left_out)


def cells_of(
    registry: Registry, suite: Suite, records: Iterable[Record]
) -> dict[tuple[tuple[str, str], ...], dict[Point, dict[int, Record]]]:
    """Return records by conditions, then by (problem, implementation), then by seed.

    ``unsupported`` pairs are left out; of several records of a seed the last one counts.
    """
    tiers = {
        tier: {n for family in registry.families_of(suite.name) for n in family.names(tier)}
        for tier in suite.tiers
    }
    found: dict[tuple[tuple[str, str], ...], dict[Point, dict[int, Record]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for record in records:
        if record.status is Status.UNSUPPORTED:
            continue
        spec = record.spec
        tier = next(
            (
                tier
                for tier, names in tiers.items()
                if spec.problem in names
                and spec.budget == Budget(seconds=suite.tiers[tier].seconds)
            ),
            f"{spec.budget.seconds:g}s",
        )
        conditions = conditions_of(device=spec.device, threads=spec.threads, tier=tier)
        found[conditions][spec.problem, label(registry, spec)][spec.seed] = record
    return found


def conditions_of(*, device: str, threads: int, tier: str) -> tuple[tuple[str, str], ...]:
    """Return what splits asv's graphs besides the machine and Python, as asv's requirements."""
    return (("device", device), ("threads", str(threads)), ("tier", tier))


def entries_of(suite: Suite, cells: Cells) -> list[Entry]:
    """Return what each benchmark of a suite takes; no energy where none was metered."""
    entries = [
        Entry(
            name=one.name,
            title=one.title,
            unit=one.unit,
            kind=one.kind,
            version=one.version,
            samples={
                point: _finite([one.measure(seeds[seed]) for seed in sorted(seeds)])
                for point, seeds in cells.items()
            },
        )
        for one in benchmarks_of(suite)
    ]
    return [one for one in entries if one.kind != Kind.ENERGY or any(one.samples.values())]


def _finite(samples: list[float]) -> list[float] | None:
    """Return the samples, or None if a run has no value: a median of the others would flatter."""
    return samples if all(map(math.isfinite, samples)) else None


def _require_clean(project: Project, commit: str) -> None:
    changes = project.repository.changes()
    if changes:
        more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
        raise TiltyardError(
            f"the working tree differs from commit {commit[:10]} ({changes[0]}{more}), so its "
            "numbers are not that commit's; commit the changes, or say --dirty"
        )


def _of_commit(store: Store, commit: str, *, dirty: bool) -> tuple[set[str], list[str]]:
    """Return the ids of a commit's environments on this hardware, and what the others are."""
    here = hardware_id(environment())
    kept, other, unclean = set(), 0, 0
    for key, values in store.environments().items():
        if values["commit"] != commit:
            continue
        if values["hardware"] != here:
            other += 1
        elif values["dirty"] and not dirty:
            unclean += 1
        else:
            kept.add(key)
    left_out = []
    if other:
        left_out.append("records that were made on other hardware")
    if unclean:
        left_out.append("records that were made with uncommitted changes (--dirty takes them)")
    return kept, left_out


def _nothing(store: Store, commit: str, left_out: list[str]) -> str:
    """Return why there is nothing to write."""
    if left_out:
        return f"{store.path} holds of commit {commit[:10]} only {' and '.join(left_out)}"
    start = f"{store.path} holds no timed runs of commit {commit[:10]}"
    commits = {values["commit"] for values in store.environments().values()} - {None}
    if commit in commits:
        return (
            f"{start} with a suite that is found here, in its version; 'tiltyard list broken' "
            "shows plug-ins that fail to load"
        )
    known = ", ".join(sorted(one[:10] for one in commits)) or "no commit at all"
    return (
        f"{start}, only of {known}; 'tiltyard run --again' makes runs anew that an earlier commit "
        "has made"
    )
