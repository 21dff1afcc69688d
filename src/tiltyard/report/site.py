"""The web site of a store: an index, a page for every suite, and the leaderboards as data.

Everything follows from the records: the same store gives the same bytes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiltyard.board import MINIMUM_COVERAGE, Board
from tiltyard.errors import TiltyardError
from tiltyard.grouping import boards
from tiltyard.registry import Registry
from tiltyard.report.claims import outcomes
from tiltyard.report.conditions import SMOKE, Environments, command, describe, describe_board, other
from tiltyard.report.document import SCHEMA, leaderboard_json, schema_json
from tiltyard.report.exports import exports
from tiltyard.report.figures import Figure, convergence, profile, styles
from tiltyard.report.format import breakable, count, level, links, share, slug
from tiltyard.report.markdown import page_markdown
from tiltyard.report.summary import caution, stem, telling_targets
from tiltyard.report.table import Cell, Column, Table
from tiltyard.report.tables import (
    ID_DIGITS,
    endings,
    homes,
    implementations,
    leaderboard,
    matrix,
    rank_interval,
    references,
)
from tiltyard.run.plan import TIERS
from tiltyard.run.record import Record, Status
from tiltyard.stats import RATIO_LIMIT
from tiltyard.store import Store
from tiltyard.suite import Suite

if TYPE_CHECKING:
    import jinja2

INDEX = "index.html"

_PODIUM = 3
_REPLAYS = 3


def write_site(registry: Registry, store: Store, out: Path, *, papers: bool = False) -> Path:
    """Write the site into a folder, made if absent, and return its index.

    Args:
        registry: the suites, implementations and claims.
        store: the records.
        out: takes the files; those of the same name are replaced, others are left alone.
        papers: whether to write figures for papers, too.

    Raises:
        TiltyardError: the folder or a file cannot be written.
    """
    templates = _templates()
    environments = store.environments()
    runs = store.counts()
    _make(out)
    cards, data = [], []
    for name, suite in sorted(registry.suites.items()):
        if name not in runs:
            continue
        records = list(store.records(name))
        mains = _boards(registry, suite, records, environments)
        page = templates.get_template("suite.html")
        content = _suite(registry, suite, records, mains, environments)
        _write(out / _page(name), page.render(content))
        for main, *_ in mains:
            _write(out / _markdown(main), page_markdown(main, environments))
            for path, text in exports(main, environments, papers=papers):
                _make((out / path).parent)
                _write(out / path, text)
            data.append(main)
        cards.append(_card(suite, records, [main for main, *_ in mains], environments))
    _write(out / "leaderboard.json", leaderboard_json(data, environments))
    _write(out / SCHEMA, schema_json())
    index = {
        "cards": cards,
        "idle": [suite for name, suite in sorted(registry.suites.items()) if name not in runs],
        "orphans": {
            name: count(amount, "run")
            for name, amount in sorted(runs.items())
            if name not in registry.suites
        },
        "broken": _broken(registry),
        "smoke": SMOKE,
    }
    _write(out / INDEX, templates.get_template("index.html").render(index))
    return out / INDEX


def _boards(
    registry: Registry, suite: Suite, records: Sequence[Record], environments: Environments
) -> list[list[Board]]:
    """Return the boards of every tier that has runs, the most demanding tier first."""
    found = (boards(registry, suite, tier, records, environments) for tier in reversed(TIERS))
    return [of_tier for of_tier in found if of_tier]


def _suite(
    registry: Registry,
    suite: Suite,
    records: Sequence[Record],
    mains: Sequence[Sequence[Board]],
    environments: Environments,
) -> dict[str, Any]:
    """Return what a suite's page shows."""
    claims = outcomes(registry, suite, records, environments)
    tiers = [_tier(registry, of_tier, environments) for of_tier in mains]
    return {
        "suite": suite,
        "metric": suite.metric(suite.gap),
        "targets": ", ".join(level(target) for target in suite.targets),
        "facts": _facts(records),
        "tiers": tiers,
        "claims": [
            {**_fields(outcome), "source": list(links(outcome.claim.source))} for outcome in claims
        ],
        "implementations": implementations(registry, suite.name, records),
        "hint": f"tiltyard run {suite.name}",
        "ratio": f"{RATIO_LIMIT:g}",
        "smoke": SMOKE,
    }


