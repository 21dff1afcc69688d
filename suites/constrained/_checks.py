"""Checks the sizes that a scalable family is asked for."""

from __future__ import annotations

from tiltyard.errors import TiltyardError


def parts(family: str, n: int, *, per: int, plus: int = 0, least: int) -> int:
    """Return N of a family with n = per N + plus variables.

    Args:
        family: its name, for the message.
        n: number of variables.
        per: variables that each of N adds.
        plus: variables besides.
        least: smallest N for which the problem is defined.

    Raises:
        TiltyardError: no N of at least ``least`` has n variables.
    """
    count, rest = divmod(n - plus, per)
    if rest or count < least:
        nearest = per * max(least, count + (2 * rest >= per)) + plus
        form = f"{per}N" if per > 1 else "N"
        if plus:
            form += f" {'+' if plus > 0 else '-'} {abs(plus)}"
        raise TiltyardError(
            f"{family}[n={n}]: n must be {form} for an N of at least {least}; nearest: {nearest}"
        )
    return count


def at_least(family: str, parameter: str, value: int, least: int) -> None:
    """Refuse a size below the smallest for which a problem is defined.

    Raises:
        TiltyardError: the value is smaller.
    """
    if value < least:
        raise TiltyardError(f"{family}[{parameter}={value}]: {parameter} must be at least {least}")
