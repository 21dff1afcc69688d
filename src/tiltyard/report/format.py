"""Numbers, names and sources as reports spell them: three significant digits, units, words."""

from __future__ import annotations

import hashlib
import html
import math
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import quote

from tiltyard.suite import Budget

NOT_APPLICABLE = "-"

_SHORT = 12
_CACHED = 1 << 16  # a suite's pages spell the same times again and again
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SOURCE = re.compile(
    r"(?P<doi>(?:doi:\s*|\b)10\.\d{4,9}/[^\s,;\"<>]+)"
    r"|(?P<arxiv>arxiv:\s*(?:\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+(?:\.[A-Z]{2})?/\d{7}))"
    r"|(?P<url>https?://[^\s\"<>]+)",
    re.IGNORECASE,
)


@lru_cache(maxsize=_CACHED)
def number(value: float) -> str:
    """Return three significant digits; ``-`` for NaN, ``∞`` for infinity."""
    if math.isnan(value):
        return NOT_APPLICABLE
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    value = float(f"{value:.3g}")
    if 1e3 <= abs(value) < 1e5:
        return f"{value:.0f}"
    return _short_exponent(f"{value:.2e}" if abs(value) < 1e-3 else f"{value:#.3g}").rstrip(".")


def precise(value: float) -> str:
    """Return up to seven significant digits, for what others are measured from."""
    return _short_exponent(f"{value:.7g}") if math.isfinite(value) else number(value)


@lru_cache(maxsize=_CACHED)
def seconds(value: float) -> str:
    """Return a time with its unit; ``missed`` for infinity, ``-`` for NaN."""
    if math.isinf(value):
        return "missed"
    if math.isnan(value) or value == 0:
        return NOT_APPLICABLE if value else "0 s"
    rounded = float(f"{value:.3g}")  # 999.9 ms is 1.00 s
    scale, unit = next((u for u in _UNITS if rounded >= u[0] * (1 - 1e-9)), _UNITS[-1])
    return f"{number(rounded / scale)} {unit}"


def quantity(value: float, unit: str) -> str:
    """Return a number with its unit; one in seconds as ``seconds`` spells it."""
    if unit == "s":
        return seconds(value)
    spelled = number(value)
    return spelled if unit in {"", "1"} or math.isnan(value) else f"{spelled} {unit}"


def share(value: float) -> str:
    """Return a share as a percentage."""
    return NOT_APPLICABLE if math.isnan(value) else f"{round(100 * value, 1):g} %"


def level(value: float) -> str:
    """Return a target as short as it can be spelled: ``0.01``, ``1e-3``."""
    if not 0 < value < 0.01:
        return _short_exponent(f"{value:g}")
    mantissa, _, exponent = f"{value:e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def power(exponent: int) -> str:
    """Return a power of ten as an axis spells it."""
    return f"10{str(exponent).translate(_SUPERSCRIPT)}"


def count(amount: int, noun: str) -> str:
    """Return an amount with its noun, which takes an s when it is not one."""
    return f"{amount:,} {noun}{'' if amount == 1 else 's'}"


def budget(value: Budget) -> str:
    """Return a budget in words."""
    parts = []
    if value.seconds is not None:
        parts.append(f"{value.seconds:g} s")
    if value.iterations is not None:
        parts.append(count(value.iterations, "iteration"))
    if value.cost is not None:
        parts.append(f"{value.cost:g} weighted oracle calls")
    return " or ".join(parts) or "no limit"


def interval(low: float, high: float) -> str:
    """Return an interval; NaN ends are unknown."""
    return f"[{number(low)}, {number(high)}]"


def slug(name: str) -> str:
    """Return a name that is safe in a file's name and in an address; distinct names stay so."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}", name):
        return name
    clean = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60]
    return f"{clean or 'x'}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def links(text: str) -> Iterator[tuple[str, str]]:
    """Split a source into pieces of text, each with its address or the empty string."""
    end = 0
    for match in _SOURCE.finditer(text):
        piece = match.group().rstrip(".)],;")
        if match.start() > end:
            yield text[end : match.start()], ""
        bare = re.sub(r"^(doi|arxiv):\s*", "", piece, flags=re.IGNORECASE)
        if match["url"]:
            yield piece, piece
        elif match["doi"]:
            yield piece, f"https://doi.org/{quote(bare, safe='/:;()._-')}"
        else:
            yield piece, f"https://arxiv.org/abs/{quote(bare, safe='/.')}"
        end = match.start() + len(piece)
    if end < len(text):
        yield text[end:], ""


@lru_cache(maxsize=4096)
def breakable(text: str) -> str:
    """Return escaped HTML in which a long name may be broken after its punctuation."""
    if len(text) <= _SHORT:
        return html.escape(text)
    return re.sub(r"([_,=\[/])(?=.)", r"\1<wbr>", html.escape(text))


def _short_exponent(spelled: str) -> str:
    mantissa, _, exponent = spelled.partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def legible(text: str) -> str:
    """Return text in one line; characters that are not to be seen are spelled by their numbers.

    These are what reorders, joins or controls other characters, and what XML forbids.
    """
    return "".join(map(_seen, " ".join(text.split())))


def _seen(character: str) -> str:
    hidden = unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}
    return code_point(character) if hidden or character in "\ufffe\uffff" else character


def code_point(character: str) -> str:
    """Return the number of a character, for where it cannot be shown: ``[U+4E2D]``."""
    return f"[U+{ord(character):04X}]"
