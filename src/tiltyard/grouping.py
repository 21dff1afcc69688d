"""Groups records into leaderboards: only what was made under the same conditions is compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from tiltyard.board import Board, Conditions
from tiltyard.errors import TiltyardError, unknown
from tiltyard.names import spell
from tiltyard.registry import Registry
from tiltyard.run.record import Record, Status
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
    """Return a board for every set of conditions, track and kind being two; most telling first.

    The first one is of the suite's current version, with the tier's own budget where such runs
    exist, then with the most records. Runs without a budget in seconds belong to sweeps and claims.
    On a track's board an implementation that takes none of its problems has no row: it is not
    meant for that track, or not installed, and the board tells which.

    Args:
        registry: for names and defaults.
        suite: whose records they are.
        tier: whose problems are kept, without runs that had another tier's budget; None keeps all.
        records: in the order in which they were started; a later one replaces an earlier one of
            the same implementation, parameters, problem, seed and conditions.
        environments: the store's.
    """
    track_of = cache(partial(registry.track, suite.name))
    kinds = {method.name: method.kind for method in registry.methods_of(suite.name)}
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
            part = track_of(spec.problem), kinds.get(spec.implementation, "")
            groups[Conditions.of(record, environments, *part)][key] = record
    usual = {Budget(seconds=one.seconds) for key, one in suite.tiers.items() if tier in (None, key)}

    def weight(item: tuple[Conditions, Mapping[Any, Record]]) -> tuple[bool, bool, int]:
        conditions, found = item
        return conditions.suite_version == suite.version, conditions.budget in usual, len(found)

    made = []
    for conditions, found in sorted(groups.items(), key=weight, reverse=True):
        absent = _takes_none(list(found.values())) if conditions.track else {}
        taking = [one for one in found.values() if one.spec.implementation not in absent]
        shown, drawn = separate(registry, taking)
        asked = names if names is not None else {problem for _, problem, _ in found}
        board = Board(
            suite,
            tier or "all",
            conditions,
            shown,
            labels=labels,
            of=sum(track_of(name) == conditions.track for name in asked),
            drawn=drawn,
            absent=absent,
        )
        made.append(board)
    return made


def by_part(found: Sequence[Board]) -> list[list[Board]]:
    """Return the boards of each kind and track that has any, the most telling first.

    The main kind comes first, and of each kind the tracks in the suite's order. The boards of a
    suite without kinds and tracks are one list.
    """
    groups: dict[tuple[int, int], list[Board]] = defaultdict(list)
    for board in found:
        kinds, tracks = board.suite.kinds, board.suite.tracks
        groups[_place(board.kind, kinds), _place(board.track, tracks)].append(board)
    return [groups[key] for key in sorted(groups)]


def main_kind(parts: Sequence[list[Board]]) -> list[list[Board]]:
    """Return those of ``by_part`` that are of the first kind that has any."""
    return [boards for boards in parts if boards[0].kind == parts[0][0].kind]


def _place(name: str, names: Sequence[str]) -> int:
    """Return where a name stands; after the last where it is none of them."""
    return names.index(name) if name in names else len(names)


def boards_of_store(  # noqa: PLR0913 - what is asked for
    registry: Registry,
    suite: Suite,
    tier: str | None,
    store: Store,
    *,
    track: str | None = None,
    kind: str | None = None,
) -> list[Board]:
    """Return ``boards`` of a store's runs with a budget in seconds, of one track or kind or of all.

    Raises:
        TiltyardError: the tier, the track or the kind is unknown, or has no records.
    """
    if track is not None:
        suite.require_track(track)
    if kind is not None:
        suite.require_kind(kind)
    if tier is not None and tier not in suite.tiers:
        raise unknown("tier", tier, suite.tiers)
    records = store.records(suite.name, timed=True, answers=False)
    found = boards(registry, suite, tier, records, store.environments())
    found = [
        board for board in found if track in (None, board.track) and kind in (None, board.kind)
    ]
    if not found:
        known = (("tier", tier), ("track", track), ("kind", kind))
        asked = [(key, value) for key, value in known if value]
        told = " and".join(f" of {key} {value}" for key, value in asked)
        options = "".join(f" --{key} {value}" for key, value in asked)
        raise TiltyardError(
            f"no runs of suite {suite.name}{told} in {store.path}; "
            f"'tiltyard run {suite.name}{options}' makes some"
        )
    return found


def _takes_none(records: Sequence[Record]) -> dict[str, str]:
    """Return why implementations of which every run is unsupported are, unless that is all."""
    reasons: dict[str, str] = {}
    taking = set()
    for record in records:
        if record.status == Status.UNSUPPORTED:
            reasons.setdefault(record.spec.implementation, record.reason)
        else:
            taking.add(record.spec.implementation)
    if not taking:
        return {}
    return {name: reason for name, reason in sorted(reasons.items()) if name not in taking}


def label(registry: Registry, spec: RunSpec) -> str:
    """Return the implementation's name with the parameters that differ from their defaults."""
    method = registry.implementations.get((spec.suite, spec.implementation))
    defaults = method.parameters if method else {}
    changed = {k: v for k, v in spec.parameters.items() if k not in defaults or defaults[k] != v}
    if not changed:
        return spec.implementation
    inside = ",".join(f"{key}={spell(value)}" for key, value in changed.items())
    return f"{spec.implementation}[{inside}]"
