"""The maximum over the rows of a Jacobian, one mixed-integer program each."""

from __future__ import annotations

from tiltyard.implementations.lipschitz._exact_bounds import (
    Affine,
    Piecewise,
    Relaxation,
    backward,
    following,
    product,
    row_sums,
)
from tiltyard.implementations.lipschitz._exact_milp import Objective, program_of
from tiltyard.implementations.lipschitz._exact_region import Region
from tiltyard.suites.lipschitz.problem import LipschitzProblem

MARGIN = 1e-7
"""Share added to HiGHS's bounds; they were off by 1e-13 of the enumerated maximum at most."""


class Target:
    """The largest of several objectives over one region; each has a bound, and may be closed."""

    def __init__(
        self,
        net: Piecewise,
        region: Region,
        layers: list[Relaxation],
        objectives: dict[Objective, float],
    ) -> None:
        self._net, self._region, self._layers = net, region, layers
        self._bounds = objectives
        self._solved: set[Objective] = set()
        self._attempts = dict.fromkeys(objectives, 0)

    @property
    def upper(self) -> float:
        """A bound of the maximum."""
        return max(self._bounds.values())

    @property
    def closed(self) -> bool:
        """Whether ``upper`` is the maximum: an objective that attains it is closed."""
        return self._first in self._solved

    @property
    def _first(self) -> Objective:
        return max(self._bounds, key=lambda one: (self._bounds[one], one in self._solved))

    def improve(self, nodes: int, seconds: float) -> None:
        """Solve the objective with the largest bound; at each attempt four times the limits."""
        one = self._first
        program = program_of(self._net, self._region, self._layers, one)
        factor = 4 ** self._attempts[one]
        bound, solved = program.solve(nodes * factor, seconds * factor)
        self._attempts[one] += 1
        self._bounds[one] = min(self._bounds[one], bound + MARGIN * abs(bound))
        if solved:
            self._solved.add(one)


def targets(problem: LipschitzProblem, net: Piecewise, region: Region) -> list[Target]:
    """Return what is to be maximised over a region, bounded by intervals; one row sum, or entries.

    Args:
        problem: one with norm ``linf`` or ``partial``.
        net: its network, with at least one activation.
        region: one of its boxes.
    """
    W = net.weights[0]
    start = Affine(0, W, W @ region.center + net.biases[0])
    layers = following(net, start, region, start.relax(net, region))
    low, high = backward(net, layers)
    if problem.norm == "linf":
        sums = row_sums(low, high, W)
        rows = {Objective(i): float(bound) for i, bound in enumerate(sums)}
        return [Target(net, region, layers, rows)]
    least, most = product(low, high, W)
    plus = [{Objective(0, j): float(most[0, j])} for j in problem.features]
    minus = [{Objective(0, j, -1.0): float(-least[0, j])} for j in problem.features]
    return [Target(net, region, layers, entry) for entry in plus + minus]
