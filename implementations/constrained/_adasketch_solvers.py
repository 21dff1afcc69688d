"""Inner solvers of AdaSketch-Newton: row by row, by blocks, and direct.

A solver is a generator: it improves ``system.z`` and ``system.r`` in place until the norm of r is
at most a target, and yields, worth nothing in itself, after every ``PAUSE`` operations so that the
harness can look at the clock. A later call goes on from the same z.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tiltyard.implementations.constrained._adasketch_partition import Partition
from tiltyard.implementations.constrained._newton_lagrangian import System, nonzeros
from tiltyard.implementations.constrained._regularity import factorize
from tiltyard.suites.constrained.problem import ConstrainedProblem

PAUSE = 2e8
"""Operations between two looks at the clock: a few tenths of a second."""

Solver = Callable[[System, float], Iterator[None]]


def row_by_row(
    problem: ConstrainedProblem, rng: np.random.Generator, steps: int, *, gaussian: bool
) -> Solver:
    """Return the published solver: one sketched equation at a time, the residual anew each time.

    Charges ``sketch_step`` for every step and ``flop``: 2 nnz(A) for the residual and 2 N for its
    norm; besides, for a Gaussian sketch, 2 nnz(A) + 6 N, and for a Kaczmarz step 2 nnz(A) / N.

    Args:
        problem: charged.
        rng: draws the sketches.
        steps: cap of each call.
        gaussian: sketch by Gaussian vectors, else by rows drawn uniformly (Kaczmarz).
    """

    def solve(system: System, target: float) -> Iterator[None]:
        from tiltyard.implementations.constrained import _adasketch_kernels as kernels

        take = kernels.gaussian_steps if gaussian else kernels.kaczmarz_steps
        linear, N = system.linear(), len(system.b)
        entries = len(linear.A.values)
        work = 4 * entries + 8 * N if gaussian else 2 * entries + 2 * entries // N + 2 * N
        chunk = max(1, int(PAUSE / work))
        left = steps
        while left > 0:
            taken = take(linear, rng, target, min(left, chunk))
            problem.count("sketch_step", taken)
            problem.count("flop", taken * work)
            left -= taken
            if taken < chunk:
                return
            yield

    return solve


def by_blocks(
    problem: ConstrainedProblem, rng: np.random.Generator, steps: int, *, block: int
) -> Solver:
    """Return block sketch-and-project whose projections are orthogonal to the earlier ones.

    A step draws S (N, s), makes A S orthogonal to the images before it, A S = V C + Q R, and moves
    by -Q R^-T S'r: the new sketched equations hold and, since Q is orthogonal to V, the old ones
    go on holding, so that N/s steps solve the system in exact arithmetic (Patel, Jahangoshahi and
    Maldonado 2021, doi:10.1137/19M1259481). Rounding is taken out by starting anew from the
    residual. All work is matrix products and triangular solves; r is updated by A times the move.

    Charges ``sketch_step`` for every block and ``flop`` for products, orthogonalization and QR.

    Args:
        problem: charged.
        rng: draws the sketches.
        steps: cap of each call, in blocks.
        block: columns of a sketch; at most half the system, so that no single one solves it.
    """

    def solve(system: System, target: float) -> Iterator[None]:
        N = len(system.b)
        s = max(1, min(block, (N + 1) // 2))
        images = np.empty((N, N))
        used, done, best = 0, 0.0, np.inf
        for _ in range(steps):
            norm = float(np.linalg.norm(system.r))
            if used == 0:
                # A round that does not halve the residual has met the rounding of its products.
                if norm > 0.5 * best:
                    return
                best = norm
            if not norm > target:
                return
            width = min(s, N - used)
            _block_step(system, rng.standard_normal((N, width)), images, used)
            work = 2 * nonzeros(system.A) * (width + 1) + 8 * N * width * (used + width)
            problem.count("sketch_step")
            problem.count("flop", work)
            used = (used + width) % N
            done += work
            if done > PAUSE:
                done = 0.0
                yield

    return solve


def by_parts(
    problem: ConstrainedProblem, rng: np.random.Generator, steps: int, *, parts: int
) -> Solver:
    """Return sketch-and-project by parts of a sparse system's rows; see ``_adasketch_partition``.

    Charges ``sketch_step`` for every projection and ``flop`` for factorizations, substitutions and
    products.

    Args:
        problem: charged; sparse.
        rng: draws the order of the parts.
        steps: cap of each call, in sweeps.
        parts: how many there are, at least 2.
    """
    known: list[tuple[System, Partition]] = []

    def solve(system: System, target: float) -> Iterator[None]:
        if not known or known[0][0] is not system:
            known[:] = [(system, Partition(problem, rng, system.A, parts))]
        done = 0.0
        for work in known[0][1].solve(system, target, steps):
            done += work
            if done > PAUSE:
                done = 0.0
                yield

    return solve


def _block_step(system: System, S: Any, images: Any, used: int) -> None:
    """Move z to where S'A z = S'b, orthogonally to the ``used`` images, and add to them."""
    from scipy.linalg import solve_triangular

    V = images[:, :used]
    W = system.A @ S
    for _ in range(2):  # once is not enough: Giraud, Langou and Rozloznik (2005)
        W = W - V @ (V.T @ W)
    Q, R = np.linalg.qr(W)
    diagonal = np.abs(np.diag(R))
    if diagonal.min() <= 1e-13 * diagonal.max():
        used_rows = np.linalg.pinv(R.T, rcond=1e-13)
        step = used_rows @ (S.T @ system.r)
    else:
        step = solve_triangular(R, S.T @ system.r, trans=1, check_finite=False)
    images[:, used : used + S.shape[1]] = Q
    move = Q @ step
    system.z -= move
    system.r -= system.A @ move


def direct(problem: ConstrainedProblem) -> Solver:
    """Return a solver by LU factorization, dense or sparse, with one step of refinement.

    Charges ``linear_solve`` and ``flop``: 2 N^3 / 3, or the work of the sparse factors, and the
    substitutions.
    """

    def solve(system: System, target: float) -> Iterator[None]:
        del target  # the residual is at the rounding level, whatever is asked for
        if not np.array_equal(system.r, -system.b):
            return  # solved before
        N = len(system.b)
        problem.count("linear_solve")
        if isinstance(system.A, np.ndarray):
            from scipy.linalg import lu_factor, lu_solve

            factors = lu_factor(system.A, check_finite=False)
            problem.count("flop", 2 * N**3 // 3 + 8 * N * N)
            apply: Any = partial(lu_solve, factors, check_finite=False)
        else:
            factors = factorize(problem, system.A.tocsc())
            problem.count("flop", 4 * (factors.L.nnz + factors.U.nnz + system.A.nnz))
            apply = factors.solve
        for _ in range(2):
            system.z -= apply(system.r)
            system.r[:] = system.A @ system.z - system.b
        yield

    return solve
