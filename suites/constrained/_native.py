"""Declares the suite's own problems: their track, and the tiers that hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from tiltyard.family import ProblemFamily, problem
from tiltyard.names import Value
from tiltyard.suite import Problem

Track = Literal["equality", "general"]
Grid = Sequence[Mapping[str, Value]]

TIERS = ("smoke", "standard", "full")


def native(
    track: Track,
    first: Literal["smoke", "standard", "full"] = "standard",
    *,
    name: str = "",
    grids: Mapping[str, Grid] | None = None,
) -> Callable[[Callable[..., Problem]], ProblemFamily]:
    """Declare a problem family of a track; a tier's problems are in every later tier, too.

    Args:
        track: ``equality`` for equations alone without bounds, else ``general``.
        first: the first tier that holds the problem; for families without parameters.
        name: where it is not the function's.
        grids: for families with parameters, what each tier adds to the earlier ones.
    """
    added = grids if grids is not None else {first: ({},)}
    tiers: dict[str, list[Mapping[str, Value]]] = {}
    held: list[Mapping[str, Value]] = []
    for tier in TIERS:
        held = [*held, *added.get(tier, ())]
        if held:
            tiers[tier] = held
    return problem(suite="constrained", name=name, tiers=tiers, track=track)
