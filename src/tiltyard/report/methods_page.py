"""The methods page: the rules, the machines and the versions behind every number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tiltyard.registry import Registry
from tiltyard.report.conditions import Environments
from tiltyard.report.format import count, share
from tiltyard.report.table import Cell, Column, Table
from tiltyard.run.environment import describe_hardware
from tiltyard.stats import CONFIDENCE, RATIO_LIMIT, RESAMPLES, TIE_RATIO


def methods_values(
    registry: Registry, environments: Environments, runs: Mapping[str, int]
) -> dict[str, Any]:
    """Return what the methods page shows.

    Args:
        registry: the suites.
        environments: the store's.
        runs: records made in each environment.
    """
    return {
        "machines": _machines(environments, runs),
        "suites": _suites(registry),
        "ratio": f"{RATIO_LIMIT:g}",
        "resamples": f"{RESAMPLES:,}",
        "confidence": share(CONFIDENCE),
        "tie": share(round(TIE_RATIO - 1, 2)),
    }


def _machines(environments: Environments, runs: Mapping[str, int]) -> Table | None:
    rows = []
    for key in sorted(runs):
        values = environments[key]
        commit = str(values.get("commit") or "-")[:12]
        packages = values.get("packages") or {}
        versions = ", ".join(f"{name} {version}" for name, version in packages.items() if version)
        rows.append(
            [
                Cell(key, css="id"),
                Cell(_hardware(values)),
                Cell(f"{values.get('system', '-')}, Python {values.get('python', '-')}"),
                Cell(versions or "-"),
                Cell(commit + (" with changes" if values.get("dirty") else ""), css="id"),
                Cell(f"{runs[key]:,}", value=runs[key]),
            ]
        )
    heads = ("environment", "hardware", "system", "packages", "commit", "runs")
    columns = [Column(head, numeric=head == "runs") for head in heads]
    return Table("Machines and versions", columns, rows) if rows else None


def _hardware(values: Mapping[str, Any]) -> str:
    try:
        return describe_hardware(dict(values))
    except (KeyError, TypeError):  # an environment that another version wrote
        return str(values.get("hardware", "-"))


def _suites(registry: Registry) -> Table | None:
    if not registry.suites:
        return None
    rows = [
        [
            Cell(suite.title),
            Cell(str(suite.version), value=suite.version),
            Cell(f"{suite.gap}: {suite.metric(suite.gap).summary}"),
            Cell(", ".join(f"{name} (weight {w:g})" for name, w in suite.oracles.items()) or "-"),
            Cell(
                "; ".join(
                    f"{name}: {tier.seconds:g} s a run, {count(tier.seeds, 'seed')}"
                    for name, tier in suite.tiers.items()
                )
            ),
        ]
        for _, suite in sorted(registry.suites.items())
    ]
    heads = ("suite", "version", "gap", "oracles", "tiers")
    columns = [Column(head, numeric=head == "version") for head in heads]
    return Table("Suites", columns, rows)
