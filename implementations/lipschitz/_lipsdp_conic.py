"""LipSDP as a conic program for Clarabel (Goulart & Chen (2024), arXiv:2405.12762)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tiltyard.implementations.lipschitz._lipsdp import bounds
from tiltyard.implementations.lipschitz._lipsdp_certificate import looped_matrix, matrix
from tiltyard.implementations.lipschitz._lipsdp_lure import Lure
from tiltyard.suites.lipschitz.layers import Array
from tiltyard.suites.lipschitz.problem import Answer, LipschitzProblem

if TYPE_CHECKING:
    from scipy.sparse import csc_matrix


LARGEST = 160
"""Columns of the LMI: without sparsity Clarabel then factors a matrix of side 12,880."""

INWARD = (0.0, 1e-10, 1e-8, 1e-6, 1e-4)
"""How far to go from Clarabel's multipliers, feasible up to its tolerance, to those inside."""


def bounds_by_clarabel(
    problem: LipschitzProblem, multipliers: str, tolerance: float
) -> Iterator[Answer]:
    """Yield what ``bounds`` does, by Clarabel, with ``neuron`` or ``layer`` multipliers."""
    return bounds(
        problem,
        lambda form, basis, theta: optimal(form, basis, theta, tolerance),
        multipliers,
        LARGEST,
        "Clarabel factors a matrix of half its square a side",
    )


def optimal(form: Lure, basis: Array, theta: Array, tolerance: float) -> Iterator[Array]:
    """Yield the multipliers, (n,), that Clarabel ends with, and some a little further inside.

    min rho such that M(rho, basis theta) >= 0, theta >= 0. Clarabel drops entries that M never has
    and decomposes the cone where what remains is chordal (Zheng et al. (2020),
    doi:10.1007/s10107-019-01366-3).

    Args:
        form: ``compressed`` or not.
        basis: (n, k) columns of multipliers >= 0 of the form.
        theta: (k,) positive ones, strictly feasible.
        tolerance: Clarabel's gap and feasibility.
    """
    import clarabel
    from scipy.sparse import csc_matrix, eye_array, hstack, vstack

    k = basis.shape[1]
    order = len(form.A[0])
    columns, constant = _packed(form, basis)
    positive = hstack([csc_matrix((k, 1)), -eye_array(k)])
    rows = csc_matrix(vstack([-columns, positive], format="csc"))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = tolerance
    solver = clarabel.DefaultSolver(
        csc_matrix((k + 1, k + 1)),
        np.concatenate([[1.0], np.zeros(k)]),
        rows,
        np.concatenate([constant, np.zeros(k)]),
        [clarabel.PSDTriangleConeT(order), clarabel.NonnegativeConeT(k)],
        settings,
    )
    found = np.maximum(np.asarray(solver.solve().x)[1:], 0.0)
    for share in INWARD:
        yield basis @ ((1.0 - share) * found + share * theta)


def _packed(form: Lure, basis: Array) -> tuple[csc_matrix, Array]:
    """Return M's parts with rho and theta as columns, and its constant part, as Clarabel packs.

    That is the upper triangle column by column, entries off the diagonal times sqrt(2). Looped
    where slopes differ much in width: M in (x, y) is then nearly singular.
    """
    from scipy.sparse import csc_matrix, hstack

    order = form.A.shape[1]
    column, row = np.tril_indices(order)
    weight = np.where(row == column, 1.0, np.sqrt(2.0))
    loop = form.looped if form.reach.min() < 0.05 * form.reach.max() else None

    def entries(t: Array) -> Array:
        M = matrix(form, t) if loop is None else looped_matrix(*loop, t * form.reach**2)
        return np.asarray(M[row, column] * weight)

    constant = entries(np.zeros(len(form.A)))
    first = (row == column) & (row < form.inputs)
    parts = [csc_matrix(first[:, None].astype(float))]
    parts += [csc_matrix((entries(direction) - constant)[:, None]) for direction in basis.T]
    return csc_matrix(hstack(parts, format="csc")), constant
