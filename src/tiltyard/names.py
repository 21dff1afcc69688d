"""Names of problems and values of parameters, as people and files spell them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from tiltyard.errors import TiltyardError

Value = bool | int | float | str
"""What a parameter or a fact may be; also what a canonical name can spell."""


def parse_name(name: str) -> tuple[str, dict[str, str]]:
    """Split ``family[key=value,...]`` into the family and its spelled parameters.

    Raises:
        TiltyardError: the name is not of that form.
    """
    family, bracket, rest = name.partition("[")
    if not bracket:
        return family, {}
    pairs = [pair.partition("=") for pair in rest.removesuffix("]").split(",") if pair]
    if not rest.endswith("]") or not all(key and equals and value for key, equals, value in pairs):
        raise TiltyardError(f"problem {name!r} is not of the form family[key=value,...]")
    return family, {key.strip(): value.strip() for key, _, value in pairs}


def check_parameters(
    what: str, given: Mapping[str, object], declared: Mapping[str, object]
) -> None:
    """Refuse a parameter that was not declared, naming the declared ones."""
    for key in given:
        if key not in declared:
            known = ", ".join(declared) or "none"
            raise TiltyardError(f"{what} has no parameter {key!r}; its parameters: {known}")


def complete(
    what: str, owner: str, given: Mapping[str, Value], defaults: Mapping[str, Value]
) -> dict[str, Value]:
    """Return every parameter in order, each of its default's type.

    Args:
        what: the kind of thing that has the parameters, for messages.
        owner: its name.
        given: values that differ from the defaults; those from a command line are text.
        defaults: of every parameter.

    Raises:
        TiltyardError: a parameter is unknown, or its value does not spell its type.
    """
    check_parameters(f"{what} {owner}", given, defaults)
    return {
        key: convert(f"{owner}: {key}", given.get(key, default), default)
        for key, default in defaults.items()
    }


def convert(what: str, value: Value, default: Value) -> Value:
    """Return ``value`` as the type of ``default``: a spelled value may come from the command line.

    Raises:
        TiltyardError: the value does not spell that type, or is not finite.
    """
    kind = type(default)
    try:
        if isinstance(value, str) and kind is bool:
            return {"true": True, "false": False}[value.lower()]
        number = float(value) if kind in (int, float) else 0.0
        if not math.isfinite(number) or (kind is int and number != int(number)):
            raise ValueError  # noqa: TRY301 - same message as a conversion that fails
        return int(number) if kind is int else kind(value)
    except (ValueError, KeyError, OverflowError):
        raise TiltyardError(f"{what}: expected {kind.__name__}, got {value!r}") from None


def spell(value: Value) -> str:
    """Return a value as a canonical name spells it; floats round-trip."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


def matches(pattern: str, name: str) -> bool:
    """Match ``*`` and ``?``; brackets are part of a name. A bare family matches its problems."""
    regex = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return any(re.fullmatch(regex, candidate) for candidate in (name, name.partition("[")[0]))
