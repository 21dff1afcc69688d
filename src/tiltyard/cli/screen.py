"""What commands show: tables, progress, JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDE = 200
"""Columns for a table that is piped: no terminal to fit, and wrapped cells cannot be searched."""

console = Console(width=None if Console().is_terminal else WIDE, highlight=False)

STYLES = {"solved": "green", "stopped": "cyan", "unsupported": "dim"}


def print_json(value: Any) -> None:
    """Print indented JSON, with no colours and no wrapping."""
    print(json.dumps(value, indent=2, allow_nan=False))  # noqa: T201 - the command's output


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; columns that start with ``>`` are aligned to the right."""
    table = Table(title=escape(title) or None, title_justify="left")
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if right else "left")
    for row in rows:
        table.add_row(*map(escape, row))
    console.print(table)


def print_facts(facts: Mapping[str, str]) -> None:
    """Print names with values, one a line."""
    width = max(map(len, facts))
    for key, value in facts.items():
        console.print(f"[bold]{key:<{width}}[/]  {escape(value)}", soft_wrap=True)


def number(value: float | None) -> str:
    """Return three significant digits, ``-`` for what does not apply, ``inf`` for missed."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """Return a time with its unit."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "missed"
    for limit, unit, factor in ((1e-3, "us", 1e6), (1.0, "ms", 1e3)):
        if value < limit:
            return f"{value * factor:.3g} {unit}"
    return f"{value:.3g} s"


def status(value: str) -> str:
    """Return a status with its colour."""
    return f"[{STYLES.get(value, 'red')}]{value}[/]"


def counts(statuses: Mapping[str, int]) -> str:
    """Return ``3 solved, 1 stopped``."""
    return ", ".join(f"{n} {name}" for name, n in statuses.items())
