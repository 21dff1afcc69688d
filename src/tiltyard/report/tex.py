"""Text and numbers as LaTeX: what TeX would read is escaped, what it cannot set is spelled out.

The output needs LaTeX of 2020 or later and no package; it is the same for every engine.
"""

from __future__ import annotations

import re
import unicodedata

from tiltyard.report.format import NOT_APPLICABLE, code_point

CHUNK = 16
"""A long name may be broken after this many characters without punctuation."""

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
_MATHS = {
    "\N{MULTIPLICATION SIGN}": "times",
    "±": "pm", "·": "cdot", "∞": "infty", "≤": "leq", "≥": "geq", "≈": "approx",
    "≠": "neq", "→": "rightarrow", "←": "leftarrow", "√": "surd", "∂": "partial", "∇": "nabla",
    "∈": "in", "∑": "sum",
}  # fmt: skip
_TEXT = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}",
    '"': r"{\ttfamily\char34}",  # in other fonts of OT1 it is a closing quotation mark
    "\N{EN DASH}": r"\textendash{}",
    "—": r"\textemdash{}", "…": r"\ldots{}", "µ": r"\textmu{}",
    "\N{LEFT SINGLE QUOTATION MARK}": r"\textquoteleft{}",
    "\N{RIGHT SINGLE QUOTATION MARK}": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}", "°": r"\textdegree{}", "§": r"\S{}", "€": r"\texteuro{}",
    "£": r"\pounds{}", "©": r"\textcopyright{}", "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}",
    "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip


def _symbols() -> dict[str, str]:
    """Return the symbols that are set in mathematics."""
    commands = dict(_MATHS)
    for name in _GREEK.split():
        size = "CAPITAL" if name[0].isupper() else "SMALL"
        letter = name.upper().replace("LAMBDA", "LAMDA")  # Unicode's spelling
        commands[unicodedata.lookup(f"GREEK {size} LETTER {letter}")] = name
    return {character: rf"\ensuremath{{\{name}}}" for character, name in commands.items()}


_SYMBOLS = _TEXT | _symbols()


def escape(text: str) -> str:
    r"""Return text that LaTeX sets as it is; a character that it lacks is ``[U+4E2D]``.

    White space of any kind becomes one space, and ``--`` stays two hyphens.
    """
    return _escaped(_clean(text))


def breakable(name: str) -> str:
    """Return an escaped name that LaTeX may break after punctuation, and in long words."""
    chunk = rf"[^_,=\[/]{{0,{CHUNK - 1}}}[_,=\[/]|[^_,=\[/]{{1,{CHUNK}}}"
    escaped = r"\allowbreak{}".join(map(_escaped, re.findall(chunk, _clean(name))))
    return escaped.replace("[U+", r"\allowbreak{}[U+")


def quantity(spelled: str) -> str:
    r"""Return a number, with its unit if any, as ``report.format`` spells it: ``1.2e-4 s``."""
    if spelled == NOT_APPLICABLE:
        return "--"
    found = re.fullmatch(r"(-?[\d.]+)(?:e(-?\d+))?(?: (\S+))?", spelled)
    if found is None:
        return escape(spelled)
    value, exponent, unit = found.groups()
    power = rf"10^{{{exponent}}}" if exponent else ""
    if power and value != "1":
        power = rf"{value} \times {power}"
    number = f"${power or value}$" if power or value.startswith("-") else value
    return rf"{number}\,{escape(unit)}" if unit else number


def _clean(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _escaped(text: str) -> str:
    # Two of these in a row would be set as one other character.
    return re.sub(r"([-',])(?=\1)", r"\1{}", "".join(map(_character, text)))


def _character(character: str) -> str:
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    if " " <= character <= "~":
        return character
    kind, _, rest = unicodedata.decomposition(character).rpartition(" ")
    if kind in ("<super>", "<sub>"):
        inside = _character(chr(int(rest, 16)))
        return rf"\text{kind[1:-1]}script{{{inside}}}"
    base, *marks = list(unicodedata.normalize("NFD", character))
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii():
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    return escape(code_point(character))
