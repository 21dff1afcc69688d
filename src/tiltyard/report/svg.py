"""A small writer of SVG: axes, lines and marks whose colours come from the page's style sheet."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tiltyard.report.format import power
from tiltyard.stats import Array

WIDTH, HEIGHT = 440, 310
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 10, 44

Points = Sequence[tuple[float, float]]
Span = tuple[float, float, float]
"""Low end, value and high end."""


Shape = Literal["dot", "cross", "square", "triangle"]

_SHAPES: dict[Shape, str] = {
    "dot": '<circle cx="{x:g}" cy="{y:g}" r="3.5"/>',
    "cross": '<path d="M{left:g},{up:g}l8,8m-8,0l8,-8"/>',
    "square": '<path d="M{left:g},{up:g}h7v7h-7z"/>',
    "triangle": '<path d="M{x:g},{up:g}l4.5,8h-9z"/>',
}


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its range, and the values that get a tick, each with its text."""

    label: str
    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Return where a value lies, from 0 to 1; what is outside lies on the edge."""
        return float(self.places(np.array(value)))

    def places(self, values: Array) -> Array:
        """Return where values lie, as ``place`` does."""
        inside = np.minimum(np.maximum(values, self.low), self.high)
        if self.log:
            return np.asarray(np.log(inside / self.low) / math.log(self.high / self.low))
        return (inside - self.low) / (self.high - self.low)


def span(low: float, middle: float, high: float, most: float) -> str:
    """Return a small picture, for sighted readers only, of a value in its interval of 1 to most."""
    left, at, right = (4 + 64 * (value - 1) / max(most - 1, 1) for value in (low, middle, high))
    return (
        '<svg viewBox="0 0 72 8" aria-hidden="true">'
        f'<path d="M{left:.1f},4H{right:.1f}"/><circle cx="{at:.1f}" cy="4" r="3"/></svg>'
    )


def log_axis(label: str, low: float, high: float) -> Axis:
    """Return a logarithmic axis around positive values; it ends at 1, 2 or 5 times a power of 10.

    It has ticks there if they fit, and else at powers of ten, at most seven.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    texts = {m * 10.0**e: _tick(m, e) for e in range(first, last + 1) for m in (1, 2, 5)}
    low = max(value for value in texts if value <= low * (1 + 1e-9))
    high = min((v for v in texts if v >= high * (1 - 1e-9) and v > low), default=5 * low)
    inside = [(value, text) for value, text in texts.items() if low <= value <= high]
    if len(inside) > 7:
        tens = [e for e in range(last, first - 1, -1) if low <= 10.0**e <= high]
        inside = [(10.0**e, power(e)) for e in tens[:: math.ceil(len(tens) / 7)]]
    return Axis(label, low, high, log=True, ticks=tuple(inside))


