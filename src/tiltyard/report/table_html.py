"""Tables as HTML; in Python, as a site has millions of cells and templates are slow at them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from tiltyard.report.format import breakable
from tiltyard.report.table import Cell, Column, Table

LOCK = ' <b class="k">certified</b>'
"""Text for screen readers that the style sheet draws as a lock."""

_SHORT, _LONG = 12, 24


def table_html(table: Table, note: str = "") -> str:
    """Return a table as an HTML element.

    Args:
        table: what it shows.
        note: a remark below its caption.
    """
    caption = escape(table.caption)
    small = f"<small>{escape(note)}</small>" if note else ""
    return "".join(
        (
            f'<div class="wrap" role="region" tabindex="0" aria-label="{caption}"><table>',
            f"<caption>{caption}{small}</caption>\n<thead>",
            _groups(table),
            "<tr>",
            *(_heading(index, column) for index, column in enumerate(table.columns)),
            "</tr></thead>\n<tbody>\n",
            *_rows(table),
            "</tbody></table></div>",
        )
    )


def linked(parts: list[tuple[str, str]]) -> str:
    """Return texts, each with its address or the empty string, as HTML."""
    return "".join(
        f'<a href="{escape(address)}" rel="noreferrer">{escape(text)}</a>'
        if address
        else escape(text)
        for text, address in parts
    )


def _groups(table: Table) -> str:
    if not table.groups:
        return ""
    cells = (
        f'<th scope="colgroup" colspan="{span}">{escape(text)}</th>'
        if text
        else f'<td colspan="{span}"></td>'
        for text, span in table.groups
    )
    return f'<tr class="groups">{"".join(cells)}</tr>'


def _heading(index: int, column: Column) -> str:
    classes = ["n"] if column.numeric else []
    if len(column.label) < _SHORT:
        classes.append("short")
    elif len(column.label) > _LONG:
        classes.append("long")
    css = f' class="{" ".join(classes)}"' if classes else ""
    return f'<th scope="col" data-column="{index}"{css}>{breakable(column.label)}</th>'


def _rows(table: Table) -> Iterator[str]:
    numeric = [column.numeric for column in table.columns]
    for row in table.rows:
        cells = (
            _cell(cell, index == table.head, right)
            for index, (cell, right) in enumerate(zip(row, numeric, strict=True))
        )
        yield f"<tr>{''.join(cells)}</tr>\n"


def _cell(cell: Cell, head: bool, numeric: bool) -> str:
    tag = "th" if head else "td"
    attributes = ' scope="row"' if head else ""
    css = f"{'n' if numeric else ''} {cell.css}".strip()
    if cell.anchor:
        attributes += f' id="{escape(cell.anchor)}"'
    if css:
        attributes += f' class="{css}"'
    key = cell.key
    if key is not None:
        attributes += f' data-v="{key}"'
    if cell.title:
        attributes += f' title="{escape(cell.title)}"'
    if cell.parts:
        text = linked(list(cell.parts))
    else:
        text = escape(cell.text) if numeric else breakable(cell.text)
        if cell.href:
            text = f'<a href="{escape(cell.href)}">{text}</a>'
    lock = LOCK if cell.lock else ""
    note = f"<small>{escape(cell.note)}</small>" if cell.note else ""
    return f"<{tag}{attributes}>{text}{lock}{note}{cell.svg}</{tag}>"
