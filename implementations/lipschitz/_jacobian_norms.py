"""Norms of Clarke Jacobians over every region of a problem, from bounds of their rows.

What differs between methods is a ``Recipe``: how the activations' inputs are bounded, and how the
products of the backward pass are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from tiltyard.implementations.lipschitz._crown import Interval, derivatives, preactivations
from tiltyard.implementations.lipschitz._jacobian import Products, absolute_sum, largest, rows
from tiltyard.implementations.lipschitz._program import Program, compile_network, reverse
from tiltyard.implementations.lipschitz._regions import ROUNDING, region_of

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

Tensor = torch.Tensor

BATCH = 2**18
"""Entries of all rows that are bounded at once."""

WIDENED = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Relative widening of a final bound for rounding in the coefficients of the lines."""


@dataclass(frozen=True)
class Recipe:
    """How a method bounds Jacobians.

    Attributes:
        crown: whether CROWN narrows the intervals of the activations' inputs.
        rules: of the products of the backward pass.
        linear: whether their lines are propagated; else intervals alone.
        chords: whether the sum of absolute values is, too; else the entries' bounds are added up.
    """

    crown: bool
    rules: type[Products] = Products
    linear: bool = False
    chords: bool = False


def jacobian_bounds(
    problem: LipschitzProblem, recipe: Recipe, dtype: str = "float64"
) -> Iterator[Answer]:
    """Yield upper bounds of the problem's quantity, ``problem.shape``, as regions are done.

    Raises:
        Unsupported: the network has layers other than linear, elementwise and residual ones.
    """
    kind = {"float64": torch.float64, "float32": torch.float32}[dtype]
    like = torch.zeros(1, dtype=kind, device=problem.device)
    program, sizes = compile_network(problem.network, like)
    found = preactivations(program, region_of(problem, kind), linear=recipe.crown)
    ranges = derivatives(program, found)
    backward = reverse(program)
    upper = np.full(problem.shape, np.inf)
    width = max(sizes.inputs, *(one.size for one in sizes.activations), 1)
    step = max(1, BATCH // (sizes.outputs * width))
    for first in range(0, problem.regions, step):
        part = slice(first, min(first + step, problem.regions))
        some = {i: (low[part], high[part]) for i, (low, high) in ranges.items()}
        c = torch.eye(sizes.outputs, dtype=kind, device=like.device).repeat(part.stop - first, 1)
        bound = _bounds(problem, recipe, backward, some, c)
        upper[part] = bound.double().cpu().numpy()
        yield {"upper": upper.copy()}


def _bounds(
    problem: LipschitzProblem,
    recipe: Recipe,
    backward: Program,
    ranges: dict[int, Interval],
    c: Tensor,
) -> Tensor:
    """Return bounds of some regions.

    Args:
        problem: whose norm is asked for.
        recipe: of the method.
        backward: the reversed program.
        ranges: of the derivatives, (regions, n_i) each, by the activation's index.
        c: the identity, once for each region, (regions m, m).
    """
    m = c.shape[1]
    each = {
        i: (low.repeat_interleave(m, dim=0), high.repeat_interleave(m, dim=0))
        for i, (low, high) in ranges.items()
    }
    interval, walk = rows(backward, recipe.rules(each), c, linear=recipe.linear)
    if problem.norm == "partial":
        features = list(problem.features)
        both = torch.cat([interval[1][:, features], -interval[0][:, features]], dim=1)
        return both + WIDENED[c.dtype] * largest(interval).sum(dim=1, keepdim=True)
    if problem.norm == "l2":
        n = problem.network.inputs
        bound = spectral(interval[0].reshape(-1, m, n), interval[1].reshape(-1, m, n))
    elif recipe.chords:
        bound = absolute_sum(backward, interval, walk).reshape(-1, m).amax(dim=1)
    else:
        bound = largest(interval).sum(dim=1).reshape(-1, m).amax(dim=1)
    return bound * (1.0 + WIDENED[c.dtype])


def spectral(lower: Tensor, upper: Tensor) -> Tensor:
    """Return upper bounds of the spectral norm of matrices between two, (k,) for (k, m, n).

    The least of three: that of the largest absolute values (for non-negative matrices the norm
    grows with the entries), that of the center plus that of the radii, and sqrt(|J|_1 |J|_inf).
    """
    size = torch.maximum(lower.abs(), upper.abs())
    whole = torch.linalg.matrix_norm(size, 2)
    center, radius = (lower + upper) / 2.0, (upper - lower) / 2.0
    parts = torch.linalg.matrix_norm(center, 2) + torch.linalg.matrix_norm(radius, 2)
    mixed = (size.sum(dim=1).amax(dim=1) * size.sum(dim=2).amax(dim=1)).sqrt()
    found = torch.minimum(torch.minimum(whole, parts), mixed)
    return found * (1.0 + ROUNDING[lower.dtype])