@dataclass(slots=True)
class Plot:
    """An SVG with two axes; add to it, then take its text.

    Attributes:
        title: a short name, read by screen readers.
        description: what there is to see, in words.
        x: the horizontal axis.
        y: the vertical axis.
    """

    title: str
    description: str
    x: Axis
    y: Axis
    _parts: list[str] = field(default_factory=list)

    def line(self, name: str, points: Points, style: str) -> None:
        """Add a line with its name as a tooltip."""
        self._parts.append(
            f'<g class="{style}"><title>{html.escape(name)}</title>'
            f'<path d="{self._path(points)}"/></g>'
        )

    def band(self, low: Points, high: Points, style: str) -> None:
        """Add the area between two lines, in the colour of ``style``."""
        path = self._path([*low, *reversed(high)])
        self._parts.append(f'<path class="band {style.partition(" ")[0]}" d="{path}Z"/>')

    def cross(self, x: Span, y: Span, style: str) -> None:
        """Add the intervals of a point as a cross of thin lines."""
        left, down = self._spot(x[0], y[0])
        right, up = self._spot(x[2], y[2])
        across, height = self._spot(x[1], y[1])
        self._parts.append(
            f'<path class="whisker {style.partition(" ")[0]}" '
            f'd="M{left:g},{height:g}H{right:g}M{across:g},{down:g}V{up:g}"/>'
        )

    def note(self, point: tuple[float, float], text: str) -> None:
        """Add a text beside a point, on the side that has room."""
        x, y = self._spot(*point)
        right = x > (LEFT + WIDTH - RIGHT) / 2
        anchor, shift = ("end", -7) if right else ("start", 7)
        self._parts.append(
            f'<text class="note" x="{x + shift:g}" y="{y - 5:g}" text-anchor="{anchor}">'
            f"{html.escape(text)}</text>"
        )

    def diagonal(self) -> None:
        """Add the line on which both axes have the same value."""
        low, high = max(self.x.low, self.y.low), min(self.x.high, self.y.high)
        if low < high:
            path = self._path([(low, low), (high, high)])
            self._parts.append(f'<path class="rule" d="{path}"/>')

    def mark(self, name: str, point: tuple[float, float], style: str, shape: Shape = "dot") -> None:
        """Add a point with its name as a tooltip."""
        x, y = self._spot(*point)
        drawn = _SHAPES[shape].format(x=x, y=y, left=x - 4, up=y - 4)
        self._parts.append(f'<g class="{style} mark"><title>{html.escape(name)}</title>{drawn}</g>')

    def rule(self, value: float, text: str) -> None:
        """Add a dashed horizontal line with a text at its left end, where curves rarely are."""
        _, y = self._spot(self.x.low, value)
        self._parts.append(
            f'<path class="rule" d="M{LEFT},{y:g}H{WIDTH - RIGHT}"/>'
            f'<text class="note" x="{LEFT + 5}" y="{y - 4:g}">'
            f"{html.escape(text)}</text>"
        )

    def text(self) -> str:
        """Return the SVG element."""
        parts = [
            f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{html.escape(self.title)}</title>",
            f"<desc>{html.escape(self.description)}</desc>",
            *self._axes(),
            *self._parts,
            "</svg>",
        ]
        return "".join(parts)

    def _axes(self) -> list[str]:
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        parts = []
        for value, text in self.x.ticks:
            x, _ = self._spot(value, self.y.low)
            parts.append(f'<path class="grid" d="M{x:g},{TOP}V{bottom}"/>')
            parts.append(f'<text x="{x:g}" y="{bottom + 17}" text-anchor="middle">{text}</text>')
        for value, text in self.y.ticks:
            _, y = self._spot(self.x.low, value)
            parts.append(f'<path class="grid" d="M{LEFT},{y:g}H{right}"/>')
            parts.append(f'<text x="{LEFT - 6}" y="{y + 4:g}" text-anchor="end">{text}</text>')
        middle = (LEFT + right) / 2
        parts.append(f'<path class="axis" d="M{LEFT},{TOP}V{bottom}H{right}"/>')
        parts.append(
            f'<text x="{middle:g}" y="{HEIGHT - 8}" text-anchor="middle">'
            f"{html.escape(self.x.label)}</text>"
        )
        height = (TOP + bottom) / 2
        parts.append(
            f'<text transform="translate(15 {height:g}) rotate(-90)" text-anchor="middle">'
            f"{html.escape(self.y.label)}</text>"
        )
        return parts

    def _path(self, points: Points) -> str:
        """Return the path through the points; those on the same tenth of a pixel are one."""
        horizontal, vertical = np.array(points, float).T
        across = LEFT + self.x.places(horizontal) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - self.y.places(vertical) * (HEIGHT - TOP - BOTTOM)
        spots = list(zip(across.round(1).tolist(), down.round(1).tolist(), strict=True))
        kept = [spot for i, spot in enumerate(spots) if i == 0 or spot != spots[i - 1]]
        return "M" + "L".join([f"{x:g},{y:g}" for x, y in kept])

    def _spot(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies, in tenths of a pixel."""
        across = LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(down, 1)


def _tick(mantissa: int, exponent: int) -> str:
    if -3 <= exponent <= 3:
        return f"{mantissa * 10.0**exponent:g}"
    return f"{mantissa}·{power(exponent)}"
