"""Compiled row-by-row steps of sketch-and-project for a symmetric system A z = b."""

from __future__ import annotations

import numpy as np
from numba import njit

from tiltyard.implementations.constrained._newton_lagrangian import Array, Linear, Rows


@njit(cache=True)
def product(A: Rows, v: Array, out: Array) -> None:
    """Write A v to ``out``, both float64 (N,)."""
    for i in range(out.size):
        total = 0.0
        for k in range(A.starts[i], A.starts[i + 1]):
            total += A.values[k] * v[A.columns[k]]
        out[i] = total


@njit(cache=True)
def _residual(A: Rows, b: Array, z: Array, r: Array) -> float:
    """Write A z - b to r; return its squared norm."""
    product(A, z, r)
    square = 0.0
    for i in range(r.size):
        r[i] -= b[i]
        square += r[i] * r[i]
    return square


@njit(cache=True, error_model="numpy")
def gaussian_steps(system: Linear, rng: np.random.Generator, stop: float, steps: int) -> int:
    """Project z on S'A z = S'b for one Gaussian vector S after the other; update z and r.

    z <- z - (S'r / |A S|^2) A S, with r = A z - b computed anew after every step.

    Args:
        system: its z and r are changed.
        rng: draws S.
        stop: end as soon as the norm of r is at most this.
        steps: end after so many steps.

    Returns:
        how many steps were taken.
    """
    A, b, z, r = system
    s = np.empty_like(b)
    image = np.empty_like(b)
    square = np.dot(r, r)
    taken = 0
    while square > stop * stop and taken < steps:
        along = 0.0
        for i in range(s.size):
            s[i] = rng.standard_normal()
            along += s[i] * r[i]
        product(A, s, image)
        length = np.dot(image, image)
        taken += 1
        if length == 0.0:
            continue
        for i in range(s.size):
            z[i] -= along / length * image[i]
        square = _residual(A, b, z, r)
    return taken


@njit(cache=True, error_model="numpy")
def kaczmarz_steps(system: Linear, rng: np.random.Generator, stop: float, steps: int) -> int:
    """Project z on one equation after the other, each drawn uniformly; update z and r.

    z <- z - (r_i / |A_i|^2) A_i, with r = A z - b computed anew after every step. Zero rows are
    passed over. Arguments and result as for ``gaussian_steps``.
    """
    A, b, z, r = system
    lengths = np.zeros_like(b)
    for i in range(b.size):
        for k in range(A.starts[i], A.starts[i + 1]):
            lengths[i] += A.values[k] * A.values[k]
    square = np.dot(r, r)
    taken = 0
    while square > stop * stop and taken < steps:
        i = int(rng.random() * b.size)
        taken += 1
        if lengths[i] == 0.0:
            continue
        move = r[i] / lengths[i]
        for k in range(A.starts[i], A.starts[i + 1]):
            z[A.columns[k]] -= move * A.values[k]
        square = _residual(A, b, z, r)
    return taken
