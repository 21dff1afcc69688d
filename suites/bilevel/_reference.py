"""References of the bilevel suite: the best values known, where they come from, at what point.

Some problems have a closed form. Any other entry is found by the problem's fingerprint, numbers
that the functions themselves give, and never by a name alone: a reference of other data or another
size is no reference. Entries are written by
``python -m tiltyard.suites.bilevel._referee``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import torch

from tiltyard.errors import TiltyardError
from tiltyard.reference_file import (
    alike,
    checksum,
    number,
    plain,
    read_entries,
    write_entries,
)
from tiltyard.suites.bilevel._formulas import optimum
from tiltyard.suites.bilevel.model import Array, Model

FILE = Path(__file__).with_name("references.json")
KINDS = ("closed form", "verified", "best known")

STORED = 2000
"""A point is stored up to this many numbers."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The best value known of one problem.

    Attributes:
        name: canonical name of the problem it was computed for.
        kind: ``closed form``, ``verified`` (two independent ways agree to 1e-8, and the judge's
            projected gradient, where it is defined, is at most 1e-8: where Phi is not convex, no
            proof that nothing is better elsewhere) or ``best known``.
        value: Phi*, or F at (x, y) where y is part of the answer.
        gradient: norm of the judge's projected gradient of Phi at x; NaN where undefined.
        ways: the solvers, or other ways, that agree.
        provenance: how it was found, in words.
        fingerprint: what ``fingerprint`` gives.
        x: (dim_x,), where it is small.
        y: (dim_y,), where it is small.
    """

    name: str
    kind: str
    value: float
    gradient: float
    ways: tuple[str, ...]
    provenance: str
    fingerprint: tuple[float, ...] = ()
    x: Array | None = None
    y: Array | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; what is not finite becomes null, what is None is left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        for key in ("x", "y"):
            values[key] = None if values[key] is None else list(map(float, values[key]))
        return {key: plain(value) for key, value in values.items() if value is not None}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Reference:
        """Return a checked reference.

        Raises:
            TiltyardError: says which entry is wrong, and how.
        """
        name = str(values.get("name", "an entry"))
        known = set(get_type_hints(cls))
        if odd := (set(values) ^ known) - ({"x", "y"} - set(values)):
            raise TiltyardError(f"reference {name}: unknown or missing {', '.join(sorted(odd))}")
        try:
            made = cls(
                name=name,
                kind=str(values["kind"]),
                value=number(values["value"]),
                gradient=number(values["gradient"]),
                ways=tuple(map(str, values["ways"])),
                provenance=str(values["provenance"]),
                fingerprint=tuple(map(number, values["fingerprint"])),
                x=_array(values.get("x")),
                y=_array(values.get("y")),
            )
        except (TypeError, ValueError) as error:
            raise TiltyardError(f"reference {name}: {error}") from None
        if made.kind not in KINDS:
            raise TiltyardError(f"reference {name}: kind {made.kind!r} is none of {KINDS}")
        if not np.isfinite(made.value):
            raise TiltyardError(f"reference {name}: its value is not finite")
        return made


def _array(value: Any) -> Array | None:
    return None if value is None else np.array(value, dtype=np.float64)


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
    """Return sizes, sums of the bounds, and F, f, g and G at the start and at a point near it."""
    at = model.on("cpu")
    numbers = [float(at.dim_x), float(at.dim_y), float(at.n_lower), float(at.n_upper)]
    for name in ("x_lower", "x_upper", "y_lower", "y_upper"):
        bound = model.arrays[name]
        numbers.append(checksum(np.where(np.isfinite(bound), bound, 1.2345)))
    with torch.no_grad():
        for size in (0.0, 0.01):
            x = at.project_x(at.x0 + size * torch.sin(1.0 + torch.arange(at.dim_x)))
            y = at.project_y(at.y0 + size * torch.cos(1.0 + torch.arange(at.dim_y)))
            numbers += [float(at.upper(x, y, None)), float(at.lower(x, y, None))]
            numbers.append(checksum(at.constraints(x, y).numpy()))
            numbers.append(checksum(at.upper_constraints(x, y).numpy()))
    return tuple(numbers)


def find(model: Model) -> Reference | None:
    """Return the reference of a problem; None where there is none."""
    if (exact := computed(model)) is not None:
        return exact
    own = fingerprint(model)
    matching = (one for one in _stored() if alike(own, one.fingerprint))
    return next(matching, None)


def computed(model: Model) -> Reference | None:
    """Return the reference that a formula gives; None where there is no formula."""
    found = optimum(model)
    if found is None:
        return None
    x, y, argument = found
    at = model.on("cpu")
    with torch.no_grad():
        value = float(at.upper(torch.from_numpy(x), torch.from_numpy(y), None))
    return Reference(
        name="",
        kind="closed form",
        value=value,
        gradient=math.nan,
        ways=("formula",),
        provenance=argument,
        x=x,
        y=y,
    )


@cache
def _stored() -> tuple[Reference, ...]:
    return tuple(load().values())
