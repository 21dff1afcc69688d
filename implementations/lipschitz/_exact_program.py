"""Mixed-integer programs written down in blocks, and HiGHS's bound on them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array, diags_array

Array = NDArray[np.float64]

SPAN = 1e3
"""Largest size of a scaled continuous variable.

HiGHS's feasibility tolerance is absolute, 1e-6: without a scale, its bounds for networks with
weights of 0.01 were up to 15 % too low.
"""

PRESOLVED = 10**5
"""Most nonzeros for which HiGHS presolves: it does not look at its time limit meanwhile."""


@dataclass(frozen=True, eq=False)
class Block:
    """Variables within bounds; ``at`` is its number."""

    at: int
    lower: Array
    upper: Array
    integral: bool

    @property
    def scale(self) -> Array:
        """What one unit of HiGHS's variables is."""
        size = np.maximum(np.abs(self.lower), np.abs(self.upper))
        return np.ones(len(size)) if self.integral else np.where(size > 0.0, size, 1.0) / SPAN


@dataclass(eq=False)
class Program:
    """Maximise the sum of gain . block over blocks of variables, under linear constraints."""

    blocks: list[Block] = field(default_factory=list)
    gains: dict[int, Array] = field(default_factory=dict)
    rows: list[dict[int, csr_array]] = field(default_factory=list)
    sides: list[tuple[Array, Array]] = field(default_factory=list)

    def block(self, lower: Array, upper: Array, *, integral: bool = False) -> Block:
        """Add variables within bounds."""
        self.blocks.append(Block(len(self.blocks), lower, upper, integral))
        return self.blocks[-1]

    def at_most(self, value: Array, *terms: tuple[Array | float, Block]) -> None:
        """Require sum of matrix @ block <= value; vectors and numbers are diagonal matrices."""
        self._require(np.full(len(value), -np.inf), value, terms)

    def equal(self, value: Array, *terms: tuple[Array | float, Block]) -> None:
        """Require sum of matrix @ block = value; vectors and numbers are diagonal matrices."""
        self._require(value, value, terms)

    def _require(
        self, lower: Array, upper: Array, terms: tuple[tuple[Array | float, Block], ...]
    ) -> None:
        row = {}
        size = np.zeros(len(lower))
        for matrix, block in terms:
            row[block.at] = csr_array(_matrix(matrix, len(lower)) * block.scale)
            if not block.integral:
                size = np.maximum(size, abs(row[block.at]).max(axis=1).toarray().ravel())
        size = np.where(size > 0.0, size, 1.0)
        self.rows.append(
            {at: csr_array(diags_array(1.0 / size) @ matrix) for at, matrix in row.items()}
        )
        self.sides.append((lower / size, upper / size))

    def solve(self, nodes: int, seconds: float) -> tuple[float, bool]:
        """Return HiGHS's bound on the maximum, infinite where it has none, and whether it holds.

        Args:
            nodes: after which it stops.
            seconds: likewise.
        """
        widths = [len(block.lower) for block in self.blocks]
        grid = [
            [row.get(at, csr_array((len(side[0]), width))) for at, width in enumerate(widths)]
            for row, side in zip(self.rows, self.sides, strict=True)
        ]
        A = csr_array(block_array(grid))
        A.eliminate_zeros()
        gain = np.concatenate(
            [
                self.gains.get(block.at, np.zeros(len(block.lower))) * block.scale
                for block in self.blocks
            ]
        )
        unit = np.abs(gain).sum() or 1.0
        integral = np.concatenate([np.full(len(b.lower), float(b.integral)) for b in self.blocks])
        found = milp(
            -gain / unit,
            integrality=integral,
            bounds=Bounds(
                np.concatenate([block.lower / block.scale for block in self.blocks]),
                np.concatenate([block.upper / block.scale for block in self.blocks]),
            ),
            constraints=LinearConstraint(
                A, *(np.concatenate(side) for side in zip(*self.sides, strict=True))
            ),
            options={
                "node_limit": nodes,
                "time_limit": seconds,
                "mip_rel_gap": 1e-9,
                "presolve": A.nnz <= PRESOLVED,
            },
        )
        if found.mip_dual_bound is None:
            return np.inf, False
        return -float(found.mip_dual_bound) * unit, found.status == 0


def _matrix(entries: Array | float, size: int) -> csr_array:
    if isinstance(entries, np.ndarray) and entries.ndim == 2:
        return csr_array(entries)
    return csr_array(diags_array(np.broadcast_to(entries, size).astype(np.float64)))
