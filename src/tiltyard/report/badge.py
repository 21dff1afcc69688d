"""Badges: a rank in two coloured words, as an SVG of its own drawing."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator

from tiltyard.board import Board, Row
from tiltyard.report.conditions import SMOKE
from tiltyard.report.format import legible, slug
from tiltyard.report.summary import place, tied

LEAD, RANKED, OTHER = "#1a7f37", "#0969da", "#57606a"
"""Of rank 1, of other ranks, of no rank; white text on each has a contrast above 4.5."""

LONGEST = 40
"""Characters; a longer text is cut, and whole in the title only."""

_LABEL = "#444"
_PAD = 6.0
_WIDTHS = {
    3.0: "'IJijl", 3.5: " ,./:;\\|", 4.0: "-f", 4.5: "!()[]rt", 5.0: '"', 5.5: "*_`s",
    6.0: "?Lcz", 6.5: "FPTYakovxy", 7.0: "$0123456789EKSbdeghnpqu{}", 7.5: "ABCRVXZ", 8.0: "NU",
    8.5: "&DGHOQ", 9.0: "#+<=>^w~", 9.5: "M", 10.5: "%m", 11.0: "@W",
}  # fmt: skip
"""Pixels of DejaVu Sans at 11 pixels, to the nearest half; Verdana's are nearly the same."""

_WIDTH = {character: width for width, row in _WIDTHS.items() for character in row}
_AVERAGE, _WIDE = 7.0, 11.0


def badges(board: Board) -> Iterator[tuple[str, str]]:
    """Yield the end of the file name and the SVG of a badge for every row of a board."""
    for row in board.rows:
        yield f"{slug(row.implementation)}.svg", rank_badge(board, row)


def rank_badge(board: Board, row: Row) -> str:
    """Return the badge of a row: ``tiltyard cvar | rank 2 of 10``.

    It counts the ranked implementations. The title names the implementation, the tier, the
    interval of the rank and the pool.
    """
    ranked = sum(other.rank is not None for other in board.rows)
    colour = OTHER
    if row.rank is None:
        message = told = "not ranked"
    elif not any(value > 0 for value in row.reached.values()):
        message = told = "reached no target"
    else:
        message = f"rank {row.rank}{' (tie)' if tied(board, row) else ''} of {ranked}"
        told = f"rank {place(board, row)} of {ranked} with its 95 % interval"
        colour = LEAD if row.rank == 1 else RANKED
    if board.tier == "smoke":
        message, colour, told = f"smoke: {message}", OTHER, f"{told}, {SMOKE}"
    title = (
        f"Tiltyard {board.suite.name}, tier {board.scope}: {row.implementation}, {told}, "
        f"pool {board.pool}"
    )
    parts = ("tiltyard", board.suite.name, board.track, board.kind)
    label = " ".join(part for part in parts if part)
    return _drawn(label, message, colour, title)


def text_width(text: str) -> float:
    """Return how many pixels a text takes at 11 pixels, on average over fonts."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    wide = unicodedata.east_asian_width(character) in "WF"
    return _WIDTH.get(character, _WIDE if wide else _AVERAGE)


def _drawn(label: str, message: str, colour: str, title: str) -> str:
    """Return the SVG: 20 pixels high, with rounded corners and no ids, so that pages inline it."""
    label, message = _cut(legible(label)), _cut(legible(message))
    widths = [text_width(text) for text in (label, message)]
    left, right = (round(width + 2 * _PAD, 1) for width in widths)
    texts = "".join(
        f'<text x="{at:g}" y="14" textLength="{width:g}">{html.escape(text)}</text>'
        for at, width, text in zip((_PAD, left + _PAD), widths, (label, message), strict=True)
    )
    total = round(left + right, 1)
    name = html.escape(legible(title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total:g}" height="20" role="img" '
        f'aria-label="{name}"><title>{name}</title>'
        f'<path fill="{_LABEL}" d="M3,0H{left:g}V20H3a3,3 0 0 1 -3,-3V3a3,3 0 0 1 3,-3z"/>'
        f'<path fill="{colour}" d="M{left:g},0H{round(total - 3, 1):g}a3,3 0 0 1 3,3V17'
        f'a3,3 0 0 1 -3,3H{left:g}z"/>'
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">'
        f"{texts}</g></svg>\n"
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
