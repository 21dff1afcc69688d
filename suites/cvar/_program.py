"""The quadratic program of one step, for Clarabel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiltyard.suites.cvar._risk import Array, Instance, Rows, tail_weights, value_at_risk

TOLERANCE = 1e-12


@dataclass(frozen=True)
class Model:
    """A lower model of F around w, whose rows are split into band, tail and the rest.

    Attributes:
        z: (n,) products A w.
        losses: (n,) losses at w.
        alpha: the value at risk at w.
        q: (n,) weights of the tail at w.
        t: (n,) slopes of the losses at w.
        tail: (n,) bool; rows that enter the model as if they stayed in the tail.
        band: rows whose place is open.
        hessian: (d, d) of the Lagrangian, positive semidefinite, damped.
    """

    instance: Instance
    w: Array
    z: Array
    losses: Array
    alpha: float
    q: Array
    t: Array
    tail: NDArray[np.bool_]
    band: Rows
    hessian: Array


@dataclass(frozen=True)
class Step:
    """The solution of the program.

    Attributes:
        v: (d,) the step of w.
        q: (n,) the rows' weights, t: (n,) their slopes; a dual point.
        decrease: a lower bound of the decrease that the model predicts.
    """

    v: Array
    q: Array
    t: Array
    decrease: float


def build_model(instance: Instance, w: Array, opened: Rows, size: int, damping: float) -> Model:
    """Return the model at w; its band is ``opened`` and the ``size`` rows nearest to alpha."""
    z = instance.products(w)
    losses = instance.values(z)
    q = tail_weights(losses, instance.p, instance.beta)
    alpha = value_at_risk(losses, q)
    t = instance.slopes(z)
    n = len(losses)
    near = np.argpartition(np.abs(losses - alpha), size)[:size] if size < n else np.arange(n)
    band = np.union1d(near, opened)
    tail = losses > alpha
    tail[band] = False
    hessian = curvature(instance, z, q) + damping * _metric(instance)
    return Model(instance, w, z, losses, alpha, q, t, tail, band, hessian)


def curvature(instance: Instance, z: Array, q: Array) -> Array:
    """Return the (d, d) Hessian of sum_i q_i phi_i(a_i . w) + mu/2 ||w||^2."""
    d = instance.A.shape[1]
    hessian = instance.mu * np.eye(d)
    if instance.smooth:
        rows = np.flatnonzero(q)
        part = instance.rows(rows)
        hessian += (part.A.T * (q[rows] * part.curvatures(z[rows]))) @ part.A
    return hessian


def _metric(instance: Instance, most: int = 20_000) -> Array:
    """Return the second moments of some rows of A, the scale of steps."""
    A = instance.A[: min(most, len(instance.A))]
    metric: Array = A.T @ A / len(A)
    return metric


def solve_program(model: Model) -> Step | None:
    """Minimise the model over the step v and the value at risk; None where Clarabel fails."""
    import clarabel
    from scipy import sparse

    instance, band, tail = model.instance, model.band, np.flatnonzero(model.tail)
    d, m = len(model.w), len(band)
    sides = _sides(model)
    cap = instance.cap
    unit = 1.0 / cap[band].sum()
    linear = instance.mu * model.w + instance.A[tail].T @ (cap[tail] * model.t[tail])
    cost = np.concatenate((linear, [1.0 - cap[tail].sum()], cap[band])) * unit
    quadratic = sparse.block_diag((model.hessian * unit, sparse.csc_matrix((m + 1, m + 1))))
    eye = sparse.identity(m)
    blocks: list[list[Any]] = [
        [sparse.csc_matrix(s[:, None] * instance.A[band]), -np.ones((m, 1)), -eye] for s, _ in sides
    ]
    bounds = [model.alpha - value for _, value in sides] + [np.zeros(m)]
    blocks.append([sparse.csc_matrix((m, d)), None, -eye])
    cones = [clarabel.NonnegativeConeT(m * (len(sides) + 1))]
    if instance.domain == "simplex":
        blocks += [[-np.eye(d), None, None], [np.ones((1, d)), None, None]]
        bounds += [model.w, np.zeros(1)]
        cones += [clarabel.NonnegativeConeT(d), clarabel.ZeroConeT(1)]
    solution = clarabel.DefaultSolver(
        sparse.triu(quadratic, format="csc"),
        cost,
        sparse.csc_matrix(sparse.bmat(blocks)),
        np.concatenate(bounds),
        cones,
        _settings(),
    ).solve()
    v, duals = np.array(solution.x)[:d], np.array(solution.z) / unit
    if not (np.isfinite(v).all() and np.isfinite(duals).all()) or "Infeasible" in str(
        solution.status
    ):
        return None
    weights = [np.maximum(duals[k * m : (k + 1) * m], 0.0) for k in range(len(sides))]
    q = np.where(model.tail, cap, 0.0)
    t = model.t.copy()
    q[band] = sum(weights)
    push = sum(weight * s for weight, (s, _) in zip(weights, sides, strict=True))
    t[band] = np.divide(push, q[band], out=t[band], where=q[band] > 0)
    return Step(v, q, t, 0.5 * float(v @ model.hessian @ v))


def _sides(model: Model) -> list[tuple[Array, Array]]:
    """Return the slopes and values at v = 0 of the affine pieces of the band's losses."""
    instance, band = model.instance, model.band
    if instance.smooth or instance.loss == "linear":
        return [(model.t[band], model.losses[band])]
    residual = model.z[band] - instance.y[band]
    ones = np.ones(len(band))
    return [
        (instance.over * ones, instance.over * residual),
        (-instance.under * ones, -instance.under * residual),
    ]


def _settings() -> Any:
    import clarabel

    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.max_threads = 1
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = TOLERANCE
    return settings
