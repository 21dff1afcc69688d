"""Commands that look: list, show, doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tiltyard.cli import options as opt

if TYPE_CHECKING:  # imported when a command runs
    from pathlib import Path

    from tiltyard.registry import Registry

KINDS = (
    "suites",
    "implementations",
    "problems",
    "datasets",
    "claims",
    "better-known",
    "broken",
)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command(name="list")(list_plugins)
    app.command()(show)
    app.command()(doctor)


def list_plugins(
    kind: Annotated[str, typer.Argument(help=" | ".join(KINDS))] = "suites",
    suite: Annotated[str | None, typer.Option(help="Only this suite.")] = None,
    tier: opt.AnyTier = None,
    store: opt.StorePath = opt.STORE,
    as_json: opt.Json = False,
) -> None:
    """List plug-ins of a kind, broken ones, or the store's answers better than references."""
    from tiltyard.cli.screen import print_json, print_table
    from tiltyard.errors import unknown
    from tiltyard.registry import registry

    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    found = registry()
    suites = [found.suite(suite).name] if suite else sorted(found.suites)
    if kind == "better-known":
        rows = _better_known(store, suites)
    else:
        rows = _LISTS[kind](found, suites, tier)
    if as_json:
        print_json(rows)
        return
    if not rows:
        typer.echo(f"no {kind}")
        return
    columns = list(rows[0])
    print_table(kind, columns, [[_text(row[column]) for column in columns] for row in rows])
    if found.broken and kind != "broken":
        typer.echo(
            f"{len(found.broken)} broken plug-ins: 'tiltyard list broken' says why", err=True
        )


def _suites(found: Registry, suites: list[str], _: str | None) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "version": found.suites[name].version,
            "title": found.suites[name].title,
            "implementations": len(found.methods_of(name)),
            **{
                tier: sum(len(family.names(tier)) for family in found.families_of(name))
                for tier in found.suites[name].tiers
            },
        }
        for name in suites
    ]


def _implementations(found: Registry, suites: list[str], _: str | None) -> list[dict[str, Any]]:
    rows = [
        {
            "name": method.name,
            "suite": name,
            "kind": method.kind,
            "available": not method.missing(),
            "reason": method.missing(),
            "devices": list(method.devices),
            "summary": method.summary,
        }
        for name in suites
        for method in found.methods_of(name)
    ]
    return _told(rows, "kind")


def _problems(found: Registry, suites: list[str], tier: str | None) -> list[dict[str, Any]]:
    from tiltyard.errors import unknown

    rows = []
    for suite in suites:
        if tier is not None and tier not in found.suites[suite].tiers:
            raise unknown("tier", tier, found.suites[suite].tiers)
        for family in found.families_of(suite):
            names: dict[str, list[str]] = {}
            for one in found.suites[suite].tiers if tier is None else (tier,):
                for name in family.names(one):
                    names.setdefault(name, []).append(one)
            if not names and tier is None:
                names[f"{family.name}[...]" if family.parameters else family.name] = []
            rows += [
                {"name": n, "suite": suite, "track": found.track(suite, n), "tiers": tiers}
                for n, tiers in names.items()
            ]
    return _told(rows, "track")


def _told(rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """Return rows without one of their columns if it is empty in all of them."""
    if any(row[key] for row in rows):
        return rows
    return [{other: row[other] for other in row if other != key} for row in rows]


def _datasets(found: Registry, _: list[str], __: str | None) -> list[dict[str, Any]]:
    return [
        {
            "name": dataset.name,
            "kind": dataset.kind,
            "present": dataset.present(),
            "licence": dataset.licence,
            "source": dataset.source,
        }
        for _, dataset in sorted(found.datasets.items())
    ]


def _claims(found: Registry, suites: list[str], _: str | None) -> list[dict[str, Any]]:
    return [
        {"name": claim.name, "suite": name, "statement": claim.statement, "source": claim.source}
        for name in suites
        for claim in found.claims_of(name)
    ]


def _broken(found: Registry, _: list[str], __: str | None) -> list[dict[str, Any]]:
    return [{"source": broken.source, "reason": broken.reason} for broken in found.broken]


def _better_known(path: Path, suites: list[str]) -> list[dict[str, Any]]:
    """Return the records whose final answer the judge found better than the reference."""
    from tiltyard.store import Store

    with Store(path, readonly=True) as store:
        return [
            {
                "problem": record.spec.problem,
                "implementation": record.spec.implementation,
                **{key: record.metrics[key] for key in _SHOWN if key in record.metrics},
                "reference": record.certificate.get("reference", ""),
                "better by": record.certificate["improves_reference"],
                "record": record.spec.id[:12],
            }
            for suite in suites
            for record in store.records(suite, answers=False)
            if "improves_reference" in record.certificate and not record.status.failed
        ]


_SHOWN = ("objective", "violation")
"""Metrics that the list of better answers shows, where a suite has them."""


_LISTS = {
    "suites": _suites,
    "implementations": _implementations,
    "problems": _problems,
    "datasets": _datasets,
    "claims": _claims,
    "broken": _broken,
}


def show(
    name: Annotated[
        str, typer.Argument(help="A suite, implementation, problem, dataset, or a record's id.")
    ],
    store: opt.StorePath = opt.STORE,
) -> None:
    """Show everything known about one thing."""
    from tiltyard.cli.screen import print_facts
    from tiltyard.details import details
    from tiltyard.registry import registry

    for facts in details(registry(), name, store):
        print_facts(facts)
        typer.echo("")


def doctor(as_json: opt.Json = False) -> None:
    """Show what hardware, meters, extras and datasets are here, and what is missing would take."""
    from tiltyard.cli.screen import print_json, print_table
    from tiltyard.doctor import examine

    findings = examine()
    if as_json:
        print_json([finding.to_json() for finding in findings])
        return
    rows = [
        (finding.kind, finding.name, "yes" if finding.here else "no", finding.detail)
        for finding in findings
    ]
    print_table("this machine", ("kind", "what", "here", "detail, or what it would take"), rows)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9g}"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
