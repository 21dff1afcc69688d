"""Best-first search of the cells on which a piecewise linear network is affine."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tiltyard.implementations.lipschitz._exact_bounds import (
    Affine,
    Array,
    Piecewise,
    Signs,
    backward,
    following,
    product,
    row_sums,
    spectral,
)
from tiltyard.implementations.lipschitz._exact_region import THIN, Region
from tiltyard.suites.lipschitz.problem import LipschitzProblem

Measure = Callable[[Array, Array, Array], float]
"""A bound of the quantity over the Jacobians G P with low <= G <= high; exact where they agree."""


def measures(problem: LipschitzProblem) -> list[Measure]:
    """Return what is to be bounded on each region: a norm, or +- each partial derivative."""
    if problem.norm == "linf":
        return [lambda low, high, P: float(row_sums(low, high, P).max())]
    if problem.norm == "l2":
        return [spectral]
    signed = [(j, sign) for sign in (1.0, -1.0) for j in problem.features]
    return [_partial(j, sign) for j, sign in signed]


def affine_answer(problem: LipschitzProblem, net: Piecewise) -> Array:
    """Return the answer for a network without activations, ``problem.shape``."""
    J = net.weights[0]
    found = [measure(J, J, np.eye(J.shape[1])) for measure in measures(problem)]
    return np.broadcast_to(found, (problem.regions, len(found))).reshape(problem.shape)


def _partial(j: int, sign: float) -> Measure:
    def measure(low: Array, high: Array, P: Array) -> float:
        bounds = product(low, high, P[:, [j]])
        return float(bounds[1].item() if sign > 0 else -bounds[0].item())

    return measure


@dataclass(frozen=True, eq=False)
class Node:
    """A set of cells: those with the given signs in one layer, below fixed earlier layers.

    Attributes:
        bound: of the quantity over them.
        affine: the input of the layer.
        signs: (w,) of its entries, 0 where free or where the region decides.
        rows: (q, n) and ``offsets``, what earlier layers require to be positive.
        point: of the set, None where none is known.
        branch: the entry to split on, -1 where the Jacobian does not depend on any.
    """

    bound: float
    affine: Affine
    signs: Signs
    rows: Array
    offsets: Array
    point: Array | None
    branch: int

    def sides(self) -> tuple[Array, Array]:
        """Return gradients and values at the center of all that must be positive in the set."""
        used = self.signs != 0
        signs = self.signs[used].astype(np.float64)
        return (
            np.vstack([self.rows, signs[:, None] * self.affine.rows[used]]),
            np.concatenate([self.offsets, signs * self.affine.offset[used]]),
        )


class Search:
    """The maximum of one quantity over one region.

    Sound at any time: ``upper`` covers the cells found and every set that is still open. A set is
    closed when it has no interior (certified, see ``Region.interior``), when it is one cell as far
    as the Jacobian is concerned, or when its bound does not exceed the value of a cell.
    """

    def __init__(self, net: Piecewise, region: Region, measure: Measure) -> None:
        self._net, self._region, self._measure = net, region, measure
        self._order = itertools.count()
        self._open: list[tuple[float, int, Node]] = []
        self._found = -np.inf
        self._best: Node | None = None
        self._closed = -np.inf
        self.cells = 0
        W, b = net.weights[0], net.biases[0]
        start = Affine(0, W, W @ region.center + b)
        n = W.shape[1]
        self._push(start, np.zeros(len(b), np.int8), (np.empty((0, n)), np.empty(0)), region.center)

    @property
    def upper(self) -> float:
        """A bound of the quantity on the region."""
        top = -self._open[0][0] if self._open else -np.inf
        return max(self._found, self._closed, top)

    @property
    def done(self) -> bool:
        """Whether ``upper`` is the maximum itself."""
        return not self._open

    def witness(self) -> Array:
        """Return a point well inside the best cell found, the center where none was found."""
        point = None if self._best is None else self._region.deep(*self._best.sides())
        return self._region.center if point is None else point

    def run(self, nodes: int) -> int:
        """Take up to ``nodes`` sets, those with the largest bounds first; return how many."""
        for taken in range(nodes):
            if not self._open:
                return taken
            node = heapq.heappop(self._open)[2]
            if node.bound <= self._enough:
                self._closed = max(self._closed, node.bound)
                self._open.clear()
                return taken + 1
            self._expand(node)
        return nodes

    @property
    def _enough(self) -> float:
        # A set within rounding of the best cell holds nothing that a bound could show.
        return self._found + (1e-10 * abs(self._found) if self._found > -np.inf else 0.0)

    def _expand(self, node: Node) -> None:
        point = node.point
        if point is None:
            self.cells += 1
            cell = self._region.interior(*node.sides())
            if not cell.nonempty:
                return
            point = cell.point
        if node.branch < 0:
            if node.bound > self._found:
                self._found, self._best = node.bound, node
            return
        k = node.branch
        margin = 0.0
        if point is not None:
            margin = float(node.affine.offset[k])
            margin += float(node.affine.rows[k] @ (point - self._region.center))
        sure = THIN * float(np.linalg.norm(node.affine.rows[k]))
        for sign in (1, -1):
            signs = node.signs.copy()
            signs[k] = sign
            inside = point if sign * margin > sure else None
            self._push(node.affine, signs, (node.rows, node.offsets), inside, node.bound)

    def _push(
        self,
        affine: Affine,
        signs: Signs,
        before: tuple[Array, Array],
        point: Array | None,
        bound: float = np.inf,
    ) -> None:
        """Bound a set and queue it, at the first layer that the region and the signs leave free."""
        net, region = self._net, self._region
        rows, offsets = before
        first = affine.relax(net, region, signs)
        while not first.unstable.any() and affine.layer + 1 < len(net.slopes):
            rows, offsets = Node(bound, affine, signs, rows, offsets, point, -1).sides()
            affine = affine.after(net, first.low)
            signs = np.zeros(len(affine.offset), np.int8)
            first = affine.relax(net, region)
        low, high = backward(net, following(net, affine, region, first))
        gap = (high - low).max(axis=0) * np.linalg.norm(affine.rows, axis=1)
        branch = -1
        if (high > low).any():
            branch = int(np.argmax(np.where(first.unstable, gap, -1.0)))
        bound = min(bound, self._measure(low, high, affine.rows))
        node = Node(bound, affine, signs, rows, offsets, point, branch)
        if bound > self._enough:
            heapq.heappush(self._open, (-bound, next(self._order), node))
        else:
            self._closed = max(self._closed, bound)
