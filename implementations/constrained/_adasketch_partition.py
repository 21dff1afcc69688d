"""Sketch-and-project by parts of the rows of a sparse system, accelerated by conjugate gradients.

Rows are put in reverse Cuthill-McKee order and cut into a few parts. One part's sketch is its unit
vectors: the step projects z on all of its equations, by a sparse factorization made once. A sweep
over the parts and back, z -> Q z + R b, has a symmetric Q, so that conjugate gradients solve
(I - Q) z = R b (CGMN: Bjorck and Elfving 1979, doi:10.1007/BF01930845); neighbouring parts share
few variables, whence few iterations.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tiltyard.implementations.constrained._newton_lagrangian import Array, System, nonzeros
from tiltyard.implementations.constrained._regularity import factorize
from tiltyard.suites.constrained.problem import ConstrainedProblem

_ROUND = 1000
"""Iterations after which conjugate gradients start anew from the residual."""

_LATE = 100
"""Iterations without progress after which they start anew, too."""


class _Part:
    """Some rows of the system, and the projection on their equations.

    The shortest d with A d = s comes from [I A'; A 0] (d, -y) = (0, s): unlike A A', that matrix
    stays sparse where a column is full.
    """

    def __init__(self, problem: ConstrainedProblem, A: Any, rows: Any) -> None:
        from scipy.sparse import block_array, eye_array

        part = A[rows]
        self.rows = rows
        self._columns = np.unique(part.indices)
        self._A = part[:, self._columns]
        width = len(self._columns)
        augmented = block_array([[eye_array(width), self._A.T], [self._A, None]])
        self._factors = factorize(problem, augmented.tocsc())
        self._width = width
        self.work = 2 * (self._factors.L.nnz + self._factors.U.nnz + self._A.nnz)

    def project(self, z: Array, b: Array) -> None:
        """Move z to the nearest point where these rows of A z = b hold."""
        missed = b[self.rows] - self._A @ z[self._columns]
        right = np.concatenate([np.zeros(self._width), missed])
        z[self._columns] += self._factors.solve(right)[: self._width]


class Partition:
    """The parts of one system, and their sweeps.

    Args:
        problem: charged ``flop``, and ``sketch_step`` for every projection.
        rng: draws the order of the parts.
        A: (N, N) symmetric CSR.
        parts: how many there are.

    Raises:
        RuntimeError: the rows of a part are dependent.
    """

    def __init__(
        self, problem: ConstrainedProblem, rng: np.random.Generator, A: Any, parts: int
    ) -> None:
        from scipy.sparse.csgraph import reverse_cuthill_mckee

        order = reverse_cuthill_mckee(A, symmetric_mode=True)
        cut = np.array_split(order, min(parts, len(order)))
        self._parts = [_Part(problem, A, cut[k]) for k in rng.permutation(len(cut))]
        self._problem = problem
        self.work = 2 * sum(part.work for part in self._parts) + 2 * nonzeros(A)

    def sweep(self, z: Array, b: Array) -> Array:
        """Return z after projections on every part, forwards and backwards."""
        z = z.copy()
        for part in (*self._parts, *reversed(self._parts)):
            part.project(z, b)
        self._problem.count("sketch_step", 2 * len(self._parts))
        self._problem.count("flop", self.work)
        return z

    def solve(self, system: System, target: float, sweeps: int) -> Iterator[float]:
        """Improve z and r until the norm of r is at most the target; yield the work of each sweep.

        A round of conjugate gradients that does not halve the residual has met its rounding.
        """
        left = sweeps
        while left > 0:
            norm = float(np.linalg.norm(system.r))
            if not norm > target:
                return
            for work in self._round(system, target, min(left, _ROUND)):
                left -= 1
                yield work
            system.r[:] = system.A @ system.z - system.b
            if not float(np.linalg.norm(system.r)) <= 0.5 * norm:
                return

    def _round(self, system: System, target: float, sweeps: int) -> Iterator[float]:
        nothing = np.zeros_like(system.b)
        g = self.sweep(system.z, system.b) - system.z
        p, square = g.copy(), float(g @ g)
        best = system.z.copy(), float(np.linalg.norm(system.r))
        late = 0
        for _ in range(sweeps):
            image = p - self.sweep(p, nothing)
            curved = float(p @ image)
            if not curved > 0.0:
                break
            alpha = square / curved
            system.z += alpha * p
            system.r += alpha * (system.A @ p)
            g -= alpha * image
            norm = float(np.linalg.norm(system.r))
            late += 1
            if norm < 0.9 * best[1]:
                best, late = (system.z.copy(), norm), 0
            yield self.work
            if norm <= target:
                return
            if late == _LATE:
                break
            square, before = float(g @ g), square
            p = g + square / before * p
        system.z[:] = best[0]