def _tier(
    registry: Registry, of_tier: Sequence[Board], environments: Environments
) -> dict[str, Any]:
    """Return what a page shows of a tier."""
    board, *others = of_tier
    targets = telling_targets(board)
    style = styles([row.implementation for row in board.rows])
    curves: list[tuple[str, Figure | None]] = [
        (problem, convergence(board, problem, style)) for problem in board.problems
    ]
    return {
        "name": board.tier,
        "anchor": f"tier-{slug(board.tier)}",
        "smoke": board.tier == "smoke",
        "conditions": describe_board(board, environments),
        "leaderboard": leaderboard(board, homes(registry, board)),
        "note": caution(board),
        "profiles": [profile(board, target, style) for target in reversed(targets)],
        "matrices": [(f"To gap {level(target)}", matrix(board, target)) for target in targets],
        "curves": curves,
        "failures": endings(board, failed=True),
        "unsupported": endings(board, failed=False),
        "references": references(board),
        "command": command(board),
        "replays": _replays(board),
        "markdown": _markdown(board),
        "others": [other(one, environments) for one in others],
    }


def _replays(board: Board) -> list[str]:
    """Return the starts of the ids of the best implementations' first runs."""
    ids = []
    for row in board.rows[:_REPLAYS]:
        runs = [
            run for problem in board.problems for run in board.runs(row.implementation, problem)
        ]
        ids += [run.spec.id[:ID_DIGITS] for run in runs if run.status != Status.UNSUPPORTED][:1]
    return ids


def _card(
    suite: Suite, records: Sequence[Record], mains: Sequence[Board], environments: Environments
) -> dict[str, Any]:
    """Return what the index shows of a suite: its most demanding tier's podium."""
    board = mains[0] if mains else None
    ranked = [row for row in board.rows if row.rank is not None] if board else []
    best = [row for row in ranked if row.rank <= _PODIUM]  # type: ignore[operator]
    return {
        "suite": suite,
        "file": _page(suite.name),
        "board": board,
        "smoke": board is not None and board.tier == "smoke",
        "conditions": describe(board.conditions, environments) if board else {},
        "podium": [(row, rank_interval(row)) for row in best[:_PODIUM]],
        "more": len(best) - len(best[:_PODIUM]),
        "unranked": f"none takes {share(MINIMUM_COVERAGE)} of the problems",
        "facts": _facts(records),
    }


def _facts(records: Sequence[Record]) -> dict[str, str]:
    latest = max((record.started for record in records), default="")
    return {
        "runs": f"{len(records):,}",
        "problems": str(len({record.spec.problem for record in records})),
        "implementations": str(len({record.spec.implementation for record in records})),
        "latest record": latest[:10] or "-",
    }


def _broken(registry: Registry) -> Table | None:
    if not registry.broken:
        return None
    rows = [[Cell(one.source), Cell(one.reason)] for one in registry.broken]
    return Table("Broken plug-ins", [Column("where"), Column("why")], rows)


def _fields(value: Any) -> dict[str, Any]:
    """Return a dataclass's fields without copying what they hold."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _page(suite: str) -> str:
    return f"{slug(suite)}.html" if suite.lower() != "index" else "index~.html"


def _markdown(board: Board) -> str:
    return f"{stem(board)}.md"


def _templates() -> jinja2.Environment:
    """Return the templates; every value that they show is escaped."""
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["breakable"] = lambda text: Markup(breakable(str(text)))  # noqa: S704 - escaped there
    environment.filters["capitalize_first"] = lambda text: text[:1].upper() + text[1:]
    return environment


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TiltyardError(f"cannot write reports to {folder}: {error.strerror}") from None


def _write(path: Path, content: str | bytes) -> None:
    """Write a file at once: a reader sees the old one or the new one."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        Path(temporary).chmod(0o644)  # mkstemp's own mode would hide a published page
        Path(temporary).replace(path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise TiltyardError(f"cannot write {path}: {error.strerror}") from None
