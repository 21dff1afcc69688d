"""Semidefinite bounds of those rows of Jacobians that decide a region's norm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from tiltyard.implementations.lipschitz._jacobian_norms import (
    BATCH,
    WIDENED,
    Backward,
    Recipe,
    backward_pass,
    row_sums,
)
from tiltyard.implementations.lipschitz._zonotope import sign_bound, zonotope

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

Tensor = torch.Tensor

TABLE = 2**23
"""Entries of all zonotopes that are handled at once."""

CHORDS = Recipe(crown=True, linear=True, chords=True)


def refined_bounds(
    problem: LipschitzProblem, rng: np.random.Generator, dtype: str, effort: tuple[int, int]
) -> Iterator[Answer]:
    """Yield bounds by intervals, by chords, then smaller ones, a region's largest row first.

    Args:
        problem: of norm ``linf``.
        rng: draws the starts.
        dtype: to work in.
        effort: rank and rounds of the relaxation.
    """
    backward = backward_pass(problem, dtype, crown=False)
    pairs = backward.pairs()
    parts = torch.split(pairs, max(1, BATCH // backward.width))
    everywhere = backward.like.expand(problem.regions, backward.sizes.outputs)
    bounds = torch.full_like(everywhere, torch.inf)
    # The first takes no time, even in wide networks.
    for recipe in (Recipe(crown=False), Recipe(crown=True), CHORDS):
        if recipe.crown and not backward.crown:
            backward = backward_pass(problem, dtype, crown=True)
        for part in parts:
            at = part[:, 0], part[:, 1]
            bounds[at] = torch.minimum(bounds[at], row_sums(backward, recipe, part))
        yield _answer(bounds)
    known = sum(int((low < high).any(dim=0).sum()) for low, high in backward.ranges.values())
    if not known:  # every derivative is: the chords are exact
        return
    step = max(1, TABLE // ((1 + known) * backward.width))
    done = torch.zeros_like(bounds, dtype=torch.bool)
    while True:
        # A region's norm is settled when its largest row has been refined.
        top = bounds.argmax(dim=1)
        open_regions = (~done[torch.arange(len(top)), top]).nonzero()[:, 0]
        if not len(open_regions):
            return
        for chosen in torch.split(open_regions, step):
            some = torch.stack([chosen, top[chosen]], dim=1)
            better = _refine(backward, some, rng, effort)
            at = some[:, 0], some[:, 1]
            bounds[at] = torch.minimum(bounds[at], better)
            done[at] = True
            yield _answer(bounds)


def _refine(
    backward: Backward, pairs: Tensor, rng: np.random.Generator, effort: tuple[int, int]
) -> Tensor:
    """Return semidefinite bounds of the l1 norms of rows at (region, row) pairs."""
    _, walk = backward.rows(CHORDS, pairs)
    ranges = {
        i: (low[pairs[:, 0]], high[pairs[:, 0]]) for i, (low, high) in backward.ranges.items()
    }
    center = walk.region.interval()[0][:, None]
    z = zonotope(backward.program, center, ranges, walk.found)
    start = rng.standard_normal((z.shape[1], effort[0]))
    found = sign_bound(z, torch.tensor(start, dtype=z.dtype, device=z.device), effort[1])
    return found * (1.0 + WIDENED[z.dtype])


def _answer(bounds: Tensor) -> Answer:
    return {"upper": bounds.amax(dim=1).double().cpu().numpy()}
