"""A table as a template draws it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading.

    Attributes:
        label: its text.
        group: a text above this and the neighbouring columns of the same group.
        numeric: whether its cells are aligned to the right.
    """

    label: str
    group: str = ""
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell.

    Attributes:
        text: what it shows.
        value: what it is sorted by; None sorts by the text, NaN comes last.
        note: a second, smaller text.
        title: a tooltip.
        href: where its text leads.
        css: its classes.
        parts: text with addresses, instead of ``text``.
        anchor: its id in the page.
        svg: a picture below the text.
        lock: whether the judge's certificate holds for it.
    """

    text: str
    value: float | None = None
    note: str = ""
    title: str = ""
    href: str = ""
    css: str = ""
    parts: Sequence[tuple[str, str]] = ()
    anchor: str = ""
    svg: str = ""
    lock: bool = False

    @property
    def key(self) -> str | None:
        """What the sorter reads; empty comes last."""
        if self.value is None:
            return None
        if math.isnan(self.value):
            return ""
        return "Infinity" if math.isinf(self.value) else f"{self.value:.6g}"


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption.

    Attributes:
        caption: what it shows.
        columns: their headings.
        rows: their cells.
        head: the column whose cells are the rows' headings.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    head: int = 0

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Texts above the headings, each with the number of columns it spans; none if all empty."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and spans[-1][0] == column.group:
                spans[-1] = (column.group, spans[-1][1] + 1)
            else:
                spans.append((column.group, 1))
        return spans if any(text for text, _ in spans) else []
