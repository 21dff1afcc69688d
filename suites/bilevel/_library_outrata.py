"""Outrata's library problems: an equilibrium on a lens-shaped set, steered towards (3, 4)."""

from __future__ import annotations

from typing import Any

from tiltyard.suites.bilevel._library import FREE, POSITIVE, Definition, Formula

FIRST = "J. V. Outrata, Zeitschrift fuer Operations Research 34, 1990, example "
SECOND = "J. V. Outrata, SIAM Journal on Optimization 3, 1993, example "


def _target(y: Any, z: Any) -> Any:
    return 0.5 * (y - 3.0) ** 2 + 0.5 * (z - 4.0) ** 2


def _pull(x: Any, y: Any, z: Any) -> Any:
    return -(3.0 + 1.333 * x) * y - x * z


def _wedge(y: Any, z: Any) -> tuple[Any, ...]:
    return z - 0.333 * y - 2.0, y - 0.333 * z - 2.0


def _turning(x: Any, y: Any, z: Any) -> tuple[Any, ...]:
    return (0.1 * x - 0.333) * y + z - x, y - (0.1 * x + 0.333) * z - 2.0


def _two(  # noqa: PLR0913 - the parts of a definition
    number: str, *, F: Formula, f: Formula, published: float, start: Any, remark: str = ""
) -> Definition:
    return Definition(
        source=FIRST + number,
        F=F,
        f=f,
        g=lambda _x1, _x2, y1, y2: _wedge(y1, y2),
        form="linear",
        x=(FREE, FREE),
        y=(POSITIVE, POSITIVE),
        start=start,
        published=published,
        remark=remark,
    )


def _one(source: str, f: Formula, g: Formula, published: float, **more: Any) -> Definition:
    return Definition(
        source=source,
        F=lambda _x, y, z: _target(y, z),
        f=f,
        g=g,
        x=(POSITIVE,),
        y=(POSITIVE, POSITIVE),
        published=published,
        **{"start": (0.0, 0.0, 0.0), **more},
    )


def _flat(x1: Any, x2: Any, y1: Any, y2: Any) -> Any:
    return 0.5 * y1**2 + 3.0 * y1 * y2 + 5.0 * y2**2 - x1 * y1 - x2 * y2


def _steep(x1: Any, x2: Any, y1: Any, y2: Any) -> Any:
    return 0.5 * y1**2 - 2.0 * y1 * y2 + 2.5 * y2**2 - x1 * y1 - x2 * y2


def _growing(x: Any, y: Any, z: Any) -> Any:
    return (0.5 + 0.1 * x) * y**2 + (0.5 + 0.05 * x) * z**2 + _pull(x, y, z)


PROBLEMS: dict[str, Definition] = {
    "Outrata1990Ex1a": _two(
        "1a",
        F=lambda x1, x2, y1, y2: 0.1 * (x1**2 + x2**2) + _target(y1, y2) - 12.5,
        f=_steep,
        published=-8.92,
        start=(0.0, 0.0, 3.0, 3.0),
    ),
    "Outrata1990Ex1b": _two(
        "1b",
        F=lambda x1, x2, y1, y2: x1**2 + x2**2 + _target(y1, y2) - 12.5,
        f=_steep,
        published=-7.56,
        start=(0.0, 0.0, 3.0, 3.0),
    ),
    "Outrata1990Ex1c": _two(
        "1c",
        F=lambda _x1, _x2, y1, y2: _target(y1, y2) - 12.5,
        f=_flat,
        published=-12.0,
        start=(0.0, 0.0, 3.0, 3.0),
    ),
    "Outrata1990Ex1d": _two(
        "1d",
        F=lambda x1, x2, y1, y2: 0.1 * (x1**2 + x2**2) + _target(y1, y2) - 12.5,
        f=_flat,
        published=-3.6,
        start=(6.0, -3.0, 3.0, 3.0),
    ),
    "Outrata1990Ex1e": _two(
        "1e",
        F=lambda x1, x2, y1, y2: 0.1 * (x1**2 + x2**2) + _target(y1, y2) - 12.5,
        f=lambda x1, x2, y1, y2: _flat(2.0 * x2 - x1, 3.0 * x1 - 3.0 * x2, y1, y2),
        published=-3.15,
        remark="listed as -3.15; x = (-0.4, 0.8), y = (2, 0) is feasible in both levels, F = -3.92",
        start=(6.0, -3.0, 3.0, 3.0),
    ),
    "Outrata1990Ex2a": _one(
        FIRST + "2a",
        f=lambda x, y, z: 0.5 * y**2 + 0.5 * z**2 + _pull(x, y, z),
        g=lambda _x, y, z: _wedge(y, z),
        form="linear",
        published=0.5,
        start=(1.0, 1.0, 1.0),
    ),
    "Outrata1990Ex2b": _one(
        FIRST + "2b",
        f=lambda x, y, z: 0.5 * (1.0 + x) * y**2 + _pull(x, y, z),
        g=lambda _x, y, z: _wedge(y, z),
        form="linear",
        convexity="convex",
        unique=False,
        published=0.5,
        start=(5.0, 0.0, 0.0),
    ),
    "Outrata1990Ex2c": _one(
        FIRST + "2c",
        f=lambda x, y, z: 0.5 * (1 + x) * y**2 + 0.5 * (1 + 0.1 * x) * z**2 + _pull(x, y, z),
        g=lambda _x, y, z: _wedge(y, z),
        form="linear",
        published=1.86,
    ),
    "Outrata1990Ex2d": _one(
        FIRST + "2d",
        f=lambda x, y, z: 0.5 * y**2 + 0.5 * z**2 + _pull(x, y, z),
        g=_turning,
        form="convex",
        published=0.92,
        remark="listed as 0.92, a solver's; a point with F = 0.8485 is feasible in both levels",
    ),
    "Outrata1990Ex2e": _one(
        FIRST + "2e",
        f=lambda x, y, z: 0.5 * (1.0 + x) * y**2 + 0.5 * z**2 + _pull(x, y, z),
        g=_turning,
        form="convex",
        published=0.9,
    ),
    "Outrata1993Ex31": _one(
        SECOND + "3.1",
        f=_growing,
        g=lambda x, y, z: (
            (0.1 * x - 0.333) * y + z + 0.1 * x - 2.0,
            y - (0.1 * x + 0.333) * z + 0.1 * x - 2.0,
        ),
        form="convex",
        published=1.56,
    ),
    "Outrata1993Ex32": _one(
        SECOND + "3.2",
        f=_growing,
        g=lambda x, y, z: (z - 0.333 * y + 0.1 * x - 1.0, y**2 + z**2 - 0.1 * x - 9.0),
        form="convex",
        published=3.208,
    ),
}
