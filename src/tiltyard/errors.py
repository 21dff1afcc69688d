"""What can go wrong, by whose fault."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TiltyardError(Exception):
    """A user's mistake, told in one line; the command line exits with code 2."""


class PluginError(TiltyardError):
    """A plug-in breaks its contract; it is listed as broken and takes nothing else down."""


class InvalidAnswer(TiltyardError):
    """An answer has the wrong structure, shape or dtype, or holds NaN or infinity."""


class NonFiniteAnswer(InvalidAnswer):
    """An answer of the right structure holds NaN or infinity."""


class Unsupported(TiltyardError):
    """A method cannot take this problem; raised by the method itself with the reason."""


def describe(error: BaseException) -> str:
    """Return an error's type and message in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def unknown(kind: str, name: str, known: Iterable[str]) -> TiltyardError:
    """Return the error for a name nobody registered, with the nearest known names.

    Args:
        kind: what was looked for, such as ``"suite"``.
        name: what the user wrote.
        known: every name that would have been right.
    """
    candidates = sorted(known)
    near = difflib.get_close_matches(name, candidates, n=3, cutoff=0.5)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif len(candidates) <= 12:
        hint = f"known: {', '.join(candidates) or 'none'}"
    else:
        hint = f"'tiltyard list {kind}s' shows all {len(candidates)}"
    return TiltyardError(f"unknown {kind} {name!r}; {hint}")
