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

from tiltyard.implementations.lipschitz._crown import Interval, Walk, derivatives, preactivations
from tiltyard.implementations.lipschitz._jacobian import Products, absolute_sum, largest, rows
from tiltyard.implementations.lipschitz._program import Program, Sizes, compile_network, reverse
from tiltyard.implementations.lipschitz._regions import region_of
from tiltyard.implementations.lipschitz._spectral import between, composed

if TYPE_CHECKING:
    from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

Tensor = torch.Tensor

DTYPES = {"float64": torch.float64, "float32": torch.float32}

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
        chords: whether norms are bounded as a whole, the l1 norm by lines of absolute values, the
            spectral one by a ball; else from the entries' bounds.
    """

    crown: bool
    rules: type[Products] = Products
    linear: bool = False
    chords: bool = False


@dataclass(frozen=True)
class Backward:
    """The backward pass over every region.

    Attributes:
        program: v -> J' v.
        ranges: of the derivatives, (k, n_i) each, by the activation's index.
        sizes: of the network.
        regions: k.
        crown: whether CROWN narrowed the intervals of the activations' inputs.
        like: a tensor of the dtype and on the device to work with.
    """

    program: Program
    ranges: dict[int, Interval]
    sizes: Sizes
    regions: int
    crown: bool
    like: Tensor

    @property
    def width(self) -> int:
        """The largest number of entries between two operations."""
        return max(self.sizes.inputs, *(one.size for one in self.sizes.activations), 1)

    def pairs(self) -> Tensor:
        """Return every region with every row of outputs, (k m, 2)."""
        m = self.sizes.outputs
        index = torch.arange(self.regions * m, device=self.like.device)
        return torch.stack([index // m, index % m], dim=1)

    def rows(self, recipe: Recipe, pairs: Tensor) -> tuple[Interval, Walk]:
        """Bound the rows of the Jacobian at (region, row) pairs; see ``_jacobian.rows``."""
        c = torch.zeros(
            len(pairs), self.sizes.outputs, dtype=self.like.dtype, device=self.like.device
        )
        c[torch.arange(len(pairs), device=c.device), pairs[:, 1]] = 1.0
        ranges = {
            i: (low[pairs[:, 0]], high[pairs[:, 0]]) for i, (low, high) in self.ranges.items()
        }
        return rows(self.program, recipe.rules(ranges), c, linear=recipe.linear)


def backward_pass(problem: LipschitzProblem, dtype: str, *, crown: bool) -> Backward:
    """Return the backward pass of a problem's network, the derivatives' ranges bounded.

    Raises:
        Unsupported: the network has layers other than linear, elementwise and residual ones.
    """
    kind = DTYPES[dtype]
    like = torch.zeros(1, dtype=kind, device=problem.device)
    program, sizes = compile_network(problem.network, like)
    found = preactivations(program, region_of(problem, kind), linear=crown)
    ranges = derivatives(program, found)
    return Backward(reverse(program), ranges, sizes, problem.regions, crown, like)


def jacobian_bounds(
    problem: LipschitzProblem, recipe: Recipe, dtype: str = "float64"
) -> Iterator[Answer]:
    """Yield upper bounds of the problem's quantity, ``problem.shape``, as regions are done.

    Where lines are propagated, which takes a while in wide networks, bounds by intervals come
    first; the others are never larger.

    Raises:
        Unsupported: the network has layers other than linear, elementwise and residual ones.
    """
    upper = np.full(problem.shape, np.inf)
    backward = backward_pass(problem, dtype, crown=False)
    for stage in dict.fromkeys((Recipe(crown=False), Recipe(crown=recipe.crown), recipe)):
        if stage.crown and not backward.crown:
            backward = backward_pass(problem, dtype, crown=True)
        m = backward.sizes.outputs
        step = m * max(1, BATCH // (m * backward.width))
        for pairs in torch.split(backward.pairs(), step):
            bound = _bounds(problem, stage, backward, pairs).double().cpu().numpy()
            first = int(pairs[0, 0])
            upper[first : first + len(bound)] = np.minimum(upper[first : first + len(bound)], bound)
            yield {"upper": upper.copy()}


def row_sums(backward: Backward, recipe: Recipe, pairs: Tensor) -> Tensor:
    """Return upper bounds of the l1 norms of the Jacobian's rows at (region, row) pairs."""
    interval, walk = backward.rows(recipe, pairs)
    if recipe.chords:
        found = absolute_sum(backward.program, interval, walk)
    else:
        found = largest(interval).sum(dim=1)
    return found * (1.0 + WIDENED[backward.like.dtype])


def _bounds(problem: LipschitzProblem, recipe: Recipe, backward: Backward, pairs: Tensor) -> Tensor:
    """Return bounds of the regions in ``pairs``, all of whose rows it holds."""
    m, n = backward.sizes.outputs, backward.sizes.inputs
    if problem.norm == "linf":
        return row_sums(backward, recipe, pairs).reshape(-1, m).amax(dim=1)
    (lower, upper), _ = backward.rows(recipe, pairs)
    widened = WIDENED[lower.dtype]
    if problem.norm == "l2":
        found = between(lower.reshape(-1, m, n), upper.reshape(-1, m, n))
        if recipe.chords:
            first = pairs[::m, 0]
            some = {i: (low[first], high[first]) for i, (low, high) in backward.ranges.items()}
            c = torch.eye(m, dtype=lower.dtype, device=lower.device).expand(len(first), -1, -1)
            found = torch.minimum(found, composed(backward.program, some, c))
        return found * (1.0 + widened)
    features = list(problem.features)
    both = torch.cat([upper[:, features], -lower[:, features]], dim=1)
    return both + widened * both.abs().amax(dim=1, keepdim=True)
