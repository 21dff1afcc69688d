"""Compiled GMRES(2) cycles for Newton's system, stopped by tests of inexact SQP methods."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from tiltyard.implementations.constrained._adasketch_kernels import product
from tiltyard.implementations.constrained._newton_lagrangian import Array, Linear


class Tests(NamedTuple):
    """What an inner solve of the system [B J'; J 0] (dx, dy) = -(slope, c) is to meet.

    Attributes:
        gradient: (n,) gradient of f.
        c: (m,) residuals of the equations.
        pi: penalty of the l1 merit function.
        sigma: share of the penalised infeasibility that the model must lose.
        residual: largest |r|_1 of the first test.
        primal: largest |r_c|_1 of the first test.
        entries: of r_c, how many the first test sums there: m, or 1 in the released script.
        second_dual: largest |r_x|_1 of the second test; negative where there is no such test.
        second_primal: largest |r_c|_1 of the second test.
        model: whether the first test asks for the model's reduction too.
    """

    gradient: Array
    c: Array
    pi: float
    sigma: float
    residual: float
    primal: float
    entries: int
    second_dual: float
    second_primal: float
    model: bool


@njit(cache=True, error_model="numpy")
def _cycle(system: Linear, work: Array) -> None:
    """Minimise |A z - b| over z plus the Krylov space of dimension 2; update z and r.

    Arnoldi with v1 = r/|r|, then the 3 x 2 least-squares problem by Givens rotations; a Krylov
    space of dimension 1 is used as such.
    """
    A, b, z, r = system
    first, second, image = work[0], work[1], work[2]
    size = math.sqrt(np.dot(r, r))
    if size == 0.0:
        return
    first[:] = r / size
    product(A, first, image)
    h11 = np.dot(first, image)
    image -= h11 * first
    h21 = math.sqrt(np.dot(image, image))
    one = math.hypot(h11, h21)
    if one == 0.0:
        return
    if h21 <= 1e-14 * one:
        z -= size / h11 * first
    else:
        second[:] = image / h21
        product(A, second, image)
        h12, h22 = np.dot(first, image), np.dot(second, image)
        image -= h12 * first + h22 * second
        h32 = math.sqrt(np.dot(image, image))
        cosine, sine = h11 / one, h21 / one
        above, below = cosine * h12 + sine * h22, cosine * h22 - sine * h12
        two = math.hypot(below, h32)
        top, next_one = cosine * size, -sine * size
        y2 = next_one * below / (two * two) if two > 0.0 else 0.0
        z -= (top - above * y2) / one * first + y2 * second
    product(A, z, r)
    r -= b


@njit(cache=True)
def reduction(system: Linear, tests: Tests) -> tuple[float, float]:
    """Return how much the model of the l1 merit loses along dx, and how much it is to lose.

    The first is -g'dx - max(dx'B dx / 2, 0) + pi (|c|_1 - |c + J dx|_1), the second
    sigma pi max(|c|_1, |c + J dx|_1 - |c|_1). r holds A z - b, whose last part is c + J dx.
    """
    A, z, r = system.A, system.z, system.r
    n = tests.gradient.size
    along, curved = 0.0, 0.0
    for i in range(n):
        along += tests.gradient[i] * z[i]
        for k in range(A.starts[i], A.starts[i + 1]):
            if A.columns[k] < n:
                curved += z[i] * A.values[k] * z[A.columns[k]]
    missed = np.abs(tests.c).sum()
    left = np.abs(r[n:]).sum()
    lost = -along - max(0.5 * curved, 0.0) + tests.pi * (missed - left)
    return lost, tests.sigma * tests.pi * max(missed, left - missed)


@njit(cache=True)
def passed(system: Linear, tests: Tests) -> bool:
    """Return whether z, with residual r = A z - b, passes the first or the second test."""
    r = system.r
    n = tests.gradient.size
    dual, primal = np.abs(r[:n]).sum(), np.abs(r[n:]).sum()
    if dual <= tests.second_dual and primal <= tests.second_primal:
        return True
    seen = np.abs(r[n : n + tests.entries]).sum()
    if dual + primal > tests.residual or seen > tests.primal:
        return False
    if not tests.model:
        return True
    lost, wanted = reduction(system, tests)
    return lost >= wanted


@njit(cache=True)
def cycles(system: Linear, tests: Tests, most: int) -> tuple[int, bool]:
    """Run GMRES(2) cycles until the tests pass; update z and r.

    Args:
        system: its z and r are changed.
        tests: looked at after each cycle, and before the first one unless z = 0.
        most: end after so many cycles.

    Returns:
        how many cycles were run, and whether the tests passed.
    """
    work = np.empty((3, system.b.size))
    # No step at all may pass the tests, and would be taken for ever.
    fresh = not np.any(system.z)
    for done in range(most):
        if not (fresh and done == 0) and passed(system, tests):
            return done, True
        _cycle(system, work)
    return most, passed(system, tests)
