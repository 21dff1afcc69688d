"""A small writer of SVG: axes, lines and marks whose colours come from the page's style sheet."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from tiltyard.report.format import power

WIDTH, HEIGHT = 440, 310
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 10, 44

Points = Sequence[tuple[float, float]]


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
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


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
        path = "M" + "L".join("{:g},{:g}".format(*self._spot(*point)) for point in points)
        self._parts.append(
            f'<g class="{style}"><title>{html.escape(name)}</title><path d="{path}"/></g>'
        )

    def mark(self, name: str, point: tuple[float, float], style: str, *, failed: bool) -> None:
        """Add the end of a run: a dot, or a cross where it failed."""
        x, y = self._spot(*point)
        shape = (
            f'<path d="M{x - 4:g},{y - 4:g}l8,8m-8,0l8,-8"/>'
            if failed
            else f'<circle cx="{x:g}" cy="{y:g}" r="3.5"/>'
        )
        self._parts.append(f'<g class="{style} mark"><title>{html.escape(name)}</title>{shape}</g>')

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

    def _spot(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies, in tenths of a pixel."""
        across = LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM)
        return round(across, 1), round(down, 1)


def _tick(mantissa: int, exponent: int) -> str:
    if -3 <= exponent <= 3:
        return f"{mantissa * 10.0**exponent:g}"
    return f"{mantissa}·{power(exponent)}"
