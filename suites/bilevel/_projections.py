"""Checks of projections: they end in their sets, stay there, and find the nearest point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiltyard.errors import TiltyardError
from tiltyard.suites.bilevel.model import Model

if TYPE_CHECKING:
    from torch import Tensor

PROJECTED = 1e-8
"""A projection may leave a violation of this much, relative to the point's size, and no more."""


def check_projections(model: Model, *, joint: bool) -> None:
    """Refuse projections that leave their set, move a point of it, or miss the nearest one.

    Args:
        model: on some device.
        joint: whether ``project_joint`` is to be checked.

    Raises:
        TiltyardError: says which.
    """
    import torch

    given_x, given_y = model.x0 + 1.0, model.y0 - 1.0
    x, y = model.project_x(given_x), model.project_y(given_y)
    _same("project_x", model.project_x(x), x)
    _same("project_y", model.project_y(y), y)
    others = _others(model)
    for other_x, other_y in others:
        _nearest("project_x", given_x, x, model.project_x(other_x))
        _nearest("project_y", given_y, y, model.project_y(other_y))
    if not joint:
        return
    x, y = model.project_joint(given_x, given_y)
    size = 1.0 + float(x.abs().max()) + float(y.abs().max())
    g = model.constraints(x, y)
    g[model.equations :].clamp_(min=0.0)
    if len(g) and not float(g.abs().max()) <= PROJECTED * size:
        worst = float(g.abs().max())
        raise TiltyardError(f"project_joint leaves a violation of {worst:.1e}: no projection")
    again = model.project_joint(x, y)
    _same("project_joint", again[0], x)
    _same("project_joint", again[1], y)
    # Linear constraints make a convex set of pairs, others perhaps none.
    if model.form in ("none", "linear"):
        given, point = torch.cat((given_x, given_y)), torch.cat((x, y))
        for other in others:
            _nearest("project_joint", given, point, torch.cat(model.project_joint(*other)))


def _others(model: Model) -> list[tuple[Tensor, Tensor]]:
    """Return points on either side of the start, in no special direction."""
    import torch

    x, y = (torch.arange(1.0, 1.0 + len(z)).to(z).sin() for z in (model.x0, model.y0))
    return [(model.x0 + sign * x, model.y0 + sign * (0.5 - y)) for sign in (-1.0, 1.0)]


def _same(name: str, again: Tensor, point: Tensor) -> None:
    moved = float((again - point).abs().max()) if len(point) else 0.0
    if not moved <= PROJECTED * (1.0 + float(point.abs().max())):
        raise TiltyardError(f"{name} moves a point that it gave by {moved:.1e}: no projection")


def _nearest(name: str, given: Tensor, point: Tensor, other: Tensor) -> None:
    """Refuse a point of a convex set from which another one lies in the direction of the given."""
    nearer = float((given - point) @ (other - point))
    if not nearer <= PROJECTED * (1.0 + float(point.norm())) * (1.0 + float(other.norm())):
        raise TiltyardError(f"{name} gives a point that is not the nearest: no projection")
