"""The web site of a store: every page, and the leaderboards as data.

Everything follows from the records and the history: the same input gives the same bytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tiltyard.registry import Registry
from tiltyard.report import addresses as at
from tiltyard.report.claims import Outcome, outcomes
from tiltyard.report.document import SCHEMA, board_json, leaderboard_json, schema_json
from tiltyard.report.duel_page import duel_values
from tiltyard.report.exports import exports
from tiltyard.report.format import count, links
from tiltyard.report.history import Series, group_values, history_values
from tiltyard.report.implementation_page import implementation_values
from tiltyard.report.markdown import page_markdown
from tiltyard.report.methods_page import methods_values
from tiltyard.report.problem_page import problem_values
from tiltyard.report.processes import each_suite
from tiltyard.report.render import make_folder, write_file, write_page
from tiltyard.report.suite_page import Duels, card, suite_values
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.view import SuiteView
from tiltyard.store import Store


def write_site(
    registry: Registry,
    store: Store,
    out: Path,
    history: Sequence[Series] = (),
    *,
    papers: bool = False,
) -> Path:
    """Write the site into a folder, made if absent, and return its index.

    Args:
        registry: the suites, implementations and claims.
        store: the records.
        out: takes the files; those of the same name are replaced, others are left alone.
        history: what the history page shows.
        papers: whether to write figures for papers, too.

    Raises:
        TiltyardError: the folder or a file cannot be written.
    """
    environments, runs = store.environments(), store.counts()
    make_folder(out)
    shown = {name: runs[name] for name in sorted(registry.suites) if name in runs}
    parts = each_suite(partial(_make_suite, papers=papers), registry, store, out, shown)
    data = [board for part in parts for board in part.boards]
    claims = [(part.card, part.claims) for part in parts]
    cards = [part.card for part in parts]
    made = sum((part.made for part in parts), Counter[str]())
    write_file(out / "leaderboard.json", leaderboard_json(data))
    write_file(out / SCHEMA, schema_json())
    write_page(out, at.CLAIMS, "claims.html", {"suites": claims})
    _write_history(history, out)
    write_page(out, at.METHODS, "methods.html", methods_values(registry, environments, made))
    write_page(out, at.INDEX, "index.html", {"cards": cards, **_rest(registry, runs)})
    return out / at.INDEX


@dataclass(frozen=True, slots=True)
class _Part:
    """What the pages of all suites show of one, as data that another process can send.

    Attributes:
        card: of the index.
        claims: what became of each.
        boards: its leaderboards as JSON.
        made: how many of its records were made in each environment.
    """

    card: dict[str, Any]
    claims: list[dict[str, Any]]
    boards: list[dict[str, Any]]
    made: Counter[str]


def _make_suite(registry: Registry, store: Store, out: Path, name: str, *, papers: bool) -> _Part:
    """Write every page of one suite, and return what the other pages show of it."""
    suite, environments = registry.suites[name], store.environments()
    records = list(store.records(name, answers=False))
    view = SuiteView(registry, suite, records, environments)
    found = outcomes(registry, suite, records, environments)
    _write_suite(view, found, out)
    _write_exports(view, out, papers=papers)
    return _Part(
        card(view),
        [_claim(one) for one in found],
        [board_json(tier.board, environments) for tier in view.tiers],
        Counter(record.environment for record in records),
    )


def _write_suite(view: SuiteView, claims: Sequence[Outcome], out: Path) -> None:
    """Write every page of one suite."""
    name = view.suite.name
    duels: Duels = {
        (first, second): {
            tier.anchor: tier.duel(tier.contenders[first], tier.contenders[second])
            for tier in view.tiers
            if {first, second} <= tier.contenders.keys()
        }
        for first, second in view.pairs
    }
    write_page(out, at.suite_address(name), "suite.html", suite_values(view, claims, duels))
    make_folder(out / at.suite_folder(name))
    for problem in view.by_problem:
        address = at.problem_address(name, problem)
        write_page(out, address, "problem.html", problem_values(view, problem))
    for method in view.by_implementation:
        address = at.implementation_address(name, method)
        write_page(out, address, "implementation.html", implementation_values(view, method))
    for (first, second), results in duels.items():
        address = at.duel_address(name, first, second)
        write_page(out, address, "duel.html", duel_values(view, first, second, results))


def _write_exports(view: SuiteView, out: Path, *, papers: bool) -> None:
    """Write the leaderboards of one suite in every format that is no page."""
    for tier in view.tiers:
        board = tier.board
        text = page_markdown(board, view.environments, tier.tuned)
        write_file(out / at.markdown_address(board), text)
        for address, content in exports(board, view.environments, papers=papers):
            make_folder((out / address).parent)
            write_file(out / address, content)


def _write_history(history: Sequence[Series], out: Path) -> None:
    """Write what got worse, and a page for each suite."""
    write_page(out, at.HISTORY, "history.html", history_values(history))
    groups: dict[str, list[Series]] = defaultdict(list)
    for one in history:
        groups[one.group].append(one)
    for group, series in groups.items():
        address = at.history_address(group)
        make_folder((out / address).parent)
        write_page(out, address, "history_group.html", group_values(series))


def _claim(outcome: Outcome) -> dict[str, Any]:
    claim, finding = outcome.claim, outcome.finding
    return {
        "name": claim.name,
        "statement": claim.statement,
        "summary": claim.summary,
        "source": list(links(claim.source)),
        "verdict": finding.verdict if finding else "",
        "note": finding.note if finding else "",
        "effect": outcome.effect,
        "table": outcome.table,
        "reason": outcome.reason,
        "ids": outcome.ids,
    }


def _rest(registry: Registry, runs: dict[str, int]) -> dict[str, Any]:
    """Return what the index shows besides suites with runs."""
    return {
        "idle": [suite for name, suite in sorted(registry.suites.items()) if name not in runs],
        "orphans": {
            name: count(amount, "run")
            for name, amount in sorted(runs.items())
            if name not in registry.suites
        },
        "broken": _broken(registry),
    }


def _broken(registry: Registry) -> Table | None:
    if not registry.broken:
        return None
    rows = [[Cell(one.source), Cell(one.reason)] for one in registry.broken]
    return Table("Broken plug-ins", [Column("where"), Column("why")], rows)
