"""Groups records into leaderboards: only what was made under the same conditions is compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from tiltyard.board import Board, Conditions
from tiltyard.errors import TiltyardError, unknown
from tiltyard.names import spell
from tiltyard.registry import Registry
from tiltyard.run.record import Record
from tiltyard.run.spec import RunSpec
from tiltyard.store import Store
from tiltyard.suite import Budget, Suite
from tiltyard.tuning import separate


def boards(
    registry: Registry,
    suite: Suite,
    tier: str | None,
    records: Iterable[Record],
    environments: Mapping[str, Mapping[str, Any]],
) -> list[Board]:
    """Return a board for every set of conditions, the most telling first.

    The first one is of the suite's current version, with the tier's own budget where such runs
    exist, then with the most records. Runs without a budget in seconds belong to sweeps and claims.

    Args:
        registry: for names and defaults.
        suite: whose records they are.
        tier: whose problems are kept, without runs that had another tier's budget; None keeps all.
        records: in the order in which they were started; a later one replaces an earlier one of
            the same implementation, parameters, problem, seed and conditions.
        environments: the store's.
    """
    names = None
    others = {one.seconds for key, one in suite.tiers.items() if tier not in (None, key)}
    if tier is not None:
        names = {n for family in registry.families_of(suite.name) for n in family.names(tier)}
        others.discard(suite.tiers[tier].seconds)
    groups: dict[Conditions, dict[tuple[str, str, int], Record]] = defaultdict(dict)
    labels: dict[str, str] = {}
    for record in records:
        spec = record.spec
        kept = spec.budget.seconds is not None and spec.budget.seconds not in others
        if kept and (names is None or spec.problem in names):
            labels[spec.id] = label(registry, spec)
            key = (labels[spec.id], spec.problem, spec.seed)
            groups[Conditions.of(record, environments)][key] = record
    usual = {Budget(seconds=one.seconds) for key, one in suite.tiers.items() if tier in (None, key)}

    def weight(item: tuple[Conditions, Mapping[Any, Record]]) -> tuple[bool, bool, int]:
        conditions, found = item
        return conditions.suite_version == suite.version, conditions.budget in usual, len(found)

    made = []
    for conditions, found in sorted(groups.items(), key=weight, reverse=True):
        shown, drawn = separate(registry, list(found.values()))
        of = len(names if names is not None else {problem for _, problem, _ in found})
        board = Board(suite, tier or "all", conditions, shown, labels=labels, of=of, drawn=drawn)
        made.append(board)
    return made


def boards_of_store(
    registry: Registry, suite: Suite, tier: str | None, store: Store
) -> list[Board]:
    """Return ``boards`` of a store's runs with a budget in seconds.

    Raises:
        TiltyardError: the tier is unknown, or has no records.
    """
    if tier is not None and tier not in suite.tiers:
        raise unknown("tier", tier, suite.tiers)
    records = store.records(suite.name, timed=True, answers=False)
    found = boards(registry, suite, tier, records, store.environments())
    if not found:
        option = f" --tier {tier}" if tier else ""
        raise TiltyardError(
            f"no runs of suite {suite.name}{f' of tier {tier}' if tier else ''} in {store.path}; "
            f"'tiltyard run {suite.name}{option}' makes some"
        )
    return found


def label(registry: Registry, spec: RunSpec) -> str:
    """Return the implementation's name with the parameters that differ from their defaults."""
    method = registry.implementations.get((spec.suite, spec.implementation))
    defaults = method.parameters if method else {}
    changed = {k: v for k, v in spec.parameters.items() if k not in defaults or defaults[k] != v}
    if not changed:
        return spec.implementation
    inside = ",".join(f"{key}={spell(value)}" for key, value in changed.items())
    return f"{spec.implementation}[{inside}]"
