"""References of the constrained suite: the best values known, where they come from, at what point.

An entry is found by the problem's fingerprint, numbers that the functions themselves give, and
never by a name alone: a reference of other data or another size is no reference. The entries are
written by ``python -m tiltyard.suites.constrained._referee``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np

from tiltyard.errors import TiltyardError
from tiltyard.reference_file import (
    alike,
    checksum,
    number,
    plain,
    read_entries,
    write_entries,
)
from tiltyard.suites.constrained.model import Array, Model

FILE = Path(__file__).with_name("references.json")
KINDS = ("definition", "closed form", "verified", "best known")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The best value known of one problem.

    Attributes:
        name: canonical name of the problem it was computed for.
        n: number of variables.
        m: number of constraints.
        kind: ``definition`` (f is zero), ``closed form``, ``verified`` (two independent solvers
            agree at this size, and a polish in float64 reaches a KKT residual of 1e-10) or
            ``best known``.
        value: f*.
        kkt: the judge's KKT residual at the point; NaN where unknown.
        violation: of the point, in the problem's units.
        multiplier_sum: sum of the magnitudes of the multipliers at the point.
        solvers: those that agree, with their versions.
        provenance: how it was found, in words.
        fingerprint: what ``fingerprint`` gives.
        x: the point, where n is small.
    """

    name: str
    n: int
    m: int
    kind: str
    value: float
    kkt: float
    violation: float
    multiplier_sum: float
    solvers: tuple[str, ...]
    provenance: str
    fingerprint: tuple[float, ...]
    x: Array | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; what is not finite becomes null."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["x"] = None if self.x is None else [float(value) for value in self.x]
        return {key: plain(value) for key, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Reference:
        """Return a checked reference.

        Raises:
            TiltyardError: says which entry is wrong, and how.
        """
        name = str(values.get("name", "an entry"))
        known = get_type_hints(cls)
        if odd := set(values) ^ set(known) - ({"x"} if "x" not in values else set()):
            raise TiltyardError(f"reference {name}: unknown or missing {', '.join(sorted(odd))}")
        try:
            read: dict[str, Any] = {
                key: _READ[key](value) if key in _READ else str(value)
                for key, value in values.items()
            }
            made = cls(**read)
        except (TypeError, ValueError) as error:
            raise TiltyardError(f"reference {name}: {error}") from None
        if made.kind not in KINDS:
            raise TiltyardError(f"reference {name}: kind {made.kind!r} is none of {KINDS}")
        if not np.isfinite(made.value):
            raise TiltyardError(f"reference {name}: its value is not finite")
        if made.x is not None and made.x.shape != (made.n,):
            raise TiltyardError(f"reference {name}: x has shape {made.x.shape}, n is {made.n}")
        return made


_READ: dict[str, Callable[[Any], Any]] = {
    "n": int,
    "m": int,
    "value": number,
    "kkt": number,
    "violation": number,
    "multiplier_sum": number,
    "solvers": lambda value: tuple(map(str, value)),
    "fingerprint": lambda value: tuple(map(number, value)),
    "x": lambda value: np.asarray(value, dtype=np.float64),
}


def load(path: Path = FILE) -> dict[str, Reference]:
    """Return every reference in a file by the name of its problem.

    Raises:
        TiltyardError: the file is not what it should be.
    """
    found = [Reference.from_json(values) for values in read_entries(path)]
    return {reference.name: reference for reference in found}


def save(references: Mapping[str, Reference], path: Path = FILE) -> None:
    """Write references, sorted by name, so that a reader sees all of them or the old ones."""
    write_entries((references[name].to_json() for name in sorted(references)), path)


def fingerprint(model: Model) -> tuple[float, ...]:
    """Return f and a weighted sum of c at two points near x0, and sums of the bounds."""
    bounds = model.bounds
    x0 = bounds.x0
    away = x0 + 0.01 * (1.0 + np.abs(x0)) * np.sin(1.0 + np.arange(model.n))
    numbers = []
    with np.errstate(all="ignore"):
        for x in (x0, np.clip(away, bounds.lower, bounds.upper)):
            numbers += [float(model.objective(x)), checksum(np.asarray(model.constraints(x)))]
        for bound in (bounds.lower, bounds.upper, bounds.c_lower, bounds.c_upper):
            numbers.append(checksum(np.where(np.isfinite(bound), bound, 1.2345)))
    return tuple(numbers)


def find(model: Model) -> Reference | None:
    """Return the reference of a problem; None where there is none."""
    candidates = _by_size().get((model.n, model.m), ())
    if not candidates:
        return None
    own = fingerprint(model)
    matching = (one for one in candidates if alike(own, one.fingerprint))
    return next(matching, None)


@cache
def _by_size() -> dict[tuple[int, int], list[Reference]]:
    sizes: dict[tuple[int, int], list[Reference]] = {}
    for reference in load().values():
        sizes.setdefault((reference.n, reference.m), []).append(reference)
    return sizes
